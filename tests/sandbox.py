"""The sandbox provider inside the test's process, and a merchant that its callbacks reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livecommerce.adapters.payment_sandbox import SandboxProvider
from livecommerce.clock import now_ms
from livecommerce.errors import DomainError
from livecommerce.gateway.background import Background
from livecommerce.gateway.http.application import application
from livecommerce.gateway.sandbox.account import Book
from livecommerce.gateway.sandbox.faults import Courier, Fault
from livecommerce.gateway.sandbox.refunds import RefundFault
from livecommerce.gateway.sandbox.routes import Sandbox
from livecommerce.payment import RefundStanding, Standing
from livecommerce.signatures import derive_key

SECRET = "a secret of at least thirty-two characters"
URL = "http://sandbox.test/sandbox"
Hear = Callable[[dict[str, str], bytes], Awaitable[None]]


@asynccontextmanager
async def _nothing(_app: Starlette) -> AsyncIterator[None]:
    yield


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead_ms


class Errands(Background):
    """Background work that can be waited for."""

    async def done(self) -> None:
        """Waits until nothing is under way."""
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))


class SandboxWorld:
    """A provider, our client of it, and the callbacks that arrive."""

    def __init__(self, path: Path, hear: Hear | None = None) -> None:
        self.clock = Clock()
        self.callbacks: asyncio.Queue[Standing] = asyncio.Queue()
        self.refund_callbacks: asyncio.Queue[RefundStanding] = asyncio.Queue()
        self.refused: list[str] = []
        self._hear = hear
        key = derive_key(SECRET, "sandbox")
        self.background = Errands()
        merchant = Starlette(routes=[Route("/callback", self._receive, methods=["POST"])])
        self._merchant_http = httpx.AsyncClient(transport=httpx.ASGITransport(merchant))
        courier = Courier(self._merchant_http, key, self.clock, late_seconds=0, retry_seconds=(0, 0))
        self._book = Book(path)
        sandbox = Sandbox(self._book, courier, self.background, self.clock, key, URL, overdue_seconds=0)
        app = application([sandbox.mount()], _nothing, "")
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app))
        self.provider = SandboxProvider(self.http, URL, "http://merchant.test/callback", SECRET)

    async def _receive(self, request: Request) -> Response:
        body, headers = await request.body(), dict(request.headers)
        try:
            standing = self.provider.parse_callback(headers, body, self.clock())
            if self._hear is not None:
                await self._hear(headers, body)
        except DomainError as error:
            self.refused.append(error.code)
            return Response(status_code=403)
        if isinstance(standing, RefundStanding):
            self.refund_callbacks.put_nowait(standing)
        else:
            self.callbacks.put_nowait(standing)
        return Response(status_code=204)

    async def pay(self, payment: str, fault: Fault = Fault.NONE) -> None:
        """A buyer pays on the provider's page."""
        await self._submit(payment, "pay", fault)

    async def decline(self, payment: str) -> None:
        """A buyer declines on the provider's page."""
        await self._submit(payment, "decline", Fault.NONE)

    async def refund_misbehaves(self, payment: str, fault: RefundFault) -> None:
        """Chooses what the next refund of a payment will do."""
        url = f"{URL}/api/payments/{payment}/refund-faults"
        headers = {"authorization": f"Bearer {derive_key(SECRET, 'sandbox').hex()}"}
        response = await self.http.post(url, json={"fault": fault.value}, headers=headers)
        assert response.status_code == 204, response.text

    async def _submit(self, payment: str, action: str, fault: Fault) -> None:
        form = {"action": action, "fault": fault.value}
        response = await self.http.post(f"{URL}/pay/{payment}", data=form)
        assert response.status_code == 303, response.text

    async def bill(self) -> list[dict[str, str | int]]:
        """Every capture and refund, also those of a clock that was ahead."""
        headers = {"authorization": f"Bearer {derive_key(SECRET, 'sandbox').hex()}"}
        span = {"to_ms": self.clock() + 86_400_000}
        response = await self.http.get(f"{URL}/api/bill", headers=headers, params=span)
        entries: list[dict[str, str | int]] = response.json()["entries"]
        return entries

    async def close(self) -> None:
        """Ends what is still running."""
        await self.background.close()
        await self.http.aclose()
        await self._merchant_http.aclose()
        self._book.dispose()
