"""A TCP proxy that is bad on demand, as a process of its own: ``python -m loadtests.chaos.proxy``.

Reads orders from its input, a JSON object a line: ``{"open": link, "to": address}`` is answered with the
port; ``{"fault": link, "kind": …}`` changes how a link behaves until the next one and is answered with 0.
An address is a port of loopback, or the path of a Unix socket. Kinds: ``""`` passes on; ``cut`` resets what
is open, in the middle of a message, and refuses more; ``delay`` keeps every piece for a while; ``stall``
lets nothing pass and loses nothing; ``lose`` lets questions pass, and resets the connection instead of
answering.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

PIECE_BYTES = 65_536
DELAY_SECONDS = 0.15


@dataclass
class Link:
    """One way through the proxy, and what is wrong with it."""

    to: str
    kind: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    def behave(self, kind: str) -> None:
        """Changes what is wrong; ``cut`` ends what is open now."""
        self.kind = kind
        self.changed.set()
        self.changed = asyncio.Event()
        if kind == "cut":
            for writer in tuple(self.writers):
                writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        if self.kind == "cut":
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await self._connect()
        except OSError:
            writer.transport.abort()
            return
        both = {writer, there_writer}
        self.writers |= both
        questions = asyncio.create_task(self._pump(reader, there_writer, lambda: False))
        answers = asyncio.create_task(self._pump(there_reader, writer, lambda: self.kind == "lose"))
        await asyncio.wait([questions, answers], return_when=asyncio.FIRST_COMPLETED)
        for task in (questions, answers):
            task.cancel()
        await asyncio.gather(questions, answers, return_exceptions=True)
        for one in both:
            one.transport.abort()
        self.writers -= both

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.to.isdecimal():
            return await asyncio.open_connection("127.0.0.1", int(self.to))
        return await asyncio.open_unix_connection(self.to)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, loses: Callable[[], bool]
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE_BYTES):
                while self.kind == "stall":
                    await self.changed.wait()
                if loses():
                    return
                if self.kind == "cut":
                    piece = piece[: len(piece) // 2]
                if self.kind == "delay":
                    await asyncio.sleep(DELAY_SECONDS)
                writer.write(piece)
                await writer.drain()


async def _obey(links: dict[str, Link], order: dict[str, str]) -> int:
    if "open" in order:
        link = links[order["open"]] = Link(order["to"])
        server = await asyncio.start_server(link.serve, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])
    links[order["fault"]].behave(order["kind"])
    return 0


async def _run() -> None:
    links: dict[str, Link] = {}
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(await _obey(links, json.loads(line)), flush=True)


def main() -> None:
    """Serves until its input ends."""
    asyncio.run(_run())


if __name__ == "__main__":
    main()
