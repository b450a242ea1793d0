"""Translation in a real browser: a dropped picture, its result beside it, both ways, and what is refused."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from ganforge.data import Dataset
from tests import players
from tests.studio.browser.screen import PATIENCE, Screen
from tests.translations import clean, photo, trained

PLACE = "img[data-place={}]"


@pytest.fixture(scope="module", autouse=True)
def translations(runs: Path) -> None:
    """Beside the others: a run with a way back, one with classes, and one that enlarges."""
    trained("cyclegan", runs / "two", players.translated())
    trained("stargan", runs / "three", players.pictures(20, (3, 16, 16), classes=3))
    trained("super-resolution", runs / "larger", clean(source=(3, 4, 4)))
    trained("pix2pix", runs / "label-maps", _label_maps())


def _label_maps() -> Dataset:
    """Pairs whose inputs are areas of three colours."""
    data = players.translated()
    colours = np.array([(0, 0, 200), (200, 60, 0), (0, 160, 160)], np.uint8)
    places = np.random.default_rng(2).integers(0, 3, (20, 4, 4)).repeat(4, 1).repeat(4, 2)
    sources = colours[places].transpose(0, 3, 1, 2)
    return replace(data, train=replace(data.train, sources=np.ascontiguousarray(sources)))


def _open(screen: Screen, name: str) -> None:
    """The first of the inputs that the run keeps is translated at once."""
    screen.go(f"explore?model=0:{name}", PLACE.format("result"))
    screen.see(".translation [role=status]", "Took")


def _photo(folder: Path, width: int, height: int, name: str = "holiday.png") -> Path:
    path = folder / name
    Image.fromarray(photo(height, width)[0].numpy().transpose(1, 2, 0)).save(path)
    return path


def _drop(screen: Screen, content: bytes, name: str, media: str) -> None:
    """A file from the desk, let go over the zone."""
    screen.page.evaluate(
        """([content, name, type]) => {
            const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([bytes], name, { type }));
            const zone = document.querySelector(".drop-zone");
            for (const kind of ["dragover", "drop"]) {
                zone.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
            }
        }""",
        [base64.b64encode(content).decode(), name, media],
    )


def _size(screen: Screen, place: str) -> list[int]:
    """Of a picture that is shown, once it is there."""
    shown = PLACE.format(place)
    screen.page.wait_for_function("one => document.querySelector(one)?.naturalWidth > 0", arg=shown)
    return screen.page.eval_on_selector(shown, "one => [one.naturalWidth, one.naturalHeight]")


def _becomes(screen: Screen, place: str, size: list[int]) -> None:
    screen.until(lambda: _size(screen, place) == size, f"a {place} of {size}")


def _address(screen: Screen, place: str) -> str:
    return screen.one(PLACE.format(place)).get_attribute("src") or ""


def test_a_dropped_picture_stands_beside_its_result_and_is_saved(screen: Screen, tmp_path: Path) -> None:
    _open(screen, "two")
    _drop(screen, _photo(tmp_path, 90, 60).read_bytes(), "holiday.png", "image/png")
    _becomes(screen, "result", [90, 60])
    assert _size(screen, "input") == [90, 60]
    screen.see(".translation [role=status]", "Took")
    screen.see(".translation", "90×60")
    screen.keep("explore-translation")
    with screen.page.expect_download() as saved:
        screen.click("[name=save]")
    assert saved.value.suggested_filename == "holiday-translated.png"
    with Image.open(saved.value.path()) as picture:
        assert picture.size == (90, 60)
    for width in (1440, 390):
        screen.page.set_viewport_size({"width": width, "height": 844})
        assert not screen.overflows()
        assert screen.violations() == []


def test_both_ways_and_a_result_led_back(screen: Screen, tmp_path: Path) -> None:
    _open(screen, "two")
    screen.page.set_input_files("[name=translate-file]", _photo(tmp_path, 40, 40))
    _becomes(screen, "result", [40, 40])
    there, source = _address(screen, "result"), _address(screen, "input")
    screen.one("[name=way][value=there]").focus()
    screen.page.keyboard.press("ArrowDown")  # the keyboard chooses the way back
    screen.until(lambda: _address(screen, "result") != there, "the other way's result")
    assert screen.one("[name=way][value=back]").is_checked()
    screen.see("[data-save][download='holiday-back.png']")
    source = _address(screen, "input")
    screen.click("[name=lead-back]")
    screen.until(lambda: _address(screen, "input") != source, "the result as an input")
    expect(screen.one("[name=way][value=there]")).to_be_checked(timeout=PATIENCE)
    screen.see(".translation [role=status]", "Took")


def test_the_chooser_is_reached_by_keyboard(screen: Screen, tmp_path: Path) -> None:
    _open(screen, "two")
    screen.one(".drop-zone button").focus()
    expect(screen.one(".drop-zone button")).to_be_focused()
    # The chooser itself is the browser's: it is enough that it is asked for one.
    screen.page.evaluate(
        """() => document.querySelector("[name=translate-file]").addEventListener("click", (event) => {
            event.preventDefault();
            document.body.dataset.chooser = "asked";
        })"""
    )
    screen.page.keyboard.press("Enter")
    screen.see("[data-chooser=asked]")
    screen.page.set_input_files("[name=translate-file]", _photo(tmp_path, 30, 20))
    _becomes(screen, "result", [30, 20])


def test_a_class_is_chosen_and_a_clean_picture_made_smaller(screen: Screen, tmp_path: Path) -> None:
    _open(screen, "three")
    screen.page.set_input_files("[name=translate-file]", _photo(tmp_path, 24, 24))
    _becomes(screen, "result", [24, 24])
    before = _address(screen, "result")
    screen.page.select_option("select[name=class]", "2")
    screen.until(lambda: _address(screen, "result") != before, "another class")
    _open(screen, "larger")
    screen.page.set_input_files("[name=translate-file]", _photo(tmp_path, 32, 24))
    _becomes(screen, "result", [128, 96])
    screen.see(".translation [role=status]", "It was trained on pictures of")
    screen.click("[name=degrade]")
    screen.until(lambda: _size(screen, "input") == [8, 6], "a small input")
    assert _size(screen, "result") == [32, 24]


def test_what_is_no_picture_is_said_in_one_line(screen: Screen) -> None:
    _open(screen, "two")
    before = _address(screen, "result")
    _drop(screen, b"dear diary", "notes.png", "image/png")
    screen.see("[data-notice=refused]", "text, not a picture")
    _drop(screen, bytes((16 << 20) + 1), "huge.png", "image/png")
    screen.see("[data-notice=refused]", "larger than 16 MB")
    assert _address(screen, "result") == before


def test_a_large_picture_can_be_cancelled(screen: Screen, tmp_path: Path) -> None:
    _open(screen, "larger")
    screen.page.set_input_files("[name=translate-file]", _photo(tmp_path, 900, 900, "large.png"))
    screen.click("[name=cancel]")
    screen.see("[data-notice=refused]", "cancelled")
    screen.page.set_input_files("[name=translate-file]", _photo(tmp_path, 20, 20))
    _becomes(screen, "result", [80, 80])  # the next one is made all the same


def test_inputs_of_the_run_are_translated_beside_the_truth_and_can_be_painted(screen: Screen) -> None:
    _open(screen, "larger")
    screen.see("[data-sheet=inputs] .made:nth-child(3) canvas")
    screen.see(".translation", "none are held out")
    screen.see(PLACE.format("'what it should be'"))
    before = _address(screen, "result")
    screen.click("[data-example='2']")
    screen.until(lambda: _address(screen, "result") != before, "another input's result")
    _open(screen, "label-maps")
    before = _address(screen, "result")
    screen.click(".dab:nth-child(2)")
    screen.drag("[data-paint]", (0.2, 0.2), (0.8, 0.6))
    screen.until(lambda: _address(screen, "result") != before, "what was painted, translated")
    before = _address(screen, "result")
    screen.one("[data-paint]").focus()
    screen.page.keyboard.press("Space")
    screen.until(lambda: _address(screen, "result") != before, "the same by keyboard")
    screen.keep("explore-paint")
    assert screen.violations() == []


def test_the_other_way_has_inputs_of_the_other_domain(screen: Screen) -> None:
    _open(screen, "two")
    there = _address(screen, "input")
    screen.one("[name=way][value=back]").check()
    screen.until(lambda: _address(screen, "input") != there, "an input of the other domain")
    screen.see("[data-save][download$='-back.png']")
