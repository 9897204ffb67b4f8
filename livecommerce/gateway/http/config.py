"""What the pages need to know of this deployment."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.gateway.http.json import answer

LANGUAGES = ("zh-CN", "en")


def config_routes(*, demo: bool, currency: str, media_url: str) -> list[BaseRoute]:
    """``GET /api/config``."""
    document = {"demo": demo, "currency": currency, "media_url": media_url, "languages": LANGUAGES}

    async def show(_request: Request) -> Response:
        return answer(document)

    return [Route("/api/config", show, methods=["GET"])]
