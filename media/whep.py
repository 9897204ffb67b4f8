"""WHEP (draft-ietf-wish-whep-03): a viewer's offer becomes a session."""

from __future__ import annotations

import time

from starlette.requests import Request
from starlette.responses import Response

from media.errors import UnacceptableOffer
from media.exchange import SDP, counter_offered, created, read_body, without_content
from media.forwarder import Forwarder
from media.ice_servers import IceServers
from media.sdp import parse_offer
from media.session_limits import SessionLimits
from media.settings import Settings
from media.tokens import read_token


class WhepEndpoint:
    """The resource `/whep/{room}/{seat}`."""

    def __init__(self, forwarder: Forwarder, settings: Settings, limits: SessionLimits) -> None:
        self._forwarder = forwarder
        self._secret = settings.token_secret
        self._ice_servers = IceServers(settings.ice_servers, settings.turn_secret, time.time)
        self._limits = limits

    async def handle(self, request: Request) -> Response:
        """Answer any method."""
        if request.method == "POST":
            return await self._watch(request)
        return without_content(request)

    async def _watch(self, request: Request) -> Response:
        room, seat = request.path_params["room"], request.path_params["seat"]
        token = read_token(request.headers.get("authorization", ""), self._secret)
        token.require("subscribe", room, seat)
        line = self._limits.take(token, request)
        text = await read_body(request, SDP)
        try:
            offer = parse_offer(text, "recvonly")
        except UnacceptableOffer:
            invitation, ours = self._forwarder.invite(token.person, room, seat, line)
            return counter_offered(invitation, ours, self._ice_servers)
        session, answer = self._forwarder.watch(token.person, room, seat, offer, line)
        return created(session, answer, self._ice_servers)
