"""A shop with a cashier at the sandbox and the workers that watch deadlines and payments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from livecommerce.adapters.redis_connection import Connection, tag
from livecommerce.checkout import Held
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.ids import OrderId, PersonId, RoomId
from livecommerce.payment import Cashier, PaymentProvider
from livecommerce.worker.expiry import Expiry
from livecommerce.worker.payments import PaymentWatch
from tests.sandbox import SandboxWorld
from tests.selling import CURRENCY, SHARD, Shop


class Till(Shop):
    """Everything from the buyer's tap to the money, on a real server."""

    def __init__(self, redis: Connection, path: Path, room: RoomId | None = None) -> None:
        super().__init__(redis, room)
        self.world = SandboxWorld(path, hear=lambda headers, body: self.cashier.hear(headers, body))
        self.cashier = Cashier(self.payments, self.world.provider, self.world.clock)
        self.expiry = Expiry(self.orders, self.coupons, self.cashier, [SHARD])
        self.watch = PaymentWatch(self.payments, self.cashier, [SHARD])

    def cashier_at(self, provider: PaymentProvider) -> Cashier:
        """A cashier at another provider."""
        return Cashier(self.payments, provider, self.world.clock)

    async def pay_page(self, held: Held, buyer: str, cashier: Cashier | None = None) -> str:
        """Asks for the provider's page; answers the payment's id."""
        url = await (cashier or self.cashier).pay(
            OrderId(held.order.order), PersonId(buyer), CURRENCY, "Umbrella", "http://merchant.test/orders/1"
        )
        return url.rsplit("/", 1)[1]

    async def pay(self, held: Held, buyer: str, fault: Fault = Fault.NONE) -> str:
        """Pays at the provider; answers the payment's id."""
        payment = await self.pay_page(held, buyer)
        await self.world.pay(payment, fault)
        return payment

    async def time_runs_out(self, order: str) -> None:
        """The order's deadline passes, here and at the provider."""
        await self.overdue(order)
        self.world.clock.ahead_ms = 240_000

    async def lease_runs_out(self) -> None:
        """Everything that a worker leased is due again."""
        await self._all_due("polls")
        await self._all_due("refunds")
        for order in await self._members("expiry"):
            if await self.state_of(order) == "closing":
                await self.redis.zadd(f"{tag(SHARD)}:expiry", {order: 0})

    async def polls_are_due(self) -> None:
        """Every open payment should be asked about now."""
        await self._all_due("polls")

    async def _all_due(self, schedule: str) -> None:
        for member in await self._members(schedule):
            await self.redis.zadd(f"{tag(SHARD)}:{schedule}", {member: 0})

    async def _members(self, schedule: str) -> list[str]:
        members: Any = await self.redis.zrange(f"{tag(SHARD)}:{schedule}", 0, -1)
        return [member.decode() for member in members]

    async def work(self) -> None:
        """Lets the workers do everything that is due."""
        while await self.expiry.step() + await self.watch.step():
            pass

    async def outcome(self, payment: str) -> str:
        """What became of a payment."""
        found = await self.payments.find(payment)
        return found.state if found else "unknown"

    async def money(self) -> list[str]:
        """The kinds of what the provider booked, in order."""
        bill = await self.world.bill()
        return [str(entry["kind"]) for entry in bill]

    async def close(self) -> None:
        """Ends the provider."""
        await self.world.close()
