"""The built web client: one HTML file per page, and its assets."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

PAGES = {
    "/": "lobby",
    "/signin": "signin",
    "/room/{room}": "room",
    "/studio": "studio",
    "/studio/{room}": "studio",
    "/schedule": "schedule",
    "/orders": "orders",
    "/orders/{order}": "order",
    "/guest/{room}": "guest",
    "/merchant": "merchant",
    "/merchant/orders": "merchant",
    "/merchant/orders/{order}": "merchant",
    "/merchant/catalog": "merchant",
    "/merchant/settings": "merchant",
    "/console": "console",
    "/pay/wechat": "wechat",
}
"""Path → the page's file, without its ending."""

_NOT_BUILT = "The web client is not built yet. Run: make client\n"


class ImmutableFiles(StaticFiles):
    """Files whose names change with their content: browsers may keep them for a year."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, with permission to keep it."""
        response = super().file_response(*args, **kwargs)
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
        return response


def static_dir() -> Path:
    """Where the build puts its files; part of the wheel."""
    return Path(str(files("livecommerce"))) / "static"


def page_routes(root: Path) -> list[BaseRoute]:
    """Routes of the built client in a directory."""
    return [
        *(Route(path, _page(root / f"{name}.html")) for path, name in PAGES.items()),
        *_folder(root / "assets", ImmutableFiles),
        *_folder(root / "demo", StaticFiles),
        Route("/favicon.svg", _page(root / "favicon.svg", media_type="image/svg+xml")),
        Route("/favicon.ico", _page(root / "favicon.svg", media_type="image/svg+xml")),
    ]


def _folder(folder: Path, kind: type[StaticFiles]) -> list[BaseRoute]:
    return [Mount(f"/{folder.name}", kind(directory=folder))] if folder.is_dir() else []


def _page(file: Path, media_type: str = "text/html") -> Callable[[Request], Response]:
    def serve(_request: Request) -> Response:
        if not file.exists():
            return PlainTextResponse(_NOT_BUILT, status_code=503)
        return FileResponse(file, media_type=media_type, headers={"cache-control": "no-cache"})

    return serve
