"""How this process is: alive, ready, and in numbers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

Probe = Callable[[], Awaitable[str | None]]
"""Answers why a part is degraded, or ``None``."""

Render = Callable[[], str]
"""Writes all metrics in Prometheus' text format."""


def health_routes(probes: Mapping[str, Probe], render_metrics: Render) -> list[BaseRoute]:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        degraded = {name: why for name, probe in probes.items() if (why := await probe()) is not None}
        return JSONResponse({"ready": not degraded, "degraded": degraded}, 503 if degraded else 200)

    async def metrics(_request: Request) -> Response:
        return PlainTextResponse(render_metrics(), media_type="text/plain; version=0.0.4")

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", metrics)]
