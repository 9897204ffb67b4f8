"""The sandbox's API for merchants, and the page where buyers pay."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from livecommerce.clock import Clock
from livecommerce.errors import Conflict, Forbidden, Invalid
from livecommerce.gateway.background import Background
from livecommerce.gateway.http.json import answer, query_number, read
from livecommerce.gateway.sandbox.account import Account, Book, Payment
from livecommerce.gateway.sandbox.faults import Courier, Fault, refund_standing, standing
from livecommerce.gateway.sandbox.page import render
from livecommerce.gateway.sandbox.refunds import Refund, Refunded, RefundFault
from livecommerce.ids import new_id

MAX_FORM_BYTES = 4096
OVERDUE_SECONDS = 15.0
"""How long after its deadline an overdue payment is captured."""


class Simulation(Struct):
    """How a buyer's payment shall misbehave."""

    fault: Fault = Fault.NONE


class RefundSimulation(Struct):
    """How a payment's next refund shall misbehave."""

    fault: RefundFault = RefundFault.NONE


class SlowCreation(Struct):
    """How long the next request for a payment shall take."""

    milliseconds: int


Handler = Callable[[Request], Awaitable[Response]]


class Sandbox:
    """The provider; the caller closes ``background``, and the HTTP client behind the courier."""

    def __init__(
        self,
        book: Book,
        courier: Courier,
        background: Background,
        clock: Clock,
        key: bytes,
        url: str,
        *,
        overdue_seconds: float = OVERDUE_SECONDS,
    ) -> None:
        self._book = book
        self._courier = courier
        self._background = background
        self._clock = clock
        self._authorization = f"Bearer {key.hex()}".encode()
        self._url = url.rstrip("/")
        self._overdue_seconds = overdue_seconds

    def mount(self, path: str = "/sandbox") -> Mount:
        """Everything under one path."""
        payment = "/api/payments/{payment}"
        merchant: list[tuple[str, str, Handler]] = [
            ("POST", "/api/payments", self._create),
            ("GET", payment, self._query),
            ("POST", f"{payment}/close", self._close),
            ("POST", f"{payment}/refunds", self._refund),
            ("GET", f"{payment}/refunds/{{refund}}", self._query_refund),
            ("POST", f"{payment}/refund-faults", self._arm_refund),
            ("GET", "/api/bill", self._bill),
            ("POST", "/api/slow-creations", self._slow_down),
        ]
        buyer: list[tuple[str, str, Handler]] = [
            ("POST", f"{payment}/capture", self._pay_by_api),
            ("GET", "/pay/{payment}", self._show),
            ("POST", "/pay/{payment}", self._submit),
        ]
        return Mount(
            path,
            routes=[
                *(
                    Route(route, self._for_merchant(handler), methods=[method])
                    for method, route, handler in merchant
                ),
                *(Route(route, handler, methods=[method]) for method, route, handler in buyer),
            ],
        )

    # ------------------------------------------------------------ merchants

    def _for_merchant(self, handler: Handler) -> Handler:
        async def check(request: Request) -> Response:
            given = request.headers.get("authorization", "").encode()
            if not hmac.compare_digest(given, self._authorization):
                raise Forbidden("bad_key")
            return await handler(request)

        return check

    async def _create(self, request: Request) -> Response:
        payment = await read(request, Payment)
        await asyncio.sleep(await asyncio.to_thread(self._book.disarm_creation) / 1000)
        await asyncio.to_thread(self._book.create, payment, self._clock())
        return answer({"payment": payment.payment, "pay_url": f"{self._url}/pay/{payment.payment}"})

    async def _query(self, request: Request) -> Response:
        return answer(standing(await self._find(request)))

    async def _close(self, request: Request) -> Response:
        payment = request.path_params["payment"]
        return answer(standing(await asyncio.to_thread(self._book.close, payment, self._clock())))

    async def _refund(self, request: Request) -> Response:
        payment, refund = request.path_params["payment"], await read(request, Refund)
        slow_ms = int(self._courier.late_seconds * 1000)
        refunded, fault = await asyncio.to_thread(
            self._book.refund, payment, refund, new_id(), self._clock(), slow_ms
        )
        account = await self._find(request)
        if fault is not None:
            self._background.spawn(self._tell_refund(refunded, account.payment, fault))
        return answer(refund_standing(refunded, account.payment))

    async def _tell_refund(self, refunded: Refunded, payment: Payment, fault: RefundFault) -> None:
        if refunded.state == "pending":
            await asyncio.sleep(self._courier.late_seconds)
            refunded = await asyncio.to_thread(
                self._book.find_refund, payment.payment, refunded.refund.refund, self._clock()
            )
        if fault is not RefundFault.LOST:
            await self._courier.deliver_refund(refunded, payment, fault)

    async def _query_refund(self, request: Request) -> Response:
        account, refund = await self._find(request), request.path_params["refund"]
        refunded = await asyncio.to_thread(
            self._book.find_refund, account.payment.payment, refund, self._clock()
        )
        return answer(refund_standing(refunded, account.payment))

    async def _arm_refund(self, request: Request) -> Response:
        fault = (await read(request, RefundSimulation)).fault.value
        await asyncio.to_thread(self._book.arm_refund, request.path_params["payment"], fault)
        return Response(status_code=204)

    async def _bill(self, request: Request) -> Response:
        from_ms = query_number(request, "from_ms", 0)
        to_ms = query_number(request, "to_ms", self._clock())
        return answer({"entries": await asyncio.to_thread(self._book.bill, from_ms, to_ms)})

    async def _slow_down(self, request: Request) -> Response:
        await asyncio.to_thread(self._book.arm_creation, (await read(request, SlowCreation)).milliseconds)
        return Response(status_code=204)

    # ------------------------------------------------------------ buyers

    async def _show(self, request: Request) -> Response:
        return render(request, await self._find(request), self._clock())

    async def _submit(self, request: Request) -> Response:
        form = parse_qs((await _small_body(request)).decode("utf-8", "replace"))
        payment = request.path_params["payment"]
        fault = _fault(form.get("fault", [""])[0])
        act = self._decline if form.get("action") == ["decline"] else self._pay
        try:
            account = await act(payment, fault)
        except Conflict:  # closed meanwhile: the page tells so
            return RedirectResponse(f"{self._url}/pay/{payment}", status_code=303)
        return RedirectResponse(account.payment.return_url, status_code=303)

    async def _pay_by_api(self, request: Request) -> Response:
        simulation = await read(request, Simulation)
        return answer(standing(await self._pay(request.path_params["payment"], simulation.fault)))

    async def _pay(self, payment: str, fault: Fault) -> Account:
        if fault is Fault.OVERDUE:
            account = await asyncio.to_thread(self._book.arm, payment, fault.value, self._clock())
            self._background.spawn(self._capture_overdue(account))
            return account
        transaction = new_id()
        account = await asyncio.to_thread(
            self._book.capture, payment, transaction, self._clock(), fault.value
        )
        if account.transaction == transaction:
            self._background.spawn(self._courier.deliver(account))
        return account

    async def _decline(self, payment: str, fault: Fault) -> Account:
        await asyncio.to_thread(self._book.arm, payment, fault.value, self._clock())
        account = await asyncio.to_thread(self._book.decline, payment, self._clock())
        if account.state == "failed":
            self._background.spawn(self._courier.deliver(account))
        return account

    async def _capture_overdue(self, account: Account) -> None:
        wait_ms = max(0, account.payment.deadline_ms - self._clock())
        await asyncio.sleep(wait_ms / 1000 + self._overdue_seconds)
        captured = await asyncio.to_thread(
            lambda: self._book.capture(account.payment.payment, new_id(), self._clock(), even_closed=True)
        )
        await self._courier.deliver(captured)

    async def _find(self, request: Request) -> Account:
        return await asyncio.to_thread(self._book.find, request.path_params["payment"], self._clock())


def _fault(text: str) -> Fault:
    try:
        return Fault(text)
    except ValueError as error:
        raise Invalid("bad_request", reason="unknown fault") from error


async def _small_body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise Invalid("request_too_large", max=MAX_FORM_BYTES)
    return bytes(body)
