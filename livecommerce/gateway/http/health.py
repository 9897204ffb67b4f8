"""How this process is: alive, and ready."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from livecommerce.gateway.http.json import Answer, answer
from livecommerce.gateway.http.operation import ANYBODY, MediaType, Resource

TEXT = MediaType("text/plain")

Probe = Callable[[], Awaitable[str | None]]
"""Answers why a part is degraded, or ``None``."""


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether everything that this process needs is there."""

    ready: bool
    degraded: dict[str, str]
    """Part → what is wrong with it."""


def health_routes(probes: Mapping[str, Probe]) -> list[BaseRoute]:
    """``/healthz`` and ``/readyz``."""

    async def alive(_request: Request) -> Response:
        """Whether the process answers at all."""
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Answer[Readiness]:
        """Whether everything that it needs is there; 503 where something is not."""
        degraded = {name: why for name, probe in probes.items() if (why := await probe()) is not None}
        return answer(Readiness(ready=not degraded, degraded=degraded), 503 if degraded else 200)

    api = Resource("deployment", ANYBODY)
    return [
        api.operation("GET", "/healthz", alive, TEXT),
        api.operation("GET", "/readyz", ready, Readiness, status=(200, 503)),
    ]
