"""Where pictures are published and watched: our own media processes, or an engine that is there already."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Literal
from urllib.parse import quote, urlsplit

import httpx

from livecommerce.clock import Clock
from livecommerce.ids import new_id
from livecommerce.signatures import media_key, sign

Protocol = Literal["whip", "whep"]

PAUSES_SECONDS = (0.2, 1.0, 5.0)
"""Between attempts to tell a media process; what is lost, its next report to us is answered with."""
TIMEOUT_SECONDS = 5.0

log = logging.getLogger(__name__)


class MediaPlane:
    """``MEDIA_URL``: an address that ``/whip/{room}/{seat}`` follows, or an engine's pattern.

    A pattern names ``{room}`` and ``{seat}``, ``{protocol}`` (``whip`` or ``whep``) and, where the engine
    reads tokens from the address, ``{token}``.
    """

    def __init__(self, url: str) -> None:
        self.is_engine = "{" in url
        self._pattern = url if self.is_engine else url.rstrip("/") + "/{protocol}/{room}/{seat}"

    @property
    def origin(self) -> str:
        """What pages must be allowed to connect to."""
        parts = urlsplit(self._pattern)
        return f"{parts.scheme}://{parts.netloc}"

    def address(self, protocol: Protocol, room: str, seat: str, token: str) -> str:
        """Where an offer is posted."""
        return self._filled(protocol, room, seat, token)

    def check_address(self, room: str, seat: str) -> str | None:
        """Where an offer for a trial connection is posted; an engine has no such place."""
        return None if self.is_engine else self._filled("check", room, seat, "")

    def _filled(self, protocol: str, room: str, seat: str, token: str) -> str:
        filled = self._pattern
        for name, value in (("protocol", protocol), ("room", room), ("seat", seat), ("token", token)):
            filled = filled.replace(f"{{{name}}}", quote(value, safe=""))
        return filled


class MediaControl:
    """Tells the media processes what may not be published any more; signed, and harmless when repeated."""

    def __init__(self, client: httpx.AsyncClient, url: str, token_secret: str, clock: Clock) -> None:
        self._client = client
        self._url = url.rstrip("/") + "/control"
        self._key = media_key("media-control", token_secret)
        self._clock = clock

    async def close_seats(self, room: str, seat: str) -> None:
        """Ends what is published on a seat of a room, or on all, by tokens minted until now."""
        at_ms, message = self._clock(), f"msg_{new_id()}"
        body = json.dumps({"type": "seat.closed", "room": room, "seat": seat, "at_ms": at_ms}).encode()
        for pause in (0.0, *PAUSES_SECONDS):
            await asyncio.sleep(pause)
            headers = {
                **sign(self._key, message, self._clock(), body),
                "content-type": "application/json",
            }
            try:
                answer = await self._client.post(
                    self._url, content=body, headers=headers, timeout=TIMEOUT_SECONDS
                )
            except httpx.HTTPError as error:
                log.info("the media plane cannot be told that %s closed: %r", room, error)
                continue
            if answer.is_success:
                return
        log.warning("the media plane did not hear that seats of %s closed; it will when it reports", room)
