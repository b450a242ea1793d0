"""What is taken away from Play, and the game on the whole screen."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.studio.browser.screen import Screen


def saved(screen: Screen, button: str, folder: Path) -> Path:
    with screen.page.expect_download() as coming:
        screen.click(button)
    path = folder / coming.value.suggested_filename
    coming.value.save_as(path)
    return path


@pytest.mark.parametrize("query", ["data=ring&seed=4", "data=digits&recipe=auto&seed=4"])
def test_the_picture_and_the_curves_are_saved(screen: Screen, tmp_path: Path, query: str) -> None:
    screen.play(query)
    for number in (1, 2, 3):
        screen.click("[name=step-both]")
        screen.until(lambda number=number: screen.round() == number, f"round {number}")
    screen.see(".plot[aria-label^='Losses, 4 points']")
    screen.click("[name=save]")
    screen.see("dialog")
    assert screen.violations() == []
    picture = saved(screen, "[name=save-png]", tmp_path)
    name = "ring" if "ring" in query else "digits"
    assert picture.name == f"{name}-seed-4-round-3.png"
    with Image.open(picture) as image:
        assert min(image.size) > 250
        assert len(image.convert("RGB").getcolors(1 << 24) or []) > 20
    table = saved(screen, "[name=save-csv]", tmp_path).read_text(encoding="utf-8")
    rows = list(csv.DictReader(table.splitlines()))
    losses = [float(row["generator_loss"]) for row in rows if row["generator_loss"]]
    assert len(losses) == 3
    curves = saved(screen, "[data-svg=Losses]", tmp_path)
    root = ElementTree.parse(curves).getroot()
    paths = [one for one in root.iter("{http://www.w3.org/2000/svg}path") if one.get("stroke-width")]
    assert [one.get("d", "").count("L") for one in paths] == [2, 2]
    assert "Losses" in "".join(root.itertext())
    if name == "ring":
        divergence = saved(screen, "[data-svg^=Divergence]", tmp_path)
        assert "Kullback" in divergence.read_text(encoding="utf-8")
    else:
        assert screen.page.locator("[data-svg^=Divergence]").count() == 0


def test_slow_motion_goes_on_by_itself_and_a_class_sees_it_on_the_whole_screen(screen: Screen) -> None:
    screen.play("data=gaussian&latent=1")
    screen.click("[name=full-screen]")
    screen.until(lambda: screen.page.evaluate("document.fullscreenElement !== null"), "the whole screen")
    assert not screen.one(".sidebar").is_visible() or screen.page.evaluate(
        "document.fullscreenElement.querySelector('.sidebar') === null"
    )
    screen.click("[name=slow]")
    screen.click("[name=slow-by-itself]")
    now = screen.page.locator(".stages li.now")
    expect(now).to_have_attribute("data-stage", "fakes")
    expect(now).to_have_attribute("data-stage", "reals", timeout=15_000)
    screen.click("[aria-label='Leave slow motion']")
    screen.gone(".slow")
    screen.page.wait_for_timeout(4500)
    assert not screen.page.locator(".slow").is_visible()
    screen.click("[name=full-screen]")
    screen.until(lambda: screen.page.evaluate("document.fullscreenElement === null"), "the page again")
