"""The operator's overview of the whole deployment."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.clock import Clock
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer
from livecommerce.gateway.http.ledger import BooksView
from livecommerce.gateway.http.operation import Resource, in_role
from livecommerce.ledger.books import LedgerGlance
from livecommerce.ledger.reconcile import Reconciliation, ReconciliationRequest
from livecommerce.localized import LocalText
from livecommerce.money import Money
from livecommerce.outbox import OutboxLag
from livecommerce.room.cards import StreamCard
from livecommerce.room.glance import Glance, LiveRooms
from livecommerce.schedule.show import Show
from livecommerce.schedule.store import ScheduleStore

RECENT_SHOWS = 20


class RoomFigures(Struct, frozen=True, kw_only=True):
    """One room and its sales."""

    room: str
    title: LocalText
    phase: str
    viewers: int
    streams: tuple[StreamCard, ...]
    orders: int
    sold_minor: int
    currency: str


class ProcessView(Struct, frozen=True, kw_only=True):
    """A process of this machine."""

    name: str
    pid: int | None
    state: str
    restarts: int
    uptime_s: int
    rss_bytes: int | None


class RedisStatus(Struct, frozen=True, kw_only=True):
    """The servers that hold the live state."""

    version: str | None
    durable: bool
    reason: str | None
    """Why selling is not safe there."""
    used_bytes: int


class ConsoleView(Struct, frozen=True, kw_only=True):
    """The whole deployment at a glance."""

    rooms: list[RoomFigures]
    processes: list[ProcessView]
    """What the supervisor of this machine keeps running; empty without one."""
    redis: RedisStatus
    outbox: OutboxLag
    ledger: LedgerGlance
    reconciliation: Reconciliation | None
    """The last time that orders and entries were compared; null: never."""
    reconciling: ReconciliationRequest | None
    """A comparison that is asked for, under way, or has failed."""


class RoomSales(Protocol):
    """What rooms have sold."""

    async def of_rooms(self, rooms: Sequence[str]) -> dict[str, tuple[int, Money]]:
        """Room → number of orders and money paid."""
        ...


class RoomTable:
    """Rooms that are on, or were on lately, as rows."""

    def __init__(self, schedule: ScheduleStore, live: LiveRooms, sales: RoomSales) -> None:
        self._schedule = schedule
        self._live = live
        self._sales = sales

    async def rows(self) -> list[RoomFigures]:
        """One row a room, those that are live first."""
        shows = [*await self._schedule.unfinished(), *await self._schedule.last_ended(RECENT_SHOWS)]
        rooms = [show.room for show in shows]
        glances, sales = await self._live.look(rooms), await self._sales.of_rooms(rooms)
        rows = [_figures(show, glances.get(show.room), sales.get(show.room)) for show in shows]
        return sorted(rows, key=lambda row: row.phase != "live")


def _figures(show: Show, glance: Glance | None, sales: tuple[int, Money] | None) -> RoomFigures:
    number, paid = sales or (0, Money(0, "CNY"))
    return RoomFigures(
        room=show.room,
        title=show.title,
        phase=glance.state.phase if glance else show.phase,
        viewers=glance.viewers if glance else 0,
        streams=glance.state.streams if glance else (),
        orders=number,
        sold_minor=paid.minor,
        currency=paid.currency,
    )


def processes(status_file: Path, clock: Clock) -> list[ProcessView]:
    """What the supervisor of this machine keeps running; empty without one."""
    try:
        listed: list[dict[str, Any]] = json.loads(status_file.read_text())["processes"]
    except (OSError, ValueError, KeyError):
        return []
    return [
        ProcessView(
            **{name: process[name] for name in ("name", "pid", "state", "restarts")},
            uptime_s=max(0, clock() - process["started_ms"]) // 1000,
            rss_bytes=_resident_bytes(process["pid"]),
        )
        for process in listed
    ]


def _resident_bytes(pid: int | None) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return None
    return int(fields[1]) * 4096


def console_routes(
    door: Door,
    rooms: RoomTable,
    status_file: Path,
    redis: Callable[[], Awaitable[RedisStatus]],
    books: Callable[[], Awaitable[BooksView]],
    clock: Clock,
) -> list[BaseRoute]:
    """``GET /api/console``, for operators."""

    async def overview(request: Request) -> Answer[ConsoleView]:
        """The whole deployment at a glance."""
        person = await door.signed_in(request)
        person.require("operator")
        glance = await books()
        return answer(
            ConsoleView(
                rooms=await rooms.rows(),
                processes=processes(status_file, clock),
                redis=await redis(),
                outbox=glance.outbox,
                ledger=glance.ledger,
                reconciliation=glance.reconciliation,
                reconciling=glance.reconciling,
            )
        )

    return [Resource("console", in_role("operator")).operation("GET", "/api/console", overview, ConsoleView)]
