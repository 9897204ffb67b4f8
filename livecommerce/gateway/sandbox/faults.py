"""How the sandbox can misbehave on demand, and the delivery of its callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum

import httpx
import msgspec

from livecommerce.clock import Clock
from livecommerce.gateway.sandbox.account import Account, Payment
from livecommerce.gateway.sandbox.refunds import Refunded, RefundFault
from livecommerce.ids import new_id
from livecommerce.signatures import sign


class Fault(StrEnum):
    """What can go wrong between a provider and a merchant."""

    NONE = ""
    LATE = "late"
    """The callback comes after a while."""
    DUPLICATE = "duplicate"
    """The callback comes twice."""
    LOST = "lost"
    """No callback comes."""
    GARBLED = "garbled"
    """The callback comes with a wrong signature, and correctly later."""
    OVERDUE = "overdue"
    """The money is captured only after the deadline, closed or not."""


LATE_SECONDS = 15.0
RETRY_SECONDS = (1.0, 4.0, 16.0, 64.0)
"""Pauses before a callback that was not accepted is sent again."""


def standing(account: Account) -> dict[str, str | int]:
    """What the provider says about a payment."""
    payment = account.payment
    return {
        "payment": payment.payment,
        "state": account.state,
        "merchant": payment.merchant,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "transaction": account.transaction,
        "captured_ms": account.captured_ms,
    }


def refund_standing(refunded: Refunded, payment: Payment) -> dict[str, str | int]:
    """What the provider says about a refund."""
    return {
        "refund": refunded.refund.refund,
        "payment": payment.payment,
        "state": refunded.state,
        "merchant": payment.merchant,
        "amount_minor": refunded.refund.amount_minor,
        "currency": refunded.refund.currency,
        "provider_refund": refunded.provider_refund,
        "error": "account_closed" if refunded.state == "failed" else "",
    }


class Courier:
    """Delivers signed callbacks; gives up after the last retry, as the merchant can always ask."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        key: bytes,
        clock: Clock,
        *,
        late_seconds: float = LATE_SECONDS,
        retry_seconds: Sequence[float] = RETRY_SECONDS,
    ) -> None:
        self._http = http
        self._key = key
        self._clock = clock
        self.late_seconds = late_seconds
        self._retry_seconds = retry_seconds

    async def deliver(self, account: Account) -> None:
        """Sends a payment's callback, with the fault that was chosen for it."""
        message, fault = new_id(), Fault(account.fault)
        if fault is Fault.LOST:
            return
        if fault is Fault.LATE:
            await asyncio.sleep(self.late_seconds)
        url, content = account.payment.notify_url, standing(account)
        if fault is Fault.GARBLED:
            await self._send(url, content, message, bytes(32))
        await self._send_until_accepted(url, content, message)
        if fault is Fault.DUPLICATE:
            await self._send_until_accepted(url, content, message)

    async def deliver_refund(self, refunded: Refunded, payment: Payment, fault: RefundFault) -> None:
        """Sends a refund's callback, with the fault that was chosen for it."""
        message, content = new_id(), refund_standing(refunded, payment)
        for _ in range(2 if fault is RefundFault.DUPLICATE else 1):
            await self._send_until_accepted(payment.notify_url, content, message)

    async def _send_until_accepted(self, url: str, content: dict[str, str | int], message: str) -> None:
        for pause in self._retry_seconds:
            if await self._send(url, content, message, self._key):
                return
            await asyncio.sleep(pause)

    async def _send(self, url: str, content: dict[str, str | int], message: str, key: bytes) -> bool:
        body = msgspec.json.encode(content)
        headers = sign(key, message, self._clock(), body) | {"content-type": "application/json"}
        try:
            response = await self._http.post(url, content=body, headers=headers)
        except httpx.TransportError:
            return False
        return response.is_success
