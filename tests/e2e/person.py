"""Somebody at a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page

AXE = Path(__file__).parents[2] / "clients/web/node_modules/axe-core/axe.min.js"
STILL = """() => Promise.allSettled(document.getAnimations()
  .filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime !== Infinity)
  .map((one) => one.finished))"""
"""Waits for what is fading or sliding in: half-way there its colours are not those that it is read in."""

BARRIERS = """async () => {
  const {violations} = await axe.run();
  return violations.map(({id, nodes}) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
}"""


class Person:
    """One browser context and its page."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    async def sign_in(self, role: str) -> None:
        """One click in the demo."""
        await self.api("POST", "/api/session/demo", {"role": role})

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the JSON API with this person's session."""
        options: dict[str, Any] = {"method": method, "headers": {"origin": self.url}}
        if body is not None:
            options["data"] = body
        response = await self.page.request.fetch(self.url + path, **options)
        assert response.ok, f"{method} {path}: {response.status} {await response.text()}"
        return await response.json() if response.status != 204 else None

    async def go(self, path: str) -> None:
        """Opens a page."""
        await self.page.goto(self.url + path)

    def part(self, testid: str) -> Locator:
        """A part of the page by its test id."""
        return self.page.get_by_test_id(testid)

    async def meets_no_barrier(self) -> None:
        """Has axe look at the page as it is now, and find nothing."""
        await self.page.evaluate(AXE.read_text())
        await self.page.evaluate(STILL)
        found = await self.page.evaluate(BARRIERS)
        assert found == [], found
