"""The function library that every process loads.

What a file defines with ``local`` at the beginning of a line is its own; what it defines there without is for
every file, whatever their order. So of the 200 locals that Lua allows, the library takes as many as its files
share, and not as many as it has functions.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from livecommerce.adapters.redis_connection import Connection, served
from livecommerce.errors import Unavailable

LIBRARY_VERSION = 4
"""Raised with every release that changes the functions."""

RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)

_SHARED = re.compile(r"^(?:function (\w+)\(|([A-Z]\w*) = )", re.MULTILINE)


def library_files() -> Mapping[str, str]:
    """Sources by name, in the order in which they run: what is called while the library loads comes first."""
    folder = files("livecommerce.adapters") / "lua"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".lua"))
    return {name: (folder / name).read_text("utf-8") for name in names}


def shared_names(source: str) -> list[str]:
    """The functions and constants of a file that other files may use."""
    return [function or constant for function, constant in _SHARED.findall(source)]


def join(sources: Mapping[str, str]) -> str:
    """Files as one library: each in a scope of its own, below the names that they share."""
    shared = ", ".join(name for source in sources.values() for name in shared_names(source))
    scopes = (f"do -- {name}\n{source}end\n" for name, source in sources.items())
    return f"#!lua name=livecommerce\n-- version {LIBRARY_VERSION}\nlocal {shared}\n{''.join(scopes)}"


def library_source() -> str:
    """All functions as one library."""
    return join(library_files())


async def load_library(redis: Connection) -> None:
    """Installs the functions on every server; what is there already, or is newer than ours, is left alone.

    A process of an older release that starts again during a deploy must not take new functions away.
    """
    for server in await redis.servers():
        await _load_on(server)


async def load_library_once_up(redis: Connection) -> None:
    """The same; waits for the server where it is not up yet."""
    while True:
        try:
            with served():
                await load_library(redis)
        except Unavailable as error:
            log.warning("the function library waits: %s", error)
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


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
