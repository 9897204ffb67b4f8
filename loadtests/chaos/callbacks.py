"""The road between payment provider and product, on which callbacks come twice, late and out of order.

``python -m loadtests.chaos.callbacks PORT SEED`` prints its port and passes HTTP on to the product. A line
on its input, ``shuffle`` or nothing, changes how callbacks travel. A shuffled one waits for others, leaves
in any order, one to three times; its sender is answered as its first copy was.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

LONGEST_WAIT_SECONDS = 2.0
MOST_COPIES = 3
BACKLOG = 512
COPY_SECONDS = 0.3
HTTP_SECONDS = 15.0
CALLBACK = "/callback"
PASSED_ON = ("content-type", "authorization", "accept", "accept-language", "location")


class Road:
    """Passes requests on; ``shuffles`` while callbacks are to be mixed up."""

    def __init__(self, port: int, seed: int) -> None:
        self._http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=HTTP_SECONDS, trust_env=False
        )
        self._random = Random(f"callbacks/{seed}")
        self._copies: set[asyncio.Task[Response]] = set()
        self.shuffles = False

    async def travel(self, request: Request) -> Response:
        """One request, or a callback with its copies."""
        body = await request.body()
        if not (self.shuffles and request.method == "POST" and request.url.path.endswith(CALLBACK)):
            return await self._pass_on(request, body)
        await asyncio.sleep(self._random.uniform(0, LONGEST_WAIT_SECONDS))
        for _ in range(self._random.randrange(MOST_COPIES)):
            copy = asyncio.create_task(self._copy(request, body, self._random.uniform(0, COPY_SECONDS)))
            self._copies.add(copy)
            copy.add_done_callback(self._copies.discard)
        return await self._pass_on(request, body)

    async def _copy(self, request: Request, body: bytes, seconds: float) -> Response:
        await asyncio.sleep(seconds)
        return await self._pass_on(request, body)

    async def _pass_on(self, request: Request, body: bytes) -> Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name in PASSED_ON or name.startswith("webhook-")
        }
        try:
            answer = await self._http.request(
                request.method, request.url.path, params=request.url.query, content=body, headers=headers
            )
        except httpx.TransportError:
            return Response("nobody is there", 502)
        kept = {name: value for name, value in answer.headers.items() if name in PASSED_ON}
        return Response(answer.content, answer.status_code, kept)

    @asynccontextmanager
    async def listening(self, _application: Starlette) -> AsyncIterator[None]:
        """Obeys the input while the road is open."""
        orders = asyncio.create_task(self._obey())
        yield
        orders.cancel()
        await self._http.aclose()

    async def _obey(self) -> None:
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            self.shuffles = line.strip() == "shuffle"
            print(0, flush=True)


def main() -> None:
    """Serves until it is ended."""
    road = Road(int(sys.argv[1]), int(sys.argv[2]))
    methods = ["GET", "POST", "PUT", "DELETE"]
    application = Starlette(
        routes=[Route("/{path:path}", road.travel, methods=methods)], lifespan=road.listening
    )
    config = uvicorn.Config(application, log_config=None, host="127.0.0.1", port=0)
    sock = config.bind_socket()
    sock.listen(BACKLOG)
    print(sock.getsockname()[1], flush=True)
    uvicorn.Server(config).run([sock])


if __name__ == "__main__":
    main()
