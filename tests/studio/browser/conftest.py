"""The studio as people use it: `gan studio` as a process, and a real browser in front of it.

Where there is no browser these tests are skipped, and say so. They look for Chromium or Chrome on the PATH,
for the browser that GANFORGE_TEST_BROWSER names, and for one that Playwright has installed. With
GANFORGE_TEST_SCREENSHOTS=FOLDER the pictures of all views are left there, to be looked at.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Playwright, sync_playwright

from ganforge.tasks.experiment import prepare
from tests import players
from tests.studio.browser.screen import Screen
from tests.studio.conftest import Running, running
from tests.translations import trained

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _executable(play: Playwright) -> str | None:
    named = os.environ.get("GANFORGE_TEST_BROWSER")
    if named:
        return named
    found = next(filter(None, map(shutil.which, NAMES)), None)
    own = play.chromium.executable_path
    return found or (own if Path(own).exists() else None)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    with sync_playwright() as play:
        path = _executable(play)
        if path is None:
            pytest.skip(
                "NO BROWSER: the studio's screens are NOT tested here."
                " Install Chromium (apt-get install chromium), or name one in GANFORGE_TEST_BROWSER"
            )
        opened = play.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="package")
def page_is_built() -> None:
    """The browser's side as its sources are now."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "hatch_build.py")],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    if made.returncode != 0:
        pytest.skip(f"THE STUDIO'S PAGE IS NOT BUILT, its screens are NOT tested here: {made.stderr[-600:]}")


@pytest.fixture(scope="package")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small finished runs: digits with classes, points, untrained 64-px pictures, sounds, a table, shapes."""
    folder = tmp_path_factory.mktemp("studio-runs")
    pictures = tmp_path_factory.mktemp("pictures")
    for i in range(8):
        Image.effect_noise((64, 64), 40 + 10 * i).convert("RGB").save(pictures / f"{i}.png")
    sounds = players.tones(tmp_path_factory.mktemp("sounds"), 24)
    tiny = players.recipe(kimg=0.4)
    large = players.recipe(
        generator=type(tiny.generator)(family="dcgan", width=64),
        discriminator=type(tiny.discriminator)(family="mlp", width=8),
        kimg=0.01,
        batch=4,
    )
    for name, data, recipe in (
        ("digits", "digits", tiny),
        ("moons", "moons", tiny),
        ("large", str(pictures), large),
        ("sounds", str(sounds), players.recipe(kimg=0.1)),
    ):
        trainer = prepare(data, recipe=recipe).start(folder / name)
        assert trainer.train().finished
    table = tmp_path_factory.mktemp("table") / "people.csv"
    rows = [f"{20 + i % 50},{'red' if i % 3 else 'blue'},{i % 7}.5" for i in range(120)]
    table.write_text("\n".join(["age,colour,size", *rows]), encoding="utf-8")
    assert prepare(str(table), kimg=0.3).start(folder / "table").train().finished
    trained("residual", folder / "shapes", players.shapes())
    return folder


@pytest.fixture(scope="package")
def studio(page_is_built: None, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with running(tmp_path_factory.mktemp("studio"), str(runs), "--workers", "2") as started:
        yield started


@pytest.fixture
def screen(browser: Browser, studio: Running) -> Generator[Screen]:
    """A fresh browser window, 1440 px wide and light; a fault in its console fails the test."""
    with Screen.open(browser, studio.port, token=studio.token) as opened:
        yield opened
        assert not opened.faults, opened.faults
