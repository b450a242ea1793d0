"""A browser window on the studio: how tests click, type, drag, and read the screen."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from playwright.sync_api import Browser, Locator, Page, expect

__all__ = ["PATIENCE", "Screen"]

PATIENCE = 30_000  # milliseconds: two busy cores are slow
AXE = Path(__file__).resolve().parents[3] / "src/ganforge/studio/web/node_modules/axe-core/axe.min.js"

Theme = Literal["light", "dark"]


class Screen:
    """One window.

    Attributes:
        page: Playwright's page.
        faults: what went wrong in the page's own code.
    """

    def __init__(self, page: Page, port: int) -> None:
        self.page = page
        self.home = f"http://127.0.0.1:{port}/"
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._said)

    @classmethod
    @contextmanager
    def open(
        cls,
        browser: Browser,
        port: int,
        *,
        token: str | None = None,
        wide: int = 1440,
        theme: Theme = "light",
    ) -> Generator[Screen]:
        """``token`` is brought along, as by a browser that has opened the printed address before."""
        size = {"width": wide, "height": 900 if wide > 500 else 844}
        context = browser.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
        if token:
            cookie = {"name": f"ganforge-studio-{port}", "value": token, "url": f"http://127.0.0.1:{port}"}
            context.add_cookies([cookie])  # type: ignore[list-item]
        try:
            yield cls(context.new_page(), port)
        finally:
            context.close()

    def _said(self, message: Any) -> None:
        # A refused call is told on the screen; the browser's own line about its status is no fault.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    # -- where one is -------------------------------------------------------------------------------------

    def go(self, address: str, ready: str) -> None:
        """To a view, until ``ready`` (a selector) is on the screen."""
        self.page.goto("about:blank")
        self.page.goto(f"{self.home}#/{address}")
        self.page.wait_for_selector(ready)

    def play(self, query: str = "data=ring") -> None:
        self.go(f"play?{query}" if query else "play", "[data-fact=round], .over:not([hidden]), [data-notice]")

    @property
    def address(self) -> str:
        return unquote(self.page.url)

    def wait_address(self, part: str) -> None:
        self.page.wait_for_function("part => decodeURIComponent(location.hash).includes(part)", arg=part)

    # -- what is on the screen ----------------------------------------------------------------------------

    def one(self, selector: str) -> Locator:
        return self.page.locator(selector).first

    def see(self, selector: str, text: str | None = None) -> None:
        found = self.page.locator(selector)
        where = found.filter(has_text=text).first if text else found.first
        expect(where).to_be_visible(timeout=PATIENCE)

    def gone(self, selector: str) -> None:
        expect(self.one(selector)).to_be_hidden(timeout=PATIENCE)

    def round(self, arena: int = 0) -> int:
        """The round that is shown."""
        text = self.page.locator(".arena").nth(arena).locator("[data-fact=round]").inner_text()
        return int(re.sub(r"\D", "", text) or 0)

    def until(self, true: Callable[[], object], what: str = "what was expected") -> None:
        """Wait for something that Python reads off the screen."""
        for _ in range(PATIENCE // 50):
            if true():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{what} did not happen")

    def pixels(self, selector: str) -> str:
        """What a canvas shows."""
        return self.page.eval_on_selector(selector, "canvas => canvas.toDataURL()")

    # -- what hands do ------------------------------------------------------------------------------------

    def click(self, selector: str) -> None:
        self.page.locator(selector).first.click()

    def tab(self, name: str) -> None:
        self.click(f"[data-tab={name}]")

    def drag(self, selector: str, *way: tuple[float, float]) -> None:
        """Press, move and let go; ``way`` in shares of the element's width and height."""
        box = self.one(selector).bounding_box()
        assert box is not None
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in way]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=4)
        self.page.mouse.up()

    def slide(self, selector: str, value: float) -> None:
        """Moves a slider as a hand would: its value, and the events of it."""
        self.page.eval_on_selector(
            selector,
            """(slider, value) => {
                slider.value = String(value);
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                slider.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            value,
        )

    # -- what holds everywhere ----------------------------------------------------------------------------

    def violations(self, only: str | None = None) -> list[str]:
        """axe's findings: labels, contrast, roles, order of headings; or those of one rule."""
        for details in self.page.query_selector_all("details"):
            details.evaluate("one => { one.open = true }")
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        rules = {"runOnly": [only]} if only else {}
        found = self.page.evaluate(
            "rules => axe.run(document, rules)", {"resultTypes": ["violations"], **rules}
        )
        return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found["violations"]]

    def keep(self, name: str) -> None:
        """Pictures of what is on the screen now, in both themes and widths, for people to look at.

        They go into the folder that GANFORGE_TEST_SCREENSHOTS names; without it nothing is done.
        """
        folder = os.environ.get("GANFORGE_TEST_SCREENSHOTS")
        if not folder:
            return
        covered = self.page.locator("dialog[open]").count() > 0  # and with it the button for the theme
        for shade in ("light", "dark"):
            if covered:
                self.page.emulate_media(color_scheme=shade)
            elif shade == "dark":
                self.click("[aria-label='Switch to the dark theme']")
            for wide, high in ((1440, 900), (390, 844)):
                self.page.set_viewport_size({"width": wide, "height": high})
                self.page.wait_for_timeout(300)
                path = Path(folder) / f"{name}-{wide}-{shade}.png"
                self.page.screenshot(path=path, full_page=not covered)
        if covered:
            self.page.emulate_media(color_scheme="light")
        else:
            self.click("[aria-label='Switch to the light theme']")
        self.page.set_viewport_size({"width": 1440, "height": 900})

    def overflows(self) -> bool:
        """Whether the page is wider than the window."""
        return self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
