"""WHIP (RFC 9725): a publisher's offer becomes a session."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import Response

from media.exchange import SDP, created, read_body, without_content
from media.forwarder import Forwarder
from media.ice_servers import IceServers
from media.sdp import parse_offer
from media.session_limits import SessionLimits
from media.settings import Settings
from media.tokens import read_token


class WhipEndpoint:
    """The resource `/whip/{room}/{seat}`."""

    def __init__(self, forwarder: Forwarder, settings: Settings, limits: SessionLimits) -> None:
        self._forwarder = forwarder
        self._secret = settings.token_secret
        self._ice_servers = IceServers(settings.ice_servers, settings.turn_secret, time.time)
        self._limits = limits

    async def handle(self, request: Request) -> Response:
        """Answer any method."""
        if request.method == "POST":
            return await self._publish(request)
        return without_content(request)

    async def _publish(self, request: Request) -> Response:
        room, seat = request.path_params["room"], request.path_params["seat"]
        token = read_token(request.headers.get("authorization", ""), self._secret)
        token.require("publish", room, seat)
        self._limits.take(token, request)
        offer = parse_offer(await read_body(request, SDP), "sendonly")
        session, answer = self._forwarder.publish(token, room, seat, offer)
        return created(session, answer, self._ice_servers)
