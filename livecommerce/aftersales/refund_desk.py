"""Refunds of confirmed orders at the payment provider: asked for with one id, looked up, heard of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.clock import Clock
from livecommerce.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from livecommerce.fail_points import reach
from livecommerce.payment import PaymentProvider, RefundStanding


class OutgoingRefund(Struct, frozen=True, kw_only=True):
    """A refund as the provider has to know it."""

    refund: str
    payment: str
    """Our id of the payment that was captured."""
    state: str
    amount_minor: int
    currency: str
    reason: str


class RefundBook(Protocol):
    """Our record of refunds; each call is one transaction and may be repeated.

    Raises:
        Unavailable: from each call; nothing is certain.
    """

    async def due(self, provider: str, count: int, now_ms: int) -> Sequence[OutgoingRefund]:
        """Refunds to ask a provider for, or about, now; each leased, so that it comes again until it ends."""
        ...

    async def find(self, refund: str) -> OutgoingRefund | None:
        """The refund, or ``None``."""
        ...

    async def sent(self, refund: str, provider_refund: str, now_ms: int) -> None:
        """The provider has taken it on."""
        ...

    async def done(self, refund: str, provider_refund: str, now_ms: int) -> None:
        """The money has gone back."""
        ...

    async def failed(self, refund: str, error: str, now_ms: int) -> None:
        """The provider will not give it."""
        ...


class RefundDesk:
    """Brings our record and the provider's together.

    A refund is asked for until the provider has answered, under the same id each time, so that it gives the
    money once. From then on it is looked up; its callback may come first, late, twice or never.
    """

    def __init__(self, book: RefundBook, provider: PaymentProvider, clock: Clock) -> None:
        self._book = book
        self._provider = provider
        self._clock = clock

    async def due(self, count: int) -> Sequence[OutgoingRefund]:
        """What has to be done now."""
        return await self._book.due(self._provider.name, count, self._clock())

    async def pursue(self, due: OutgoingRefund) -> None:
        """Asks for a refund, or how it stands, and takes in the answer.

        Raises:
            Unavailable: the provider did not answer, or its answer is about something else.
        """
        standing = await self._look_up(due) if due.state == "sent" else None
        if standing is None or standing.state == "not_found":
            standing = await self._ask_for(due)
        reach("refunds.after_answer")
        if standing is None:
            return
        if not _is_about(standing, due) or standing.merchant != self._provider.merchant:
            raise Unavailable("payment_unavailable")
        await self._learn(standing)

    async def hear_refund(self, standing: RefundStanding) -> None:
        """Takes in a callback; hearing it again changes nothing.

        Raises:
            NotFound: the refund is not ours.
            Forbidden: it is about another merchant's money.
            Invalid: it speaks of another amount or payment.
        """
        known = await self._book.find(standing.refund)
        if known is None:
            raise NotFound("refund_not_found")
        if standing.merchant != self._provider.merchant:
            raise Forbidden("wrong_merchant")
        if not _is_about(standing, known):
            raise Invalid("wrong_amount")
        await self._learn(standing)

    async def _look_up(self, due: OutgoingRefund) -> RefundStanding:
        return await self._provider.query_refund(due.payment, due.refund)

    async def _ask_for(self, due: OutgoingRefund) -> RefundStanding | None:
        """``None`` where the provider refuses it for good."""
        try:
            return await self._provider.refund(
                due.payment, due.refund, due.amount_minor, due.currency, due.reason
            )
        except Conflict as refusal:
            await self._book.failed(due.refund, str(refusal.params.get("reason", "")), self._clock())
            return None

    async def _learn(self, standing: RefundStanding) -> None:
        now_ms = self._clock()
        if standing.state == "done":
            await self._book.done(standing.refund, standing.provider_refund, now_ms)
        elif standing.state == "failed":
            await self._book.failed(standing.refund, standing.error, now_ms)
        elif standing.state == "pending":
            await self._book.sent(standing.refund, standing.provider_refund, now_ms)


def _is_about(standing: RefundStanding, refund: OutgoingRefund) -> bool:
    return (standing.refund, standing.payment, standing.amount_minor, standing.currency) == (
        refund.refund,
        refund.payment,
        refund.amount_minor,
        refund.currency,
    )
