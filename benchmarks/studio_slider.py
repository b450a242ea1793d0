"""How soon a slider's move shows its picture, in a real browser: from the hand to the screen.

    python benchmarks/studio_slider.py           # 240 moves each way, about two minutes
    python benchmarks/studio_slider.py 400       # more moves

A generator of 64×64 RGB pictures by the recipe residual (hardly trained, which costs the same) is opened in
Explore, in Chromium without a window, which draws by the processor as on a machine without a graphics card.
The slider is that of a direction. Two ways of moving are measured:

- singly: a key moves the slider by a notch, some 150 ms after the former picture was seen;
- dragged: the mouse draws the slider along, 60 moves a second, without a pause. Pictures that a later move
  overtakes are not made, as intended; one that is shown counts from the move that it belongs to.

A move's time begins with the browser's own time stamp of the event, and ends in the first task after the
frame with the picture in it has been painted. Bar: 95 of 100 within 100 ms, on two cores.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from statistics import median

import numpy as np
import torch
from PIL import Image
from playwright.sync_api import Page, sync_playwright
from studio_play import TOKEN, studio

from ganforge.tasks.experiment import prepare

BAR = 100.0  # milliseconds
WARM = 20  # moves that are not counted
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
PARTS = ("to the request", "request to answer", "answer to drawn", "drawn to seen", "in all")

# Stands around the page's own code: when an event came, its request left, its answer came, and was seen.
WATCH = """
(() => {
  window.moves = [];
  const asked = new Map(), came = [];
  let event = 0;
  window.addEventListener("input", (one) => { event = one.timeStamp; }, true);
  const hear = ({ data }) => {
    if (typeof data === "string") return;
    const length = new DataView(data).getUint32(0, true);
    const { id, slot } = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    if (slot === "easel" && asked.has(id)) came.push({ ...asked.get(id), came: performance.now() });
  };
  const send = WebSocket.prototype.send, known = new WeakSet();
  WebSocket.prototype.send = function (data) {
    if (!known.has(this)) { known.add(this); this.addEventListener("message", hear); }
    const call = JSON.parse(data);
    if (call.slot === "easel") asked.set(call.id, { began: event, asked: performance.now() });
    return send.call(this, data);
  };
  const draw = CanvasRenderingContext2D.prototype.drawImage;
  CanvasRenderingContext2D.prototype.drawImage = function (...given) {
    const move = this.canvas.matches(".easel > .picture") ? came.shift() : undefined;
    if (move) {
      const drawn = performance.now(), channel = new MessageChannel();
      channel.port1.onmessage = () => window.moves.push({ ...move, drawn, seen: performance.now() });
      requestAnimationFrame(() => channel.port2.postMessage(null));
    }
    return draw.apply(this, given);
  };
})();
"""


@contextmanager
def explored() -> Generator[Page]:
    """A page on a generator of 64×64 RGB pictures, with sliders."""
    with tempfile.TemporaryDirectory() as folder:
        pictures, runs = Path(folder) / "pictures", Path(folder) / "runs"
        pictures.mkdir()
        chance = np.random.default_rng(0)
        for number in range(96):
            pixels = chance.integers(0, 256, (64, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(pictures / f"{number}.png")
        # A few rounds: a state before training is not opened.
        prepare(str(pictures), recipe="residual", device="cpu", kimg=0.1).start(runs / "sixty-four").train()
        named = os.environ.get("GANFORGE_TEST_BROWSER") or next(filter(None, map(which, NAMES)), None)
        with studio(str(runs)) as (port, _), sync_playwright() as play:
            browser = play.chromium.launch(executable_path=named, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.set_default_timeout(60_000)
            page.add_init_script(WATCH)
            page.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
            page.goto(f"http://127.0.0.1:{port}/#/explore?model=0:sixty-four")
            page.click("[data-method=factorised]")
            page.wait_for_selector(".sliders input")
            print(f"{browser.version} of Chromium, {page.inner_text('.bench h2 + p')}")
            yield page
            browser.close()


def moves(page: Page) -> int:
    return page.evaluate("moves.length")


def singly(page: Page, count: int) -> None:
    """One key, its picture, a rest."""
    page.locator(".sliders input").first.focus()
    for number in range(count):
        seen = moves(page)
        page.keyboard.press("ArrowRight" if number // 50 % 2 == 0 else "ArrowLeft")
        page.wait_for_function("seen => moves.length > seen", arg=seen, polling=20)
        page.wait_for_timeout(150)


def dragged(page: Page, count: int) -> None:
    """The mouse to and fro, until so many pictures were seen."""
    box = page.locator(".sliders input").first.bounding_box()
    assert box is not None
    middle, reach = box["y"] + box["height"] / 2, box["width"] - 20
    begun, number, start = moves(page), 0, time.monotonic()
    page.mouse.move(box["x"] + 10, middle)
    page.mouse.down()
    while number % 60 or moves(page) - begun < count:
        page.mouse.move(box["x"] + 10 + abs(1 - number % 200 / 100) * reach, middle)
        number += 1
        page.wait_for_timeout(max(0.0, 1000 * (start + number / 60 - time.monotonic())))
    page.mouse.up()
    rate = number / (time.monotonic() - start)
    print(f"{rate:.0f} moves a second", file=sys.stderr)  # 60, where the machine has time to make them
    page.wait_for_timeout(500)


def measured(page: Page, way: Callable[[Page, int], None], count: int) -> None:
    """A row of the table for each part of the way."""
    way(page, WARM)
    begun = moves(page)
    way(page, count)
    found = page.evaluate("begun => moves.slice(begun)", begun)[:count]
    marks = np.array([[one[name] for name in ("began", "asked", "came", "drawn", "seen")] for one in found])
    spent = np.column_stack([np.diff(marks, axis=1), marks[:, -1] - marks[:, 0]])  # (moves, 5)
    for part, times in zip(PARTS, spent.T, strict=True):
        p95, most, name = np.quantile(times, 0.95), times.max(), f"{way.__name__}, {part}"
        bar = "" if part != PARTS[-1] else "met" if p95 <= BAR else "missed"
        print(f"| {name} | {len(times)} | {median(times):.1f} | {p95:.1f} | {most:.1f} | {bar} |", flush=True)


def main(count: int) -> None:
    print(f"torch {torch.__version__}, {os.cpu_count()} cores, {platform.machine()}")
    with explored() as page:
        print("| milliseconds | moves | median | p95 | most | bar |")
        print("|---|---|---|---|---|---|")
        for way in (singly, dragged):
            measured(page, way, count)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 240)
