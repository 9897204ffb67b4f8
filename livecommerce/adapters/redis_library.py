"""The function library that every process loads."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Any

from livecommerce.adapters.redis_connection import Connection

LIBRARY_VERSION = 4
"""Raised with every release that changes the functions."""


def library_source() -> str:
    """All functions as one library; the files are joined in the order of their names."""
    folder = files("livecommerce.adapters") / "lua"
    parts = sorted(
        (entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".lua")
    )
    return f"#!lua name=livecommerce\n-- version {LIBRARY_VERSION}\n" + "\n".join(
        source for _, source in parts
    )


async def load_library(redis: Connection) -> None:
    """Installs the functions on every server; what is there already, or is newer than ours, is left alone.

    A process of an older release that starts again during a deploy must not take new functions away.
    """
    for server in await redis.servers():
        await _load_on(server)


async def _load_on(server: Connection) -> None:
    source = library_source()
    libraries: Any = await server.function_list(library="livecommerce", withcode=True)
    for library in libraries:
        code = library[b"library_code"].decode()
        if code == source or _version_of(code) > LIBRARY_VERSION:
            return
    await server.function_load(source, replace=True)


def _version_of(code: str) -> int:
    found = re.search(r"^-- version (\d+)$", code, re.MULTILINE)
    return int(found.group(1)) if found else 0
