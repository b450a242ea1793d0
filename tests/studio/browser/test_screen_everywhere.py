"""What holds for every view: both themes, both widths, axe, the keyboard alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.studio.browser.screen import Screen

VIEWS = {
    "play-lessons": ("play?lesson=forger", "[data-fact=round]"),
    "play-settings": ("play?data=ring", "[data-fact=round]"),
    "play-line": ("play?data=gaussian&latent=1", "[data-fact=round]"),
    "play-digits": ("play?data=digits&recipe=auto", ".cell .score"),
    "watch": ("watch?run=0:digits&run=0:moons", ".film-picture[src]"),
    "explore": ("explore?model=0:digits", ".easel[data-waits]"),
}


@pytest.mark.parametrize("name", VIEWS)
def test_every_view_fits_and_passes_axe(screen: Screen, name: str) -> None:
    kept = os.environ.get("GANFORGE_TEST_SCREENSHOTS")
    screen.go(*VIEWS[name])
    for theme in ("light", "dark"):
        for wide, high in ((1440, 900), (390, 844)):
            screen.page.set_viewport_size({"width": wide, "height": high})
            if kept:
                screen.page.wait_for_timeout(400)
                screen.page.screenshot(path=Path(kept) / f"{name}-{wide}-{theme}.png", full_page=True)
            # Charts follow the width a moment later.
            screen.until(lambda: not screen.overflows(), f"{name} fits into {wide} px; it")
        # Colours are those of the theme at any width, and structure is that of the width in any theme.
        if theme == "light":
            assert screen.violations() == [], (name, 390)
            screen.page.set_viewport_size({"width": 1440, "height": 900})
            assert screen.violations() == [], (name, 1440)
            screen.click("[aria-label='Switch to the dark theme']")
    assert screen.violations("color-contrast") == [], (name, "dark")


def test_the_theme_can_be_switched_and_is_remembered(screen: Screen) -> None:
    screen.play()
    before = screen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    screen.click("[aria-label='Switch to the dark theme']")
    assert screen.page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    screen.page.reload()
    screen.see("[aria-label='Switch to the light theme']")


@pytest.mark.parametrize("view", ["play-settings", "watch", "explore"])
def test_the_keyboard_alone_reaches_everything(screen: Screen, view: str) -> None:
    screen.go(*VIEWS[view])
    screen.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    wanted: int = screen.page.evaluate(
        """() => {
            const kinds = 'a[href], button, input, select, summary, [tabindex="0"]';
            const all = [...document.querySelectorAll(kinds)]
                .filter(one => one.tabIndex >= 0 && !one.disabled && one.checkVisibility());
            all.forEach((one, i) => { one.dataset.reach = String(i) });
            return all.length;
        }"""
    )
    reached: set[str] = set()
    for _ in range(wanted + 15):
        screen.page.keyboard.press("Tab")
        seen = screen.page.evaluate("document.activeElement?.dataset.reach ?? null")
        if seen is not None:
            reached.add(seen)
    missed = screen.page.evaluate(
        "reached => [...document.querySelectorAll('[data-reach]')]"
        ".filter(one => !reached.includes(one.dataset.reach)).map(one => one.outerHTML.slice(0, 120))",
        sorted(reached),
    )
    assert missed == []
    screen.page.evaluate("document.activeElement?.blur()")


def test_tabs_and_the_game_by_keyboard(screen: Screen) -> None:
    screen.play()
    screen.one("[data-tab=settings]").focus()
    screen.page.keyboard.press("ArrowRight")
    screen.see("[data-tab=failures][aria-selected=true]")
    screen.one("[name=play]").focus()
    screen.page.keyboard.press("Enter")
    screen.see("[name=play]", "Pause")
    screen.page.keyboard.press("Space")
    screen.see("[name=play]", "Play")


def test_limits_are_said_on_the_screen(screen: Screen) -> None:
    screen.play()
    screen.see("#foot", "sessions of Play on this machine")
