"""How the sandbox can misbehave on demand, and the delivery of its callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum

import httpx
import msgspec

from livecommerce.clock import Clock
from livecommerce.gateway.sandbox.account import Account
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
        self._late_seconds = late_seconds
        self._retry_seconds = retry_seconds

    async def deliver(self, account: Account) -> None:
        """Sends a payment's callback, with the fault that was chosen for it."""
        message, fault = new_id(), Fault(account.fault)
        if fault is Fault.LOST:
            return
        if fault is Fault.LATE:
            await asyncio.sleep(self._late_seconds)
        if fault is Fault.GARBLED:
            await self._send(account, message, bytes(32))
        await self._send_until_accepted(account, message)
        if fault is Fault.DUPLICATE:
            await self._send_until_accepted(account, message)

    async def _send_until_accepted(self, account: Account, message: str) -> None:
        for pause in self._retry_seconds:
            if await self._send(account, message, self._key):
                return
            await asyncio.sleep(pause)

    async def _send(self, account: Account, message: str, key: bytes) -> bool:
        body = msgspec.json.encode(standing(account))
        headers = sign(key, message, self._clock(), body) | {"content-type": "application/json"}
        try:
            response = await self._http.post(account.payment.notify_url, content=body, headers=headers)
        except httpx.TransportError:
            return False
        return response.is_success
