"""A client that was written after docs/realtime.md alone keeps up with a room."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from livecommerce.gateway.close_codes import Close
from livecommerce.room import room as rules
from tests.gateway import TestGateway, running_gateway
from tests.rooms import HOST, ROOM

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "room_client.py"
PATIENCE_SECONDS = 10


class Guest:
    """The example, staying in a room."""

    def __init__(self, gateway: TestGateway, token: str) -> None:
        spec = importlib.util.spec_from_file_location("room_client", EXAMPLE)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        self.room = module.Room()
        self.kinds: list[str] = []
        self._changed = asyncio.Event()
        url = f"ws://{gateway.address}/ws/{ROOM}"
        self.staying = asyncio.create_task(module.stay(url, self.room, lambda: token, self._heard))

    def _heard(self, message: dict[str, Any]) -> None:
        self.kinds.append(message["t"])
        self._changed.set()

    async def until(self, reached: Callable[[], bool]) -> None:
        """Waits for a message after which something holds."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    def pinned(self) -> list[str]:
        """The products that it shows, newest first."""
        return [pin["product"]["product"] for pin in self.room.pins]


@pytest.fixture
async def gateway() -> AsyncIterator[TestGateway]:
    async with running_gateway() as gateway:
        yield gateway


@pytest.fixture
async def guest(gateway: TestGateway) -> AsyncIterator[Guest]:
    guest = Guest(gateway, gateway.token("p1", "Lin"))
    await guest.until(lambda: "snapshot" in guest.kinds)
    yield guest
    guest.staying.cancel()
    await asyncio.gather(guest.staying, return_exceptions=True)


def state_of(gateway: TestGateway) -> list[str]:
    """What is pinned in truth."""
    return [card.product.product for card in gateway.store.rooms[ROOM].state.pins]


async def test_it_shows_what_the_room_shows_also_after_a_loss(gateway: TestGateway, guest: Guest) -> None:
    async with gateway.viewer(gateway.token()) as host:
        await host.ask(t="pin", product="p-tea")
        await guest.until(lambda: guest.pinned() == ["p-tea"])
        (connection,) = [joined for joined in gateway.sessions.joined if joined.person == "p1"]
        connection.abandon()
        await host.ask(t="pin", product="p-umbrella")
        await host.ask(t="unpin", product="p-tea")
        await guest.until(lambda: guest.room.offset == 3)
    assert "resumed" in guest.kinds
    assert guest.pinned() == state_of(gateway) == ["p-umbrella"]


async def test_it_begins_anew_where_a_message_is_missing(gateway: TestGateway, guest: Guest) -> None:
    async with gateway.viewer(gateway.token()) as host:
        await host.ask(t="pin", product="p-tea")
        await guest.until(lambda: guest.room.offset == 1)
        guest.room.offset = 0  # as if it had never arrived
        await host.ask(t="pin", product="p-umbrella")
        await guest.until(lambda: guest.kinds.count("snapshot") == 2)
    assert guest.pinned() == state_of(gateway) == ["p-umbrella", "p-tea"]


async def test_it_replaces_its_state_where_the_log_is_gone(gateway: TestGateway, guest: Guest) -> None:
    async with gateway.viewer(gateway.token()) as host:
        gateway.store.tell(ROOM, rules.mute("troll", 60, 1))
        gateway.store.trim(ROOM, 0)
        await host.ask(t="pin", product="p-tea")
        await guest.until(lambda: guest.room.offset == 2)
    assert "resync" in guest.kinds
    assert guest.pinned() == state_of(gateway) == ["p-tea"]


async def test_it_renews_its_session(gateway: TestGateway, guest: Guest) -> None:
    (connection,) = gateway.sessions.joined
    session = connection.session
    assert session is not None
    ends_ms, session.expires_ms = session.expires_ms, gateway.now_ms() + 60_000
    gateway.sessions.token_watch.on_time(0)
    await guest.until(lambda: "expiring" in guest.kinds)
    async with gateway.viewer(gateway.token()) as host:
        await host.ask(t="comment", text="hello")
        await guest.until(lambda: "comments" in guest.kinds)
        assert [line["person"]["person"] for line in guest.room.comments.values()] == [HOST]
    while session.expires_ms != ends_ms:  # noqa: ASYNC110 - a refresh without an id is not answered
        await asyncio.sleep(0)


async def test_it_stays_away_when_it_is_told_to(gateway: TestGateway, guest: Guest) -> None:
    async with gateway.viewer(gateway.token()) as host:
        await host.ask(t="impose", kind="ban", person="p1", seconds=60)
        assert await asyncio.wait_for(guest.staying, PATIENCE_SECONDS) == Close.BANNED
