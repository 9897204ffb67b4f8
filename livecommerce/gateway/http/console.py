"""The operator's overview of the whole deployment."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.clock import Clock
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer
from livecommerce.money import Money
from livecommerce.room.glance import Glance, LiveRooms
from livecommerce.schedule.store import ScheduleStore

RECENT_SHOWS = 20

Overview = Callable[[], Awaitable[Mapping[str, Any]]]


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

    async def rows(self) -> list[dict[str, Any]]:
        """One row a room, those that are live first."""
        shows = [*await self._schedule.unfinished(), *await self._schedule.last_ended(RECENT_SHOWS)]
        rooms = [show.room for show in shows]
        glances, sales = await self._live.look(rooms), await self._sales.of_rooms(rooms)
        rows = [
            {"room": show.room, "title": show.title, "phase": show.phase}
            | _glanced(glances.get(show.room))
            | _sold(sales.get(show.room))
            for show in shows
        ]
        return sorted(rows, key=lambda row: row["phase"] != "live")


def _glanced(glance: Glance | None) -> dict[str, Any]:
    if glance is None:
        return {"viewers": 0, "streams": []}
    state = glance.state
    return {"phase": state.phase, "viewers": glance.viewers, "streams": state.streams}


def _sold(sales: tuple[int, Money] | None) -> dict[str, Any]:
    number, paid = sales or (0, Money(0, "CNY"))
    return {"orders": number, "sold_minor": paid.minor, "currency": paid.currency}


def processes(status_file: Path, clock: Clock) -> list[dict[str, Any]]:
    """What the supervisor of this machine keeps running; empty without one."""
    try:
        listed: list[dict[str, Any]] = json.loads(status_file.read_text())["processes"]
    except (OSError, ValueError, KeyError):
        return []
    return [
        {
            **{name: process[name] for name in ("name", "pid", "state", "restarts")},
            "uptime_s": max(0, clock() - process["started_ms"]) // 1000,
            "rss_bytes": _resident_bytes(process["pid"]),
        }
        for process in listed
    ]


def _resident_bytes(pid: int | None) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return None
    return int(fields[1]) * 4096


def console_routes(
    door: Door, rooms: RoomTable, status_file: Path, redis: Overview, ledger: Overview, clock: Clock
) -> list[BaseRoute]:
    """``GET /api/console``, for operators."""

    async def overview(request: Request) -> Response:
        person = await door.signed_in(request)
        person.require("operator")
        return answer(
            {
                "rooms": await rooms.rows(),
                "processes": processes(status_file, clock),
                "redis": await redis(),
                **await ledger(),
            }
        )

    return [Route("/api/console", overview, methods=["GET"])]
