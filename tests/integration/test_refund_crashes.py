"""A gateway or worker is killed at each fail point of refunds: each is given once and booked once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_schema import orders
from livecommerce.gateway.sandbox.refunds import RefundFault
from tests.aftersales import BackOffice, open_books, two_lines, units
from tests.fail_points import fail_points


@pytest.mark.parametrize("point", fail_points("receipt", "refund", "refunds"))
async def test_a_refund_is_given_and_booked_once_wherever_a_process_is_killed(
    point: str, sql: AsyncEngine, tmp_path: Path
) -> None:
    office = BackOffice(sql, tmp_path / "sandbox.sqlite")
    await office.seed()
    refunded, canceled, returned = await office.sold(), await office.sold(), await office.sold(*two_lines())
    unheard = await office.sold()
    for order in (returned, unheard):
        await office.ship(order)
    back = await office.ask_back(returned, units(1, 2))
    await office.take_back(returned, back)
    payment = (await office.record(refunded)).order.charge.attempt
    await office.world.refund_misbehaves(payment, RefundFault.LOST)
    async with sql.begin() as connection:
        await connection.execute(update(orders).where(orders.c.order == unheard).values(receipt_due_ms=1))

    async def work(**environ: str) -> int:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.integration.merchant"),
            *(f"sqlite:{tmp_path / 'livecommerce.sqlite'}", str(tmp_path / "sandbox.sqlite")),
            *(f"sqlite:{tmp_path / 'ledger.sqlite'}", refunded, canceled, returned, back.return_id),
            env={**os.environ, **environ},
        )
        return await process.wait()

    assert await work(FAIL_POINT=point, FAIL_POINT_MARK=str(tmp_path / "mark")) == -signal.SIGKILL
    assert await work() == 0

    assert sorted(await office.given_back()) == [1_000, 5_333, 8_500]
    assert await office.axes(refunded) == ("confirmed", "partially_refunded", "unfulfilled")
    assert await office.axes(canceled) == ("canceled", "refunded", "unfulfilled")
    assert await office.axes(returned) == ("confirmed", "partially_refunded", "shipped")
    assert await office.axes(unheard) == ("confirmed", "full", "received")
    assert (await office.record(returned)).returns[0].state == "refunded"
    assert await office.on_hand() == [2, 0, 0]
    books = await open_books(tmp_path)
    booked = Counter([(entry.order, entry.kind) async for entry in books.scan()])
    assert {pair: count for pair, count in booked.items() if pair[1] == "refund"} == {
        (order, "refund"): 1 for order in (refunded, canceled, returned)
    }
    assert sum(one.debit_minor - one.credit_minor for one in await books.trial_balance()) == 0
    await books.aclose()
    await office.close()
