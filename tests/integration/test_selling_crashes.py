"""A gateway or worker is killed at each of its fail points: nothing is lost and nothing happens twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from livecommerce.adapters.redis_connection import Connection
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.ids import OrderId, PersonId
from tests.fail_points import fail_points
from tests.servers import ValkeyServer
from tests.till import Till


@pytest.fixture
async def till(redis: Connection, tmp_path: Path) -> AsyncIterator[Till]:
    till = Till(redis, tmp_path / "sandbox.sqlite")
    await till.open_room()
    yield till
    await till.close()


class Evening:
    """Four buyers, one in each trouble."""

    def __init__(self, till: Till, valkey: ValkeyServer, path: Path) -> None:
        self.till = till
        self.valkey = valkey
        self.path = path

    async def begin(self) -> None:
        till = self.till
        self.sale = await till.open_sale(4)
        self.undecided = await till.buy(self.sale, "undecided")
        self.unheard = await till.buy(self.sale, "unheard")
        await till.pay(self.unheard, "unheard", Fault.LOST)
        self.too_late = await till.buy(self.sale, "too-late")
        self.late_payment = await till.pay_page(self.too_late, "too-late")
        await till.orders.cancel(OrderId(self.too_late.order.order), PersonId("too-late"))
        await till.work()
        self.lucky = await till.buy(self.sale, "lucky")
        self.absent = await till.buy(self.sale, "absent")
        await till.pay_page(self.absent, "absent")
        await till.overdue(self.absent.order.order)
        await self._pay_too_late()

    async def _pay_too_late(self) -> None:
        """The provider captures a payment that was closed; its unit was sold to somebody else."""
        self.till.world.clock.ahead_ms = 240_000
        await self.till.world.pay(self.late_payment, Fault.OVERDUE)
        await self.till.world.callbacks.get()
        self.till.world.clock.ahead_ms = 0

    async def work_in_a_process(self, **environ: str) -> int:
        """Lets another process pay and work; answers how it ended."""
        await self.till.lease_runs_out()
        order = self.undecided.order.order
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.seller", self.valkey.url),
            *(str(self.path), self.till.room, order, "undecided"),
            env={**os.environ, **environ},
        )
        return await process.wait()


@pytest.mark.parametrize("point", fail_points("expiry", "payment", "payments"))
async def test_a_process_killed_at_a_fail_point_leaves_nothing_undone_or_done_twice(
    point: str, till: Till, valkey: ValkeyServer, tmp_path: Path
) -> None:
    evening = Evening(till, valkey, tmp_path / "sandbox.sqlite")
    await evening.begin()
    killed = await evening.work_in_a_process(FAIL_POINT=point, FAIL_POINT_MARK=str(tmp_path / "mark"))
    assert killed == -signal.SIGKILL
    assert await evening.work_in_a_process() == 0
    states = {
        name: await till.state_of(held.order.order)
        for name, held in (
            ("undecided", evening.undecided),
            ("unheard", evening.unheard),
            ("too late", evening.too_late),
            ("lucky", evening.lucky),
            ("absent", evening.absent),
        )
    }
    assert states == {
        "undecided": "paying",
        "unheard": "sold",
        "too late": "released",
        "lucky": "held",
        "absent": "expired",
    }
    assert await till.outcome(evening.late_payment) == "refunded"
    assert Counter(await till.money()) == {"capture": 2, "refund": 1}
    assert len(await till.told("order.confirmed")) == 1
    assert len(await till.told("payment.refunded")) == 1
    await till.assert_lawful(evening.sale)
