"""Integration tests run on the event loop that production runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop, for every test in this folder."""
    return {"uvloop": uvloop.new_event_loop}
