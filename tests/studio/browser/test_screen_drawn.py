"""The drawn game, in a real browser: what it shows, what it says, and how slow motion lights it up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import WebSocket

from tests.studio.browser.screen import Screen
from tests.studio.conftest import unpacked

VALUES = (
    "discriminator_loss",
    "generator_loss",
    "discriminator_gradient",
    "generator_gradient",
    "d_real",
    "d_fake",
)


@contextmanager
def headers(screen: Screen) -> Iterator[list[dict[str, Any]]]:
    """Headers of all frames that the page gets."""
    got: list[dict[str, Any]] = []

    def note(message: str | bytes) -> None:
        if isinstance(message, bytes):
            header = unpacked(message)[0]
            if header["type"] == "frame":
                got.append(header)

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", note)

    screen.page.on("websocket", opened)
    yield got


def shown(screen: Screen) -> dict[str, float]:
    """The numbers that the drawing shows, as they were sent."""
    return screen.page.eval_on_selector_all(
        ".drawn [data-number]",
        "all => Object.fromEntries(all.map(one => [one.dataset.value, Number(one.dataset.number)]))",
    )


def lit(screen: Screen) -> list[str]:
    """The parts that are lit, in the order in which they were."""
    return screen.page.eval_on_selector_all(
        "[data-lit]",
        "all => all.sort((a, b) => a.dataset.lit - b.dataset.lit).map(one => one.dataset.part)",
    )


def inside(screen: Screen, selector: str) -> bool:
    """Whether all of it is in the window, at the top of the page."""
    box = screen.one(selector).bounding_box()
    assert box is not None
    return screen.page.evaluate("scrollY") == 0 and box["y"] >= 0 and box["y"] + box["height"] <= 900


@pytest.mark.parametrize("query", ["data=ring", "data=gaussian&latent=1", "data=digits&recipe=auto"])
def test_the_game_is_drawn_with_its_numbers(screen: Screen, query: str) -> None:
    with headers(screen) as got:
        screen.play(query)
        screen.click("[name=step-both]")
        screen.until(lambda: got and got[-1]["round"] == 1, "a round")
        wanted = {name: got[-1]["numbers"][name] for name in VALUES}
        screen.until(lambda: shown(screen) == wanted, "its numbers")
    assert inside(screen, ".drawn")
    names = screen.page.eval_on_selector_all(".part", "all => all.map(one => one.dataset.part)")
    assert len(names) == 10
    for name in names:  # each says what it is, to those who cannot see it as well
        part = screen.one(f"[data-part={name}]")
        assert len((part.get_attribute("aria-label") or "").split()) > 6
        part.focus()
        assert screen.one(".says").inner_text() in (part.get_attribute("aria-label") or "")
    if "digits" in query:
        assert not screen.one("canvas.network").is_visible()
        screen.see("[data-value=generator]", "parameters")
        return
    assert inside(screen, "canvas.game")
    for player in ("generator", "discriminator"):
        canvas = f"[data-part={player}] canvas"
        before = screen.pixels(canvas)
        colours = screen.page.eval_on_selector(
            canvas,
            """canvas => {
                const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
                let [blue, amber] = [0, 0];
                for (let i = 0; i < data.length; i += 4) {
                    if (data[i + 3] > 99 && data[i + 2] > data[i] + 60) blue += 1;
                    if (data[i + 3] > 99 && data[i] > data[i + 2] + 60) amber += 1;
                }
                return [blue, amber];
            }""",
        )
        assert min(colours) > 200, (player, colours)  # weights and units of both signs
        screen.click(f"[name=step-{player}]")
        screen.until(lambda canvas=canvas, before=before: screen.pixels(canvas) != before, "other weights")


def test_a_unit_is_shown_large_in_the_pictures_place(screen: Screen) -> None:
    screen.play("data=ring")
    canvas = screen.one("[data-part=discriminator] canvas")
    screen.until(lambda: "64, 64 units" in (canvas.get_attribute("aria-label") or ""), "its layers")
    picture = screen.pixels("canvas.game")
    box = canvas.bounding_box()
    assert box is not None
    screen.page.mouse.move(box["x"] + box["width"] - 12, box["y"] + (box["height"] - 15) / 2)
    screen.see(".says", "The discriminator’s logit")
    screen.until(lambda: screen.pixels("canvas.game") != picture, "the logit's map")
    screen.page.mouse.move(5, 5)
    screen.until(lambda: screen.pixels("canvas.game") == picture, "the picture again")
    canvas.focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        screen.page.keyboard.press(key)
    screen.see(".says", "Unit 2 of 64 in layer 1 of the discriminator")
    screen.until(lambda: screen.pixels("canvas.game") != picture, "that unit's map")
    screen.page.keyboard.press("Escape")
    screen.until(lambda: screen.pixels("canvas.game") == picture, "the picture again")
    screen.click(".drawn summary")
    screen.until(lambda: (screen.one("canvas.game").bounding_box() or {})["height"] > 500, "more room")


def test_slow_motion_lights_up_the_game_in_its_order(screen: Screen) -> None:
    with headers(screen) as got:
        screen.play("data=ring")
        screen.click("[name=slow]")
        seen: list[tuple[str, list[str]]] = []
        for lights in (
            ["noise", "generator", "generated"],
            ["generated", "discriminator", "verdict"],
            ["real", "discriminator", "verdict"],
            ["verdict", "discriminator_loss"],
            ["discriminator_gradient", "discriminator"],
            ["noise", "generator", "generated", "discriminator", "verdict"],
            ["verdict", "generator_loss"],
            ["generator_gradient", "generator"],
        ):
            screen.until(lambda lights=lights: lit(screen) == lights, f"{lights} after {seen}")
            for selector in (".drawn", "canvas.game", "[name=next-stage]", ".stages li.now"):
                assert inside(screen, selector), (selector, lights)
            seen.append((screen.one(".stages li.now").get_attribute("data-stage") or "", lights))
            values = shown(screen)
            assert ("discriminator_loss" in values) == (len(seen) >= 4)
            assert ("discriminator_gradient" in values) == (len(seen) >= 5)
            assert ("generator_loss" in values) == (len(seen) >= 7)
            assert ("generator_gradient" in values) == (len(seen) >= 8)
            if len(seen) < 8:
                screen.click("[name=next-stage]")
        last = got[-1]["numbers"]
        for name in VALUES[:4]:  # what the stages told is what the round did
            assert shown(screen)[name] == pytest.approx(last[name], rel=1e-5)
        screen.click("[name=play]")
        screen.until(lambda: lit(screen) == [], "no light while it is played")
        assert not screen.page.locator(".slow").is_visible()


def test_on_a_narrow_screen_it_is_folded_below_the_picture(screen: Screen) -> None:
    screen.page.set_viewport_size({"width": 390, "height": 844})
    with headers(screen) as got:
        screen.play("data=ring")
        picture, drawing = (screen.one(one).bounding_box() for one in ("canvas.game", ".drawn"))
        assert picture is not None
        assert drawing is not None
        assert drawing["y"] > picture["y"] + picture["height"]
        assert drawing["height"] < 60
        assert "networks" not in got[-1]  # nobody looks at it
        screen.click(".drawn summary")
        screen.until(lambda: "networks" in got[-1], "the layers")
        screen.see("[data-part=generator] canvas")
        assert not screen.overflows()
