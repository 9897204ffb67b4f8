"""The HTTP application: all routes, errors as JSON, and headers that browsers respect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livecommerce.errors import DomainError
from livecommerce.gateway.http.json import answer
from livecommerce.gateway.translate import ErrorBody, ErrorDetails, error_body, error_status

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class SecurityHeaders:
    """Adds the headers that keep our pages from being framed, sniffed or leaked by referrer."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", self._policy)
                headers.setdefault("x-content-type-options", "nosniff")
                headers.setdefault("referrer-policy", "same-origin")
                headers.setdefault("permissions-policy", "camera=(self), microphone=(self)")
            await send(message)

        await self._app(scope, receive, send_with_headers)


def application(routes: Sequence[BaseRoute], lifespan: Lifespan, media_url: str) -> Starlette:
    """The whole HTTP side of a gateway."""
    policy = "; ".join(
        (
            "default-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "style-src 'self' 'unsafe-inline'",
            f"connect-src 'self' ws: wss: {media_url}",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
    return Starlette(
        routes=list(routes),
        lifespan=lifespan,
        middleware=[Middleware(SecurityHeaders, policy=policy)],
        exception_handlers={DomainError: _refuse, HTTPException: _http_error},
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, DomainError)  # noqa: S101 - Starlette calls it for nothing else
    return answer(error_body(error), error_status(error))


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - as above
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "bad_request")
    body = ErrorBody(ErrorDetails(code=code, params={}, temporary=False))
    response = answer(body, error.status_code)
    response.headers.update(error.headers or {})
    if error.status_code == 405:
        response.headers["allow"] = ", ".join(sorted(_methods(request)))
    return response


def _methods(request: Request) -> set[str]:
    """What may be done with a path; each method is a route of its own, and knows only itself."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    found = [route.methods or () for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for methods in found for method in methods}
