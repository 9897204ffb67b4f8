"""A small HTTP server for a test: a page's origin, or the gateway's hook address."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.types import ASGIApp

from media.app import HttpServer


@contextlib.asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[int]:
    """Serve an application on a free port of the loopback interface, and yield the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="off", log_config=None, timeout_graceful_shutdown=1)
        http = HttpServer(config)
        serving = asyncio.create_task(http.serve([listener]))
        yield listener.getsockname()[1]
        http.should_exit = True
        await serving
