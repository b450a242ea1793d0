"""Watch, in a real browser: runs live and finished, side by side, through time."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

from tests.processes import Gan
from tests.studio.browser.screen import Screen


def test_finished_runs_side_by_side_through_time(screen: Screen) -> None:
    screen.go("watch?run=0:digits", ".film-picture[src]")
    screen.see("[data-entry='0:moons']")
    screen.click("[data-entry='0:moons']")
    screen.see("[data-run='0:moons'] .film-picture")
    screen.wait_address("run=0:moons")
    assert screen.page.locator(".run-panel").count() == 2
    film = "[data-run='0:digits'] [name=film]"
    screen.until(lambda: int(screen.one(film).get_attribute("max") or 0) >= 1, "two moments")
    late = screen.one("[data-run='0:digits'] .film-picture").get_attribute("src")
    other = screen.one("[data-run='0:moons'] .film-picture").get_attribute("src")
    screen.slide(film, 0)
    assert screen.one("[data-run='0:digits'] .film-picture").get_attribute("src") != late
    assert (
        screen.one("[data-run='0:moons'] .film-picture").get_attribute("src") != other
    )  # they move together
    for title in (
        "Losses",
        "Logits, mean and deviation",
        "Gradient norms",
        "Logits at this moment",
        "Findings",
    ):
        screen.see("[data-run='0:digits'] h3", title)
    assert "reals" in (screen.one("[data-run='0:digits'] .bells").get_attribute("aria-label") or "")
    screen.see("[data-run='0:digits'] .scores td")
    screen.click("[data-run='0:moons'] button:has-text('Put away')")
    screen.until(lambda: screen.page.locator(".run-panel").count() == 1, "one run")


def test_export_this_moment(screen: Screen, runs: Path) -> None:
    screen.go("watch?run=0:digits", "[name=export]")
    screen.click("[name=export]")
    screen.click("dialog button:has-text('As a model folder')")
    screen.until(lambda: list(runs.rglob("exported/*/*.json")), "an exported model")


def test_a_live_run_is_paused_resumed_saved_and_stopped(screen: Screen, runs: Path, tmp_path: Path) -> None:
    gan = Gan("train", "ring", "--kimg", "1000000", "--out", str(runs / "live"), cwd=tmp_path)
    try:
        screen.go("watch?run=0:live", ".watch")
        screen.see("[data-run='0:live'] [data-state=training]")
        screen.see("[data-run='0:live'] .film-picture[src]")
        screen.click("[name=pause]")
        screen.see("[data-run='0:live'] [data-state=paused]")
        screen.click("[name=resume]")
        screen.see("[data-run='0:live'] [data-state=training]")
        screen.click("[name=save]")
        screen.see("[data-notice=word]")
        screen.click("[name=stop]")
        screen.see("[data-run='0:live'] [data-state=stopped]")
        gan.wait(30)
    finally:
        if gan.process.poll() is None:
            gan.send(signal.SIGKILL)
            gan.process.wait(20)


def test_a_deleted_and_a_damaged_run_are_one_line_without_buttons(screen: Screen, runs: Path) -> None:
    copy = runs / "gone"
    shutil.copytree(runs / "moons", copy)
    panel = "[data-run='0:gone']"
    try:
        screen.go("watch?run=0:gone", f"{panel} [name=export]")
        (copy / "run.json").write_text("{", encoding="utf-8")
        screen.see(f"{panel} [data-fault]", "cannot be read: gan check")
        assert "Error" not in screen.one(panel).inner_text()
        screen.gone(f"{panel} [name=export]")
    finally:
        shutil.rmtree(copy)
    screen.see(f"{panel} [data-fault]", "it was moved or deleted")
    screen.go("watch?run=0:never", "[data-run='0:never'] [data-fault]")
    screen.gone("[data-run='0:never'] [name=export]")
    screen.see("[data-run='0:never'] [data-fault]", "no such run")


def test_runs_side_by_side_say_what_differs_and_one_is_deleted(screen: Screen, runs: Path) -> None:
    copy = runs / "spare"
    shutil.copytree(runs / "digits", copy)
    record = json.loads((copy / "run.json").read_text())
    record["recipe"]["ema_nimg"] = 1234.0
    (copy / "run.json").write_text(json.dumps(record))
    try:
        screen.go("watch?run=0:digits&run=0:spare", ".comparison:not([hidden])")
        screen.see(".differences caption", "What differs")
        rows = screen.page.locator(".differences tbody tr")

        def differ() -> dict[str, list[str]]:  # the table is written anew with each look at the folder
            return {row.split()[0]: row.split() for row in rows.all_inner_texts() if row.split()}

        screen.until(lambda: differ().get("ema_nimg", [""])[-1] == "1234", "the setting")
        assert "batch" not in differ()
        screen.see(".comparison .chart h3", "Score")
        assert not screen.violations()
        screen.keep("watch-comparison")
        screen.click("[data-run='0:spare'] [name=delete]")
        screen.see("dialog code", "spare")
        screen.click("dialog [name=delete-surely]")
        screen.until(lambda: not copy.exists(), "the end of the folder")
        screen.gone("[data-run='0:spare']")
        screen.gone(".comparison")
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def test_runs_are_searched_sorted_and_filtered(screen: Screen) -> None:
    screen.go("watch", ".run-entry")
    names = screen.page.locator(".run-entry strong")
    screen.until(lambda: names.count() >= 3, "the runs")
    screen.page.select_option("[name=runs-order]", "name")
    screen.until(lambda: names.all_inner_texts() == sorted(names.all_inner_texts()), "the order of names")
    screen.one("[name=runs-search]").fill("moon")

    # What other tests leave behind comes and goes in the list: what is seen is compared with itself.
    def found() -> bool:
        shown = screen.page.locator(".run-entry").all_inner_texts()
        said = screen.one(".watch [role=status]").inner_text().split()
        told = said[:2] == [str(len(shown)), "of"] and len(shown) < int(said[2])
        return told and bool(shown) and all("moon" in entry for entry in shown)

    screen.until(found, "what is searched for")
    screen.one("[name=runs-search]").fill("")
    screen.page.select_option("[name=runs-state]", "training")
    screen.until(lambda: names.count() == 0, "none that is training")
    screen.page.select_option("[name=runs-state]", "")
    screen.one("[name=runs-search]").fill("moons")
    screen.until(lambda: "moons" in names.all_inner_texts(), "the run")
    screen.page.locator(".run-entry", has=screen.page.get_by_text("moons", exact=True)).first.click()
    screen.click(".run-panel:last-child [name=hide]")
    screen.until(lambda: "moons" not in names.all_inner_texts(), "the others, since it is hidden")
    screen.page.select_option("[name=runs-state]", "hidden")
    screen.until(lambda: names.all_inner_texts() == ["moons"], "the hidden one")
    screen.click(".run-panel:last-child [name=hide]")
    screen.until(lambda: names.count() == 0, "none hidden")
    screen.one("[name=runs-search]").fill("")
    screen.page.select_option("[name=runs-state]", "finished")
    badges = screen.page.locator(".run-entry .badge")
    screen.until(lambda: set(badges.all_inner_texts()) == {"finished"}, "those that are finished")
    assert not screen.violations()
    screen.keep("watch-list")


def test_runs_that_have_little_in_common_are_compared_out_of_the_way(screen: Screen) -> None:
    screen.go("watch?run=0:digits&run=0:table", ".comparison:not([hidden]) summary:visible")
    screen.see(".comparison summary", "settings differ")
    assert screen.page.locator(".comparison > .differences tbody tr").count() == 3  # score, examples, verdict
    charts = screen.page.locator(".comparison .chart h3")
    screen.until(lambda: charts.count() > 0, "a chart")
    keys = [title.split("\n")[0] for title in charts.all_inner_texts()]
    assert len(set(keys)) == len(keys)  # a chart a score, with the runs that have it
    screen.until(lambda: "–" not in "".join(charts.all_inner_texts()), "no run without the score")
    screen.click(".comparison summary")
    screen.see(".comparison details td")
