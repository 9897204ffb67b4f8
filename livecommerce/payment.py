"""Payments: the port to a payment provider, and which of its words are to be believed.

A payment is one attempt to pay an order, known to the provider by its id. Every call may be repeated
with the same id. A time-out or a broken connection means "unknown": ask again, never assume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.clock import Clock
from livecommerce.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable
from livecommerce.fail_points import reach
from livecommerce.ids import OrderId, PaymentId, PersonId, Shard

UNKNOWN_GRACE_MS = 10_000
"""A provider's "not found" is final only this long after the payment's deadline: until then a request
that ran into a time-out may still land."""


class PaymentRequest(Struct, frozen=True, kw_only=True):
    """What a provider is asked to collect."""

    payment: PaymentId
    order: OrderId
    amount_minor: int
    currency: str
    description: str
    deadline_ms: int
    """The provider refuses to capture later than this."""
    return_url: str
    """Where the buyer's browser goes afterwards."""
    payer: str = ""
    """The buyer's id at the provider, where a provider's own app needs it, such as WeChat's openid."""


class Standing(Struct, frozen=True, kw_only=True):
    """What a provider says about a payment, signed or asked for."""

    payment: str
    state: str
    """pending, captured, failed, closed, not_found."""
    merchant: str = ""
    amount_minor: int = 0
    currency: str = ""
    transaction: str = ""
    """The provider's id of the capture."""
    captured_ms: int = 0


class RefundStanding(Struct, frozen=True, kw_only=True):
    """What a provider says about a refund, signed or asked for."""

    refund: str
    payment: str
    state: str
    """pending, done, failed, not_found."""
    merchant: str = ""
    amount_minor: int = 0
    currency: str = ""
    provider_refund: str = ""
    error: str = ""
    """Why it failed, in the provider's word."""


class Payment(Struct, frozen=True, kw_only=True):
    """A payment as we have it."""

    payment: str
    order: str
    state: str
    """created, applied, failed, closed, refund_due, refunded."""
    amount_minor: int
    currency: str
    deadline_ms: int
    reason: str = ""
    """Why its capture goes back: too_late, paid_twice, wrong_amount, order_gone."""


class Begun(Struct, frozen=True, kw_only=True):
    """A payment under way."""

    payment: PaymentId
    amount_minor: int
    deadline_ms: int
    pay_url: str
    """Empty until the provider has answered."""


class DueRefund(Struct, frozen=True, kw_only=True):
    """A capture that must go back in full."""

    payment: str
    transaction: str
    amount_minor: int
    currency: str
    reason: str

    @property
    def refund(self) -> str:
        """The refund's id: one per payment, so that repeating it gives nothing twice."""
        return refund_of_capture(self.payment)


def refund_of_capture(payment: str) -> str:
    """The id of the refund that gives a whole capture back, as no order came of it."""
    return f"{payment}rf"


class PaymentProvider(Protocol):
    """Somebody who takes and returns buyers' money.

    Raises:
        Unavailable: from each call, if the outcome is unknown; repeat it with the same id.
    """

    name: str
    merchant: str
    """Our account there."""

    async def create(self, request: PaymentRequest) -> str:
        """Asks for a payment; answers the address where the buyer pays. The same id again, the same."""
        ...

    async def query(self, payment: str) -> Standing:
        """How a payment stands."""
        ...

    async def close(self, payment: str) -> Standing:
        """Ends a payment that was not captured; ``captured`` means that it was too late for that."""
        ...

    async def refund(
        self, payment: str, refund: str, amount_minor: int, currency: str, reason: str
    ) -> RefundStanding:
        """Asks to return all or part of a capture; the same id again answers how that refund stands.

        Raises:
            Conflict: ``payment_refused``: nothing was returned under this id, and nothing will be.
        """
        ...

    async def query_refund(self, payment: str, refund: str) -> RefundStanding:
        """How a refund stands."""
        ...

    def parse_callback(
        self, headers: Mapping[str, str], body: bytes, now_ms: int
    ) -> Standing | RefundStanding:
        """A callback's content, after its signature and its age (five minutes) were checked.

        Raises:
            Forbidden: ``bad_signature``: it is not the provider's, or too old.
            Invalid: it does not have the form of a callback.
        """
        ...


class RefundEar(Protocol):
    """Who hears of refunds of confirmed orders."""

    async def hear_refund(self, standing: RefundStanding) -> None:
        """Takes in what the provider says of a refund; hearing it again changes nothing.

        Raises:
            NotFound: the refund is not ours.
        """
        ...


class PaymentBook(Protocol):
    """Our record of payments; each call is atomic, durable when it answers, and safe to repeat."""

    async def begin(self, order: OrderId, buyer: PersonId, provider: str, currency: str) -> Begun:
        """Begins a payment of a held order, or answers the one under way.

        Raises:
            NotFound: no such order of this buyer.
            Conflict: ``already_paid`` or ``order_over``.
        """
        ...

    async def keep_url(self, order: OrderId, payment: str, pay_url: str) -> None:
        """Keeps the address where a payment can be made, and shows it to the buyer."""
        ...

    async def find(self, payment: str) -> Payment | None:
        """The payment, or ``None``."""
        ...

    async def captured(self, standing: Standing, provider: str) -> str:
        """Decides once what a capture becomes: applied, or refund_due (then refunded)."""
        ...

    async def failed(self, payment: str) -> None:
        """No capture will come; the order is held again and may be paid anew until it runs out."""
        ...

    async def closed(self, payment: str) -> None:
        """The provider has closed it."""
        ...

    async def due(self, shard: Shard, count: int) -> Sequence[str]:
        """Payments that the provider should be asked about now, leased to the caller."""
        ...

    async def due_refunds(self, shard: Shard, count: int) -> Sequence[DueRefund]:
        """Captures that must go back, leased to the caller."""
        ...

    async def refunded(self, payment: str, provider_refund: str) -> None:
        """The money has gone back."""
        ...


