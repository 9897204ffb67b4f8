"""What payment providers tell us."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.errors import Invalid, NotFound
from livecommerce.payment import Cashier

MAX_CALLBACK_BYTES = 16 * 1024


def payment_routes(cashiers: dict[str, Cashier]) -> list[BaseRoute]:
    """``/api/payments/{provider}/callback``; a success tells the provider not to repeat it."""

    async def hear(request: Request) -> Response:
        cashier = cashiers.get(request.path_params["provider"])
        if cashier is None:
            raise NotFound("provider_not_found")
        await cashier.hear(request.headers, await _body(request))
        return Response(status_code=204)

    return [Route("/api/payments/{provider}/callback", hear, methods=["POST"])]


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_CALLBACK_BYTES:
            raise Invalid("request_too_large", max=MAX_CALLBACK_BYTES)
    return bytes(body)
