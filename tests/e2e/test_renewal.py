"""A viewer stays in a show that is longer than her session."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from playwright.async_api import WebSocketRoute, expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.test_show import PATIENCE_MS, comment, current_room


class Wire:
    """The page's sockets, between the page and the gateway."""

    def __init__(self) -> None:
        self.opened: list[WebSocketRoute] = []
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def join(self, page_side: WebSocketRoute) -> None:
        """Puts itself between, and listens to both sides."""
        gateway_side = page_side.connect_to_server()
        self.opened.append(page_side)

        def from_page(message: str | bytes) -> None:
            self.sent.put_nowait(json.loads(message))
            gateway_side.send(message)

        def from_gateway(message: str | bytes) -> None:
            for one in json.loads(message):
                self.answers.put_nowait(one)
            page_side.send(message)

        page_side.on_message(from_page)
        gateway_side.on_message(from_gateway)


async def next_of(queue: asyncio.Queue[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """The next message with some fields."""
    async with asyncio.timeout(PATIENCE_MS / 1000):
        while True:
            message = await queue.get()
            if fields.items() <= message.items():
                return message


async def test_a_page_renews_its_session_over_the_open_socket(person: OpenPerson) -> None:
    ann = await person("viewer")
    room = await current_room(ann)
    wire = Wire()
    await ann.page.route_web_socket("**/ws/*", wire.join)
    await ann.go(f"/room/{room}")
    await expect(ann.part("comment-input")).to_be_enabled(timeout=PATIENCE_MS)
    before = [cookie["value"] for cookie in await ann.page.context.cookies() if cookie["name"] == "session"]

    wire.opened[0].send('[{"t":"expiring","in_ms":4000}]')
    asked = await next_of(wire.sent, t="refresh")
    assert asked["token"] not in before
    await next_of(wire.answers, t="ok", id=asked["id"])
    await comment(ann, "Still here")
    await expect(ann.part("comment-list")).to_contain_text("Still here", timeout=PATIENCE_MS)
    assert len(wire.opened) == 1
