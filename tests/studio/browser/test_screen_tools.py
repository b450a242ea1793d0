"""Every tool of Explore is used once by hand: dropped, drawn, dragged, chosen, asked in words."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganforge.core.condition import Condition
from ganforge.data import Dataset
from tests import players
from tests.studio.browser.screen import Screen
from tests.translations import trained

EASEL = ".easel > .picture"
HERE = ".panel:not([hidden])"


def _asking(kind: str) -> Dataset:
    """Pictures with two attributes, as labels or as numbers."""
    made = players.pictures(20, (3, 16, 16))
    rows = np.array([[i % 2, (i + 1) % 2] for i in range(20)], np.float32)
    more = {"mean": (0.5, 0.5), "deviation": (0.5, 0.5)} if kind == "numbers" else {}
    asks = Condition(kind=kind, names=("smile", "hat"), examples=((1.0, 0.0), (0.0, 1.0)), **more)  # type: ignore[arg-type]
    return replace(made, space=replace(made.space, condition=asks), train=replace(made.train, rows=rows))


@pytest.fixture(scope="module", autouse=True)
def generators(runs: Path) -> None:
    """Beside the others: generators that are asked in words, and one whose styles mix."""
    trained("captions", runs / "text", players.captioned())
    trained("residual", runs / "labels", _asking("labels"))
    trained("residual", runs / "numbers", _asking("numbers"))
    trained("few-shot", runs / "mixing", players.pictures(20, (3, 32, 32)))


def _open(screen: Screen, model: str) -> None:
    screen.go(f"explore?model=0:{model}", ".easel[data-waits]")


def _changes(screen: Screen, selector: str, act: Callable[[], object], what: str) -> None:
    before = screen.pixels(selector)
    act()
    screen.until(lambda: screen.pixels(selector) != before, what)


@pytest.mark.parametrize(
    ("model", "words", "wrong"),
    [("text", "green, blue", ""), ("labels", "hat", "smil"), ("numbers", "smile=0.9, hat=0.1", "smile=high")],
)
def test_what_is_asked_in_words_changes_the_picture(
    screen: Screen, model: str, words: str, wrong: str
) -> None:
    _open(screen, model)
    box = screen.one("input[name=class]")

    def ask(said: str) -> None:
        box.fill(said)
        box.press("Enter")

    _changes(screen, EASEL, lambda: ask(words), "another picture")
    if model == "text":
        ask("gren, blue")
        screen.see("[data-note]", "Did you mean 'green'?")
    if wrong:
        ask(wrong)
        screen.see("[data-notice=refused]")
        assert "\n" not in screen.one("[data-notice=refused] span").inner_text()


def test_directions_by_variance_and_sliders_levelled(screen: Screen) -> None:
    _open(screen, "digits")
    screen.click("[data-method=pca]")
    screen.see(".sliders input[name^=direction-principal]")
    slider = ".sliders input[name^=direction-principal]"
    start = screen.pixels(EASEL)
    box = screen.one(slider).bounding_box()
    assert box is not None
    screen.drag(slider, (0.5, 0.5), (0.95, 0.5))
    screen.until(lambda: screen.pixels(EASEL) != start, "a picture along the direction")
    screen.click("button:has-text('Level the sliders')")
    screen.until(lambda: screen.pixels(EASEL) == start, "the picture from before")


def test_neighbours_are_nearer_or_farther(screen: Screen) -> None:
    _open(screen, "digits")
    near = "[data-sheet=near] .made:nth-child(2) canvas"
    screen.page.wait_for_selector(near)
    _changes(
        screen,
        near,
        lambda: screen.slide(f"{HERE} .field.slider:has(label:has-text('how far')) input", 1.0),
        "one farther off",
    )


def test_arithmetic_by_drag_and_drop_alone(screen: Screen) -> None:
    _open(screen, "digits")
    for _ in range(3):
        screen.click("[name=pin]")
        screen.click("[name=another]")
    screen.see("[data-pin='3'] canvas")
    screen.tab("sum")
    result = f"{HERE} .slot.result .picture"
    before = screen.pixels(result)
    for place in (1, 2, 3):
        screen.page.drag_and_drop(f"[data-pin='{place}'] .made", f"{HERE} .slot:nth-child({place})")
        screen.see(f"{HERE} .slot:nth-child({place}).filled")
    screen.until(lambda: screen.pixels(result) != before, "a sum")
    screen.keep("explore-arithmetic")
    _changes(
        screen, EASEL, lambda: screen.click(f"{HERE} button:has-text('To the easel')"), "it on the easel"
    )
    screen.click("[data-pin='2'] button[aria-label='take pin 2 off']")
    screen.until(lambda: screen.page.locator("[data-pin]").count() == 2, "two pins")


def test_styles_mix(screen: Screen) -> None:
    _open(screen, "mixing")
    screen.click("[name=pin]")
    screen.click("[name=another]")
    screen.tab("mix")
    result = f"{HERE} .slot.result .picture"
    screen.page.drag_and_drop("[data-pin='1'] .made", f"{HERE} .slot:nth-child(1)")
    _changes(
        screen,
        result,
        lambda: screen.page.select_option("[data-slot='fine layers from']", "easel"),
        "a mixture",
    )
    screen.keep("explore-mixing")


def _drop(screen: Screen, path: Path) -> None:
    screen.page.evaluate(
        """([content, name]) => {
            const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name, { type: "image/png" }));
            const zone = document.querySelector(".panel:not([hidden]) .drop-zone");
            for (const kind of ["dragover", "drop"]) {
                zone.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
            }
        }""",
        [base64.b64encode(path.read_bytes()).decode(), path.name],
    )


def test_inversion_of_what_is_dropped_and_of_what_is_drawn(screen: Screen, tmp_path: Path) -> None:
    picture = tmp_path / "one.png"
    Image.linear_gradient("L").resize((16, 16)).save(picture)
    _open(screen, "digits")
    screen.tab("invert")
    _drop(screen, picture)
    screen.see(f"{HERE} [role=status]", "Paint over")
    screen.click("[name=invert]")
    screen.see("[data-sheet=found] .made", "found, error")
    assert not screen.page.locator("[data-sheet=found] .made:has-text('filled in')").count()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    _drop(screen, tmp_path / "bad.png")
    screen.see("[data-notice=refused]", "no picture")
    # Strokes on an empty ground, with the keyboard and the pointer: several answers.
    _open(screen, "digits")
    screen.tab("invert")
    strokes = f"{HERE} canvas.strokes"
    blank = screen.pixels(strokes)
    screen.click("[data-mode=stroke]")
    screen.one(".sketch").focus()
    for key in ("Space", "Shift+ArrowDown", "Space"):
        screen.page.keyboard.press(key)
    assert screen.pixels(strokes) != blank
    screen.drag(".sketch", (0.4, 0.2), (0.5, 0.8))
    screen.click("[name=invert]")
    screen.see("[data-sheet=found] .made", "filled in")
    assert (
        screen.page.locator("[data-sheet=found] .made").count() == 9
    )  # what was given, 4 found, 4 filled in
    screen.keep("explore-inversion")
    screen.click("[data-mode=erase]")
    screen.drag(".sketch", (0.4, 0.2), (0.5, 0.8))
    screen.click(f"{HERE} button:has-text('Clear')")
    screen.until(lambda: screen.pixels(strokes) == blank, "an empty ground")


def test_the_one_on_the_easel_is_inverted(screen: Screen) -> None:
    _open(screen, "digits")
    screen.tab("invert")
    screen.click("[name=invert-easel]")
    screen.see(f"{HERE} [role=status]", "Paint over")
    screen.click("[name=invert]")
    screen.see("[data-sheet=found] .made", "found, error")


def test_a_tool_has_something_to_show_when_it_is_opened(screen: Screen) -> None:
    screen.go("explore?model=0:digits", ".easel[data-waits]")
    screen.tab("between")
    screen.see(f"{HERE} .slot.filled:nth-child(3)")
    screen.see("[data-sheet=strip] .made:nth-child(8)")
    screen.tab("directions")
    find = screen.page.locator(f"{HERE} [data-method=pca]")  # in the tool, not only below the easel
    strips = screen.page.locator(f"{HERE} [data-sheet^=direction-]")  # where somebody found some before
    screen.until(lambda: find.count() or strips.count(), "what finds directions")
    if find.count():
        find.click()
    screen.see("[data-sheet^=direction-] .made:nth-child(5)")
