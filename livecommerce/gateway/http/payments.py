"""What payment providers tell us."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.errors import NotFound
from livecommerce.gateway.http.json import read_body
from livecommerce.payment import Cashier

MAX_CALLBACK_BYTES = 16 * 1024


def payment_routes(cashiers: dict[str, Cashier]) -> list[BaseRoute]:
    """``/api/payments/{provider}/callback``; a success tells the provider not to repeat it."""

    async def hear(request: Request) -> Response:
        cashier = cashiers.get(request.path_params["provider"])
        if cashier is None:
            raise NotFound("provider_not_found")
        await cashier.hear(request.headers, await read_body(request, MAX_CALLBACK_BYTES))
        return Response(status_code=204)

    return [Route("/api/payments/{provider}/callback", hear, methods=["POST"])]
