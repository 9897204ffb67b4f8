"""Brings people what is open of theirs in a room: when they join, and after the room missed something."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Protocol

from livecommerce.coupon import GrantCard
from livecommerce.errors import Unavailable
from livecommerce.gateway.messages import to_client
from livecommerce.gateway.served_room import ServedRoom
from livecommerce.gateway.translate import error_message
from livecommerce.gateway.websocket import RoomProtocol
from livecommerce.orders import OrderCard
from livecommerce.waitlist import PlaceCard

AT_ONCE = 500
"""People in one read: the server does nothing else meanwhile."""

Records = tuple[Sequence[OrderCard], Sequence[GrantCard], Sequence[PlaceCard]]
Spawn = Callable[[Coroutine[Any, Any, None]], None]

log = logging.getLogger(__name__)


class PersonalRecords(Protocol):
    """People's open orders, coupons and places of one room."""

    async def read(self, room: str, persons: Sequence[str]) -> Mapping[str, Records]:
        """The current versions of those who have any.

        Raises:
            Unavailable: they cannot be read now.
        """
        ...


class OpenRecords:
    """Reads for all who joined while the last read was under way: a storm costs few reads.

    What changes while a read is under way is told by the bus; a record's version says which is newer.
    """

    def __init__(self, records: PersonalRecords, spawn: Spawn) -> None:
        self._records = records
        self._spawn = spawn
        self._waiting: dict[ServedRoom, list[RoomProtocol]] = {}

    def bring(self, served: ServedRoom, viewers: Iterable[RoomProtocol]) -> None:
        """Tells viewers of a room what is open of theirs, soon."""
        waiting = self._waiting.get(served)
        if waiting is None:
            self._waiting[served] = list(viewers)
            self._spawn(self._serve(served))
        else:
            waiting += viewers

    def bring_all(self, served: ServedRoom) -> None:
        """Tells all who are in a room: it has missed what was said for a while."""
        self.bring(served, served.account_holders())

    async def _serve(self, served: ServedRoom) -> None:
        try:
            await asyncio.sleep(0)  # for all of this turn of the loop
            while waiting := self._waiting[served]:
                viewers, self._waiting[served] = waiting[:AT_ONCE], waiting[AT_ONCE:]
                await self._read(served, [viewer for viewer in viewers if viewer.session is not None])
        finally:
            del self._waiting[served]

    async def _read(self, served: ServedRoom, viewers: Sequence[RoomProtocol]) -> None:
        try:
            records = await self._records.read(served.live.room, list({viewer.person for viewer in viewers}))
        except Unavailable as error:
            for viewer in viewers:
                viewer.send_messages(error_message(error, None))
            return
        for viewer in viewers:
            if viewer.person in records:
                _tell(served, viewer, records[viewer.person])


def _tell(served: ServedRoom, viewer: RoomProtocol, records: Records) -> None:
    orders, grants, places = records
    if any(order.state == "sold" for order in orders):
        served.buyers.add(viewer.person)
    news = [
        *(to_client.Order(order=order) for order in orders),
        *(to_client.Grant(grant=grant) for grant in grants),
        *(to_client.Place(place=place) for place in places),
    ]
    if news:
        viewer.send_messages(*news)
