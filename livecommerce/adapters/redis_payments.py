"""The record of payments in Redis, beside the orders they pay."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_functions import ask, call
from livecommerce.ids import OrderId, PaymentId, PersonId, Shard, new_id, shard_of
from livecommerce.orders import Capture, GivenBack
from livecommerce.payment import Begun, DueRefund, Payment, Standing


class RedisPayments:
    """Our record of payments; every method is one function call."""

    def __init__(self, redis: Connection) -> None:
        self._redis = redis

    async def begin(self, order: OrderId, buyer: PersonId, provider: str, currency: str) -> Begun:
        """Begins a payment of a held order, or answers the one under way."""
        fresh = new_id(shard_of(order))
        answer = await ask(self._redis, "pay_v1", order, buyer, fresh, provider, currency)
        payment, amount_minor, deadline_ms, pay_url, _ = answer
        return Begun(
            payment=PaymentId(payment.decode()),
            amount_minor=amount_minor,
            deadline_ms=deadline_ms,
            pay_url=msgspec.json.decode(pay_url, type=str),
        )

    async def keep_url(self, order: OrderId, payment: str, pay_url: str) -> None:
        """Keeps the address where a payment can be made, and shows it to the buyer."""
        await ask(self._redis, "pay_url_v1", order, payment, msgspec.json.encode(pay_url))

    async def find(self, payment: str) -> Payment | None:
        """The payment, or ``None``."""
        answer = await call(self._redis, shard_of(payment), "payment_read_v1", payment)
        if not answer:
            return None
        order, state, amount_minor, currency, deadline_ms, reason = answer
        return Payment(
            payment=payment,
            order=order.decode(),
            state=state.decode(),
            amount_minor=amount_minor,
            currency=currency.decode(),
            deadline_ms=deadline_ms,
            reason=reason.decode(),
        )

    async def given_back(self, order: OrderId) -> GivenBack | None:
        """What becomes of money that came to nothing for this order, as long as the order is here."""
        answer = await call(self._redis, shard_of(order), "order_given_back_v1", order)
        if not answer:
            return None
        state, reason = answer
        return GivenBack(reason=reason.decode(), done=state == b"refunded")

    async def captured(self, standing: Standing, provider: str) -> str:
        """Decides once what a capture becomes: applied, or refund_due (then refunded)."""
        capture = Capture(
            provider=provider,
            payment=standing.transaction,
            captured_minor=standing.amount_minor,
            captured_ms=standing.captured_ms,
            attempt=standing.payment,
        )
        outcome, _ = await ask(
            self._redis,
            "payment_captured_v1",
            standing.payment,
            standing.amount_minor,
            standing.currency,
            standing.transaction,
            msgspec.json.encode(capture),
        )
        return str(outcome.decode())

    async def failed(self, payment: str) -> None:
        """No capture will come; the order is held again until it runs out."""
        await ask(self._redis, "payment_failed_v1", payment)

    async def closed(self, payment: str) -> None:
        """The provider has closed it."""
        await call(self._redis, shard_of(payment), "payment_closed_v1", payment)

    async def due(self, shard: Shard, count: int) -> Sequence[str]:
        """Payments that the provider should be asked about now, leased to the caller."""
        return [payment.decode() for payment in await call(self._redis, shard, "payments_due_v1", count)]

    async def due_refunds(self, shard: Shard, count: int) -> Sequence[DueRefund]:
        """Captures that must go back, leased to the caller."""
        return [
            DueRefund(
                payment=payment.decode(),
                transaction=transaction.decode(),
                amount_minor=amount_minor,
                currency=currency.decode(),
                reason=reason.decode(),
            )
            for payment, transaction, amount_minor, currency, reason in await call(
                self._redis, shard, "refunds_due_v1", count
            )
        ]

    async def refunded(self, payment: str, provider_refund: str) -> None:
        """The money has gone back.

        Raises:
            NotFound: there is no such payment.
        """
        await ask(self._redis, "payment_refunded_v1", payment, provider_refund)
