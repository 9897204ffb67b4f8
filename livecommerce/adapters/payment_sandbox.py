"""The sandbox payment provider, spoken to over HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Struct

from livecommerce.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from livecommerce.payment import PaymentRequest, RefundStanding, Standing
from livecommerce.signatures import BadSignature, derive_key, verify

T = TypeVar("T")


class _Created(Struct):
    pay_url: str


class _Notice(Struct):
    refund: str = ""
    """Empty where it is about the payment itself."""


class SandboxProvider:
    """A client of the sandbox; the caller owns and closes the HTTP client.

    The sandbox and we derive one key from the deployment's secret: it authorizes our requests and
    signs its callbacks.
    """

    name = "sandbox"
    merchant = "sandbox-merchant"

    def __init__(self, http: httpx.AsyncClient, url: str, callback_url: str, secret: str) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._callback_url = callback_url
        self._key = derive_key(secret, "sandbox")

    async def aclose(self) -> None:
        """Nothing of its own is open."""

    async def create(self, request: PaymentRequest) -> str:
        """Asks for a payment; answers the address where the buyer pays."""
        body = msgspec.to_builtins(request) | {"merchant": self.merchant, "notify_url": self._callback_url}
        return (await self._send("POST", "/api/payments", body, _Created)).pay_url

    async def query(self, payment: str) -> Standing:
        """How a payment stands."""
        return await self._standing("GET", f"/api/payments/{payment}", payment)

    async def close(self, payment: str) -> Standing:
        """Ends a payment that was not captured; ``captured`` means that it was too late for that."""
        return await self._standing("POST", f"/api/payments/{payment}/close", payment)

    async def refund(
        self, payment: str, refund: str, amount_minor: int, currency: str, reason: str
    ) -> RefundStanding:
        """Asks to return all or part of a capture."""
        body = {"refund": refund, "amount_minor": amount_minor, "currency": currency, "reason": reason}
        return await self._send("POST", f"/api/payments/{payment}/refunds", body, RefundStanding)

    async def query_refund(self, payment: str, refund: str) -> RefundStanding:
        """How a refund stands."""
        try:
            return await self._send("GET", f"/api/payments/{payment}/refunds/{refund}", None, RefundStanding)
        except NotFound:
            return RefundStanding(refund=refund, payment=payment, state="not_found")

    def parse_callback(
        self, headers: Mapping[str, str], body: bytes, now_ms: int
    ) -> Standing | RefundStanding:
        """A callback's content, after its signature and its age were checked."""
        try:
            verify(self._key, headers, body, now_ms)
        except BadSignature as error:
            raise Forbidden("bad_signature") from error
        try:
            if msgspec.json.decode(body, type=_Notice).refund:
                return msgspec.json.decode(body, type=RefundStanding)
            return msgspec.json.decode(body, type=Standing)
        except msgspec.DecodeError as error:
            raise Invalid("bad_request") from error

    async def _standing(self, method: str, path: str, payment: str) -> Standing:
        try:
            return await self._send(method, path, None, Standing)
        except NotFound:
            return Standing(payment=payment, state="not_found")

    async def _send(self, method: str, path: str, body: dict[str, Any] | None, kind: type[T]) -> T:
        headers = {"authorization": f"Bearer {self._key.hex()}"}
        try:
            response = await self._http.request(method, self._url + path, json=body, headers=headers)
            if response.is_success:
                return msgspec.json.decode(response.content, type=kind)
        except (httpx.RequestError, msgspec.DecodeError) as error:  # an answer that is none is "unknown"
            raise Unavailable("payment_unavailable") from error
        code = _error_code(response)
        if code in ("payment_not_found", "refund_not_found"):
            raise NotFound(code)
        if response.status_code == 409 and code:
            raise Conflict("payment_refused", reason=code)
        raise Unavailable("payment_unavailable")


def _error_code(response: httpx.Response) -> str:
    """The provider's own refusal; empty where somebody else answered, such as a proxy on the way."""
    try:
        return str(response.json()["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return ""
