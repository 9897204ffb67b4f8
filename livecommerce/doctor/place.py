"""Where the parts of this deployment are, seen from this machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from livecommerce.settings import Settings

REDIS_FILE, SECRET_FILE = "redis_url", "token_secret"
"""What ``livecommerce up`` leaves in its data directory."""


class Place(msgspec.Struct, frozen=True):
    """The settings, filled up with what a ``livecommerce up`` of this data directory chose by itself."""

    settings: Settings
    gateway_url: str
    media_urls: tuple[str, ...]


def find_place(settings: Settings, environ: Mapping[str, str]) -> Place:
    """Reads what is needed; nothing is created."""
    host = _reachable(settings.host)
    media_here = f"http://{_reachable(environ.get('MEDIA_HOST') or host)}:{environ.get('MEDIA_PORT') or 8001}"
    filled = msgspec.structs.replace(
        settings,
        redis_url=settings.redis_url or _text(settings.data_dir / REDIS_FILE),
        token_secret=settings.token_secret or _text(settings.data_dir / SECRET_FILE),
        media_url=environ.get("MEDIA_URL") or media_here,
    )
    first = settings.media_control_url or filled.media_url
    return Place(filled, f"http://{host}:{settings.port}", _siblings(first, settings.media_processes))


def _siblings(first: str, count: int) -> tuple[str, ...]:
    """Each process's address: they have every second port, as ``livecommerce up`` gives them."""
    first, parts = first.rstrip("/"), urlsplit(first) if "{" not in first else None
    if parts is None or parts.port is None or count == 1:
        return (first,)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return tuple(f"{parts.scheme}://{host}:{parts.port + 2 * place}" for place in range(count))


def _reachable(host: str) -> str:
    """An address to connect to, for one to listen on."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - looked up, not bound
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