def check_standing(standing: Standing, payment: Payment, merchant: str) -> None:
    """Refuses a word about another merchant's money, or about another amount than we asked for."""
    if standing.merchant != merchant:
        raise Forbidden("wrong_merchant")
    if (standing.amount_minor, standing.currency) != (payment.amount_minor, payment.currency):
        raise Invalid("wrong_amount")


def check_answer(standing: Standing, payment: str, merchant: str) -> None:
    """Refuses a provider's answer about another payment than the one asked for, or about another's money.

    Raises:
        Unavailable: ``payment_unavailable``: how the payment stands is still unknown.
    """
    foreign = standing.state == "captured" and standing.merchant != merchant
    if foreign or standing.payment != payment:
        raise Unavailable("payment_unavailable")


def is_final(standing: Standing, payment: Payment, now_ms: int) -> bool:
    """Whether a provider's word means that this payment will never be captured."""
    if standing.state == "not_found":
        return now_ms > payment.deadline_ms + UNKNOWN_GRACE_MS
    return standing.state in ("failed", "closed")


class Cashier:
    """Collects the money of orders: brings our record and the provider's together."""

    def __init__(
        self, book: PaymentBook, provider: PaymentProvider, clock: Clock, refunds: RefundEar | None = None
    ) -> None:
        self._book = book
        self._provider = provider
        self._clock = clock
        self._refunds = refunds

    @property
    def provider(self) -> str:
        """The provider's name."""
        return self._provider.name

    async def pay(
        self, order: OrderId, buyer: PersonId, currency: str, description: str, back: str, payer: str = ""
    ) -> str:
        """The address where a buyer pays a held order; ``back`` is where the browser returns to.

        Raises:
            NotFound: no such order of this buyer.
            Conflict: ``already_paid`` or ``order_over``.
            Unavailable: the provider did not answer; asking again continues the same payment.
        """
        begun = await self._book.begin(order, buyer, self._provider.name, currency)
        if begun.pay_url:
            return begun.pay_url
        reach("payment.after_begin")
        pay_url = await self._provider.create(
            PaymentRequest(
                payment=begun.payment,
                order=order,
                amount_minor=begun.amount_minor,
                currency=currency,
                description=description,
                deadline_ms=begun.deadline_ms,
                return_url=back,
                payer=payer,
            )
        )
        reach("payment.after_create")
        await self._book.keep_url(order, begun.payment, pay_url)
        return pay_url

    async def hear(self, headers: Mapping[str, str], body: bytes) -> None:
        """Takes in a provider's callback; hearing it again changes nothing.

        Raises:
            Forbidden: it is not the provider's, too old, or about another merchant's money.
            Invalid: it speaks of another amount than we asked for.
            NotFound: the payment is not ours.
        """
        standing = self._provider.parse_callback(headers, body, self._clock())
        if isinstance(standing, RefundStanding):
            await self._hear_refund(standing)
            return
        payment = await self._find(standing.payment)
        check_standing(standing, payment, self._provider.merchant)
        await self._learn(standing, payment)

    async def ask(self, payment: str) -> str:
        """Asks the provider how a payment stands and takes in the answer; answers our state of it.

        Raises:
            Unavailable: the provider did not answer, or its answer is about something else.
        """
        standing = await self._provider.query(payment)
        check_answer(standing, payment, self._provider.merchant)
        return await self._learn(standing, await self._find(payment))

    async def close(self, payment: str) -> bool:
        """Ends a payment at the provider. True: it will never be captured, or its capture is dealt with.

        False means that it is not certain yet: ask again later.

        Raises:
            Unavailable: the provider did not answer, or its answer is about something else.
        """
        standing = await self._provider.close(payment)
        check_answer(standing, payment, self._provider.merchant)
        ours = await self._find(payment)
        if standing.state == "captured":
            await self._learn(standing, ours)
            return True
        if is_final(standing, ours, self._clock()):
            await self._book.closed(payment)
            return True
        return False

    async def refund(self, due: DueRefund) -> None:
        """Gives a capture back; while the provider has not done it, it stays due and is asked for again.

        Raises:
            Unavailable: the provider did not answer; it may be asked again.
            Conflict: the provider cannot give it back; somebody has to look there.
        """
        standing = await self._provider.refund(
            due.payment, due.refund, due.amount_minor, due.currency, due.reason
        )
        reach("payment.after_refund")
        if standing.state == "failed":
            raise Conflict("payment_refused", reason=standing.error)
        if standing.state == "done":
            await self._book.refunded(due.payment, standing.provider_refund)

    async def _hear_refund(self, standing: RefundStanding) -> None:
        if standing.merchant != self._provider.merchant:
            raise Forbidden("wrong_merchant")
        if standing.refund == refund_of_capture(standing.payment):
            await self._find(standing.payment)
            if standing.state == "done":
                await self._book.refunded(standing.payment, standing.provider_refund)
        elif self._refunds is not None:
            await self._refunds.hear_refund(standing)

    async def _find(self, payment: str) -> Payment:
        found = await self._book.find(payment)
        if found is None:
            raise NotFound("payment_not_found")
        return found

    async def _learn(self, standing: Standing, payment: Payment) -> str:
        if standing.state == "captured":
            return await self._book.captured(standing, self._provider.name)
        if payment.state == "created" and is_final(standing, payment, self._clock()):
            await self._book.failed(payment.payment)
            return "failed"
        return payment.state
