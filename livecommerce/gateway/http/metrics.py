"""``/metrics``: turnover, queues and connections in numbers, for whoever watches over this deployment."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from livecommerce.errors import Forbidden
from livecommerce.gateway.http.operation import Caller, MediaType, Resource
from livecommerce.gateway.proxies import Network, client_address, forwarded_for

Render = Callable[[], str]
"""Writes all metrics in Prometheus' text format."""

WATCHER = Caller(
    words="Who asks from a private network, or bears `METRICS_TOKEN`.", refuses={Forbidden: ("forbidden",)}
)


def metrics_route(render: Render, token: str, trusted: Sequence[Network]) -> BaseRoute:
    """``/metrics``; an empty token is nobody's."""

    async def metrics(request: Request) -> Response:
        """All numbers of the gateways of this host, for Prometheus."""
        if not (_bears(request, token) or is_from_private_network(request, trusted)):
            raise Forbidden("forbidden")
        return PlainTextResponse(render(), media_type="text/plain; version=0.0.4")

    return Resource("deployment", WATCHER).operation("GET", "/metrics", metrics, MediaType("text/plain"))


def is_from_private_network(request: Request, trusted: Sequence[Network]) -> bool:
    """Whether a request began in a private network; one that an unknown proxy brings may begin anywhere."""
    peer = request.client.host if request.client else ""
    forwarded = forwarded_for(request.headers)
    address = client_address(peer, forwarded, trusted)
    if forwarded and address == peer:
        return False
    try:
        return not ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _bears(request: Request, token: str) -> bool:
    given = request.headers.get("authorization", "").encode()
    return bool(token) and hmac.compare_digest(given, f"Bearer {token}".encode())
