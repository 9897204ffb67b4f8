"""`python -m media`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys

from media.app import open_server
from media.errors import InvalidSettings, PortTaken
from media.settings import Settings

logger = logging.getLogger("media")


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = Settings.from_environment(os.environ)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(settings))
    except (InvalidSettings, PortTaken) as error:
        print(f"media: {error}", file=sys.stderr)  # noqa: T201 - what a command line says
        return 1
    return 0


async def _serve(settings: Settings) -> None:
    async with open_server(settings) as server:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        logger.info("serving HTTP on %s:%d, media on UDP %d", settings.host, server.port, server.udp_port)
        await server.serve()


def _loop_factory() -> type[asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.Loop


if __name__ == "__main__":
    sys.exit(main())
