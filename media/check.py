"""Trial connections: a browser or `livecommerce doctor` finds out how the media port is reached."""

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


class CheckEndpoint:
    """The resource `/check/{room}/{seat}`: an offer to receive is answered, and nothing is ever sent.

    It needs no stream, so that a host can try before going live.
    """

    def __init__(self, forwarder: Forwarder, settings: Settings, limits: SessionLimits) -> None:
        self._forwarder = forwarder
        self._secret = settings.token_secret
        self._ice_servers = IceServers(settings.ice_servers, settings.turn_secret, time.time)
        self._limits = limits

    async def handle(self, request: Request) -> Response:
        """Answer any method."""
        if request.method != "POST":
            return without_content(request)
        token = read_token(request.headers.get("authorization", ""), self._secret)
        token.require_place(request.path_params["room"], request.path_params["seat"])
        self._limits.take(token, request)
        offer = parse_offer(await read_body(request, SDP), "recvonly")
        check, answer = self._forwarder.check(offer)
        return created(check, answer, self._ice_servers)
