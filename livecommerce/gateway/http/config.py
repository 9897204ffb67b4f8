"""What the pages need to know of this deployment."""

from __future__ import annotations

from msgspec import Struct
from starlette.requests import Request
from starlette.routing import BaseRoute

from livecommerce.gateway.http.json import Answer, answer
from livecommerce.gateway.http.operation import ANYBODY, Resource

LANGUAGES = ("zh-CN", "en")


class Config(Struct, frozen=True, kw_only=True):
    """This deployment, as far as pages must know it."""

    demo: bool
    """Whether one click signs in as one of the demo's people."""
    currency: str
    """ISO 4217; where nothing else says one."""
    media_url: str
    """Where WHIP and WHEP are."""
    languages: tuple[str, ...]


def config_routes(*, demo: bool, currency: str, media_url: str) -> list[BaseRoute]:
    """``GET /api/config``."""
    config = Config(demo=demo, currency=currency, media_url=media_url, languages=LANGUAGES)

    async def show_config(_request: Request) -> Answer[Config]:
        """What a page must know before anything else."""
        return answer(config)

    return [Resource("deployment", ANYBODY).operation("GET", "/api/config", show_config, Config)]
