"""Access in a real browser: a studio that wants its token asks for it, once."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.studio.browser.screen import PATIENCE, Screen
from tests.studio.conftest import Running, running


@pytest.fixture(scope="module")
def guarded(page_is_built: None, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    """A studio that other machines could ask."""
    folder = tmp_path_factory.mktemp("guarded")
    with running(folder, str(runs), "--host", "0.0.0.0", "--workers", "1") as started:
        yield started


@pytest.fixture
def stranger(browser: Browser, guarded: Running) -> Generator[Screen]:
    """A browser that has not been here before."""
    with Screen.open(browser, guarded.port) as opened:
        yield opened
        assert not opened.faults, opened.faults


def test_a_token_is_asked_for_and_opens_everything(stranger: Screen, guarded: Running) -> None:
    assert guarded.token
    stranger.go("explore?model=0:digits", "dialog[open]")
    stranger.see("dialog h2", "Who is there?")
    assert stranger.violations() == []
    for wide in (1440, 390):
        stranger.page.set_viewport_size({"width": wide, "height": 844})
        assert not stranger.overflows()
    assert stranger.page.locator(".easel").count() == 0
    field = stranger.one("dialog input[type=password]")
    expect(field).to_be_focused()
    field.fill("not this one, surely")
    field.press("Enter")
    stranger.see("dialog [role=status]", "That is not the token")
    stranger.keep("token")
    field.fill(guarded.token)
    field.press("Enter")
    stranger.gone("dialog")
    stranger.see(".easel[data-waits]")  # HTTP, and the WebSocket with its cookie
    stranger.page.reload()
    stranger.see(".easel[data-waits]")
    assert stranger.page.locator("dialog").count() == 0
    stranger.play()
    stranger.see("[data-fact=round]")
    assert guarded.token not in stranger.page.evaluate("document.cookie")


def test_a_dialog_that_was_closed_can_be_asked_for_again(stranger: Screen, guarded: Running) -> None:
    stranger.go("play?data=ring", "dialog[open]")
    stranger.page.keyboard.press("Escape")
    stranger.gone("dialog")
    stranger.see("[data-notice=token]", "wants its token")
    stranger.click("[data-notice=token] button")
    stranger.see("dialog h2", "Who is there?")
    stranger.one("dialog input[type=password]").fill(guarded.token or "")
    stranger.page.keyboard.press("Enter")
    stranger.see("[data-fact=round]")
    stranger.gone("[data-notice=token]")


def test_the_printed_address_lets_in_and_hides_the_token(stranger: Screen, guarded: Running) -> None:
    stranger.page.goto(f"{stranger.home}?token={guarded.token}")
    stranger.see("[data-fact=round], [data-lesson]")
    assert "token" not in stranger.page.url
    stranger.page.goto("about:blank")
    answer = stranger.page.goto(f"{stranger.home}?token=wrong")
    assert answer is not None
    assert answer.status == 401
    expect(stranger.page.locator("body")).to_contain_text("that is not the token", timeout=PATIENCE)
