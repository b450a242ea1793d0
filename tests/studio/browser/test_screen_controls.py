"""Every control of Play and Watch is operated once, and what it does is read off the screen."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.processes import Gan, wait_until
from tests.studio.browser.screen import Screen

REFUSED = "[data-notice=refused]"


def _open_groups(screen: Screen) -> None:
    screen.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")


def _other(control: Locator) -> str:
    """Another value than the present one for a select."""
    return control.evaluate(
        "one => [...one.options].find((o) => o.value !== one.value && o.value !== '').value"
    )


def test_every_choice_and_truth_of_the_settings_takes_effect(screen: Screen) -> None:
    screen.play("data=ring&recipe=textbook")
    _open_groups(screen)
    boxes = screen.page.locator("details.group select:not([name=add-penalty]), details.group [type=checkbox]")
    names = boxes.evaluate_all("all => all.map((one) => one.name)")
    assert {"objective", "prior", "generator.optimiser", "discriminator.activation"} <= set(names)
    for name in names:
        control = screen.one(f"details.group [name='{name}']")
        if control.get_attribute("type") == "checkbox":
            control.click()
            screen.wait_address(name)
        else:
            value = _other(control)
            control.select_option(value)
            screen.wait_address(f"{name}={value}")
        assert not screen.page.locator(REFUSED).is_visible(), name
    assert screen.round() == 0


@pytest.mark.parametrize("group", ["game", "noise", "generator", "discriminator"])
def test_every_number_of_the_settings_by_its_box_and_by_its_slider(screen: Screen, group: str) -> None:
    screen.play("data=ring&recipe=textbook")
    _open_groups(screen)
    boxes = screen.page.locator(f"[data-group={group}] .number input[type=number]")
    names = boxes.evaluate_all("all => all.map((one) => one.name)")
    assert names
    for name in names:
        box = screen.one(f"[name='{name}']")
        slider = screen.page.locator(f".field:has(> [name='{name}']) input[type=range]")
        low, high = (float(box.get_attribute(end) or 0) for end in ("min", "max"))
        before = box.input_value()
        value = f"{min(high, max(low, 2 * float(before or 0) or low + 1)):g}"
        box.fill(value)
        box.press("Enter")
        screen.wait_address(f"{name}=")
        slider.focus()
        now = screen.address
        screen.page.keyboard.press("PageDown" if float(value) > low else "PageUp")
        screen.until(lambda now=now: screen.address != now, f"{name} by its slider")
        if screen.page.locator(REFUSED).is_visible():  # one that contradicts another says so in a line
            assert "\n" not in screen.one(f"{REFUSED} span").inner_text()
            screen.click(f"{REFUSED} button")
        screen.play("data=ring&recipe=textbook")
        _open_groups(screen)


def test_penalties_are_weighed_and_taken_away(screen: Screen) -> None:
    screen.play("data=ring&recipe=textbook")
    for name in ("r1", "interpolated"):
        screen.page.select_option("select[name=add-penalty]", name)
        screen.wait_address(f'"name":"{name}"')
    weight = screen.one("[data-penalty=r1] input")
    weight.fill("0.25")
    weight.press("Enter")
    screen.wait_address('"weight":0.25')
    screen.click("[data-penalty=interpolated] button")
    screen.until(lambda: "interpolated" not in screen.address, "one penalty less")


def test_seed_recipe_and_every_shape(screen: Screen) -> None:
    screen.play("data=ring&recipe=textbook")
    screen.click("button:has-text('another seed')")
    screen.wait_address("seed=1")
    screen.one("[name=seed]").fill("41")
    screen.one("[name=seed]").press("Enter")
    screen.wait_address("seed=41")
    screen.page.select_option("select[name=recipe]", "auto")
    screen.until(lambda: "recipe=textbook" not in screen.address, "the package's own recipe")
    names = screen.page.locator("[data-data]").evaluate_all("all => all.map((one) => one.dataset.data)")
    shapes = [name for name in names if name not in ("drawn", "uploaded")]
    assert {"gaussian", "ring", "moons", "digits"} <= set(shapes)
    for name in shapes:
        screen.click(f"[data-data='{name}']")
        screen.wait_address(f"data={name}")
        screen.see(f"[data-data='{name}'][aria-pressed=true]")
        screen.until(lambda: screen.page.locator("[data-fact=round]").count() == 1, f"{name} stands")
        assert not screen.page.locator(REFUSED).is_visible(), name


def test_the_line_shows_the_goal_the_value_and_all_its_layers(screen: Screen) -> None:
    screen.play("data=gaussian&latent=1")
    screen.see("[data-fact=value]")
    screen.see(".facts", "goal −1.39")
    screen.see("[data-fact=distance_to_best]")
    layers = screen.page.locator("[data-layer]").evaluate_all("all => all.map((one) => one.dataset.layer)")
    assert set(layers) == {"data", "generated", "discriminator", "optimal", "half", "arrows", "map"}
    for layer in layers:
        before = screen.pixels("canvas.game")
        screen.click(f"[data-layer={layer}]")
        screen.until(lambda before=before: screen.pixels("canvas.game") != before, f"a change of {layer}")


def test_the_speed_is_chosen(screen: Screen) -> None:
    screen.play()
    screen.page.select_option("[name=speed]", label="5 a second")
    screen.click("[name=play]")
    screen.until(lambda: screen.round() >= 3, "three rounds")
    screen.until(lambda: screen.page.locator("[data-fact=rate]").count() > 0, "a rate")
    screen.until(lambda: 2 <= _rate(screen) <= 7, "about five rounds a second")
    screen.page.select_option("[name=speed]", label="full speed")
    screen.until(lambda: _rate(screen) > 20, "more of them")


def _rate(screen: Screen) -> float:
    text = screen.one("[data-fact=rate]").inner_text()
    return float(re.sub(r"[^\d.]", "", text) or 0) * (1000 if "k" in text else 1)


def test_every_failure_is_one_click_away(screen: Screen) -> None:
    screen.play()
    screen.tab("failures")
    failures = screen.page.locator("[data-failure]").evaluate_all(
        "all => all.map((one) => one.dataset.failure)"
    )
    assert len(failures) == 5  # the seeds' three, collapse, and why randomness
    for name in failures:
        shown = screen.page.locator(f"[data-failure={name}] [data-act=show]")
        (shown if shown.count() else screen.page.locator(f"[data-failure={name}] [data-act=beside]")).click()
        screen.see("[name=play]", "Pause")
        screen.until(lambda: screen.round() > 0, f"{name} plays")
        assert not screen.page.locator(REFUSED).is_visible(), name


def test_ones_own_pictures_are_learned_on_the_same_screen(screen: Screen, tmp_path: Path) -> None:
    archive = tmp_path / "mine.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for i in range(24):
            path = tmp_path / f"{i}.png"
            Image.effect_noise((20, 20), 10 + 5 * i).convert("RGB").save(path)
            packed.write(path, path.name)
    screen.play()
    screen.page.set_input_files("[name=upload]", archive)
    screen.see("[data-notice=word]", "24 examples")
    screen.see(".cell .score")
    screen.click("[name=step-both]")
    screen.until(lambda: screen.round() == 1, "a round")
    screen.page.locator(".cell").first.hover()
    screen.see(".advice-words", "Picture 1")


def test_a_finished_run_has_a_report_an_onnx_file_and_marked_curves(screen: Screen, runs: Path) -> None:
    screen.go("watch?run=0:digits&run=0:moons", "[name=export]")
    here = "[data-run='0:digits']"
    screen.see(f"{here} .facts", "device")
    assert "time left" not in screen.one(f"{here} .facts").inner_text()  # it is finished
    screen.gone(f"{here} [data-earlier]")
    with screen.page.expect_popup() as opened:
        screen.click(f"{here} a:has-text('Report')")
    opened.value.wait_for_load_state()
    assert "digits" in opened.value.content()
    opened.value.close()
    screen.click(f"{here} [name=export]")
    screen.click("dialog button:has-text('As ONNX')")
    screen.until(lambda: list(runs.glob("digits/**/*.onnx")), "an ONNX file")
    film, other = f"{here} [name=film]", "[data-run='0:moons'] .film-picture"
    screen.until(lambda: int(screen.one(film).get_attribute("max") or 0) >= 1, "two moments")
    screen.one("#together").uncheck()
    before = screen.one(other).get_attribute("src")
    late = screen.one(f"{here} .film-picture").get_attribute("src")
    screen.one(film).focus()
    screen.page.keyboard.press("Home")
    screen.until(
        lambda: screen.one(f"{here} .film-picture").get_attribute("src") != late, "an earlier picture"
    )
    assert screen.one(other).get_attribute("src") == before
    screen.see(f"{here} [data-earlier]", "those of an earlier moment")  # the findings are not
    screen.click(f"{here} a:has-text('Explore it')")
    screen.see(".easel[data-waits]")


def test_findings_are_marked_in_the_curves(screen: Screen, runs: Path) -> None:
    shutil.copytree(runs / "moons", runs / "marked")
    finding = {
        "code": "mode-collapse",
        "severity": "failure",
        "nimg": 200,
        "evidence": {"modes": 1.0},
        "meaning": "One note.",
        "remedy": "Another.",
        "changes": {},
    }
    event = {"time": 1.0, "event": "finding", "nimg": 200, "finding": finding}
    with (runs / "marked" / "events.jsonl").open("a", encoding="utf-8") as events:
        events.write(json.dumps(event) + "\n")
    screen.go("watch?run=0:marked", ".watch")
    curves = "[data-run='0:marked'] [aria-label*='Marked at 200: mode collapse']"
    screen.page.wait_for_selector(curves, state="attached")
    assert screen.page.locator(curves).count() >= 3  # losses, logits, gradient norms


def test_train_studio_opens_watch_on_the_run_that_starts(
    screen: Screen, tmp_path: Path, page_is_built: None
) -> None:
    gan = Gan("train", "ring", "--kimg", "1000000", "--studio", cwd=tmp_path, BROWSER="true")
    port = 0
    try:
        wait_until(lambda: re.search(r"http://127\.0\.0\.1:\d+/", gan.said) is not None, gan)
        found = re.search(r"http://127\.0\.0\.1:(\d+)/\S*", gan.said)  # with its token
        assert found is not None
        port = int(found[1])
        screen.page.goto(found[0])
        screen.see(".run-panel [data-state=training]")
        expect(screen.page.locator("nav [aria-current=page]")).to_have_text("Watch")
    finally:
        gan.send(signal.SIGTERM)
        gan.wait(30)
        screen.page.goto("about:blank")
        _end_studio(port)


def _end_studio(port: int) -> None:
    """The studio that was opened beside the training goes on; here it is told to stop."""
    if not port:
        return
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            sockets = {os.readlink(one) for one in (folder / "fd").iterdir()}
        except OSError:
            continue
        if b"--until-left" in words and any(f"socket:[{inode}]" in sockets for inode in _listeners(port)):
            os.kill(int(folder.name), signal.SIGTERM)


def _listeners(port: int) -> list[str]:
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [words[9] for words in lines if words[1].endswith(f":{port:04X}") and words[3] == "0A"]
