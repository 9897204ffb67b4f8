"""The HTTP door: routes, CORS, and the one place where refusals get their status."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from media import errors
from media.check import CheckEndpoint
from media.client_address import is_private, parse_networks
from media.control import ControlResource
from media.forwarder import Forwarder
from media.metrics import render
from media.problem import problem
from media.session_limits import SessionLimits
from media.sessions import SessionResource
from media.settings import Settings
from media.siblings import Relay, Siblings
from media.whep import WhepEndpoint
from media.whip import WhipEndpoint

STATUSES: Mapping[type[errors.Refused], int] = {
    errors.MalformedOffer: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.UnknownSession: 404,
    errors.SeatTaken: 409,
    errors.NotLive: 409,
    errors.StaleETag: 412,
    errors.OfferTooLarge: 413,
    errors.WrongContentType: 415,
    errors.UnacceptableOffer: 422,
    errors.MissingETag: 428,
    errors.TooManyRequests: 429,
    errors.Overloaded: 503,
}
HEADERS: Mapping[type[errors.Refused], dict[str, str]] = {
    errors.Unauthorized: {"WWW-Authenticate": 'Bearer realm="media"'},
    errors.NotLive: {"Retry-After": "1"},
    errors.TooManyRequests: {"Retry-After": "5"},
    errors.Overloaded: {"Retry-After": "30"},
}
CORS = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Location, ETag, Link, Retry-After"),
)


LOOPBACK = parse_networks(["127.0.0.0/8", "::1"])


class CrossOrigin:
    """Lets pages of any origin use the answers: access is by token, never by cookie."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers to every response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *CORS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def build_app(forwarder: Forwarder, settings: Settings, client: httpx.AsyncClient) -> ASGIApp:
    """Return the ASGI application of one media process; `client` reaches its siblings."""
    siblings_are = LOOPBACK if settings.siblings else ()
    trusted = (*settings.trusted_proxies, *siblings_are)
    limits = SessionLimits(trusted, time.monotonic)
    whip = WhipEndpoint(forwarder, settings, limits)
    whep = WhepEndpoint(forwarder, settings, limits)
    check = CheckEndpoint(forwarder, settings, SessionLimits(trusted, time.monotonic))
    control = ControlResource(forwarder, settings.token_secret)
    sessions = SessionResource(forwarder)

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok")

    async def metrics(request: Request) -> Response:
        if not (bears(request, settings.metrics_token) or is_private(request, settings.trusted_proxies)):
            raise errors.Forbidden("metrics are for a private network, and for who bears METRICS_TOKEN")
        return PlainTextResponse(render(forwarder), media_type="text/plain; version=0.0.4")

    methods = ["GET", "HEAD", "POST", "OPTIONS"]
    app: ASGIApp = Starlette(
        routes=[
            Route("/whip/{room}/{seat}", whip.handle, methods=methods),
            Route("/whep/{room}/{seat}", whep.handle, methods=methods),
            Route("/check/{room}/{seat}", check.handle, methods=methods),
            Route("/session/{id}", sessions.handle, methods=["GET", "HEAD", "PATCH", "DELETE", "OPTIONS"]),
            Route("/control", control.handle, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/metrics", metrics),
        ],
        exception_handlers={errors.Refused: _refused},
    )
    if settings.siblings:
        siblings = Siblings(settings.siblings, settings.process)
        app = Relay(app, siblings, client, settings.trusted_proxies)
    return CrossOrigin(app)


def bears(request: Request, token: str) -> bool:
    """Return whether a request bears a token; an empty one is nobody's."""
    given = request.headers.get("authorization", "").encode()
    return bool(token) and hmac.compare_digest(given, f"Bearer {token}".encode())


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, errors.Refused):
        raise error
    return problem(STATUSES[type(error)], str(error), HEADERS.get(type(error)))
