"""Signs people out on this gateway: what is revoked is refused, and connections that it let in are closed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import cast

from livecommerce.clock import Clock
from livecommerce.errors import Unavailable
from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.rooms import Rooms
from livecommerce.gateway.websocket import RoomProtocol
from livecommerce.revocation import Revocation, Revocations, RevocationStore
from livecommerce.room.bus import DEPLOYMENT, Bus, Publication, Revoked

RETRY_SECONDS = 1.0
READ_AGAIN_SECONDS = 60.0

log = logging.getLogger(__name__)


class SignOuts:
    """Keeps a gateway's copy of all revocations up to date."""

    def __init__(
        self, store: RevocationStore, revocations: Revocations, rooms: Rooms, bus: Bus, clock: Clock
    ) -> None:
        self._store = store
        self._revocations = revocations
        self._rooms = rooms
        self._bus = bus
        self._clock = clock
        self._behind = asyncio.Event()

    def fell_behind(self) -> None:
        """The subscription was away: something may have been missed."""
        self._behind.set()

    def hear(self, publication: Publication) -> None:
        """A gateway, or the command line, has signed somebody out."""
        if isinstance(publication, Revoked):
            self._learn([publication.revocation])

    async def prepare(self) -> None:
        """Reads all revocations, however long that takes: before it, no token may be believed."""
        while True:
            if await self._read():
                return
            await asyncio.sleep(RETRY_SECONDS)

    async def run(self) -> None:
        """Listens until cancelled, and reads everything again after each reconnect and now and then."""
        await self._listen()
        while True:
            self._behind.clear()
            if not await self._read():
                self._behind.set()
                await asyncio.sleep(RETRY_SECONDS)
            try:
                await asyncio.wait_for(self._behind.wait(), READ_AGAIN_SECONDS)
            except TimeoutError:
                continue

    async def _listen(self) -> None:
        while True:
            try:
                await self._bus.subscribe(DEPLOYMENT, self.hear)
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _read(self) -> bool:
        try:
            self._learn(await self._store.all())
        except Unavailable:
            log.info("revocations are read later")
            return False
        return True

    def _learn(self, revocations: Sequence[Revocation]) -> None:
        self._revocations.learn(revocations, self._clock())
        for revocation in revocations:
            self._close_connections_of(revocation.person)

    def _close_connections_of(self, person: str) -> None:
        for served in self._rooms:
            for viewer in served.fanout.tabs(person):
                connection = cast("RoomProtocol", viewer)
                session = connection.session
                if session and self._revocations.cover(person, session.signed_in_ms):
                    connection.close(Close.SIGNED_OUT, "signed_out")
