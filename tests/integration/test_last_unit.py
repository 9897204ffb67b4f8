"""Many buyers, several gateway processes, one stock on the real server."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process, create_subprocess_exec
from collections import Counter

import pytest

from livecommerce.adapters.redis_connection import Connection
from tests.selling import Shop
from tests.servers import ValkeyServer

GATEWAYS = ("first", "second")
BUYERS_EACH = 100


async def start_gateway(url: str, sale: str, name: str) -> Process:
    process = await create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.buyers", url, sale, name, str(BUYERS_EACH)),
        stdin=PIPE,
        stdout=PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def answers_of(process: Process) -> list[str]:
    output, _ = await process.communicate(b"go\n")
    answers: list[str] = json.loads(output)
    return answers


@pytest.mark.parametrize("stock", [1, 50])
async def test_the_last_unit_is_sold_once_to_200_buyers_through_two_gateways(
    redis: Connection, valkey: ValkeyServer, stock: int
) -> None:
    shop = Shop(redis)
    await shop.open_room()
    sale = await shop.open_sale(stock)
    gateways = [await start_gateway(valkey.url, sale, name) for name in GATEWAYS]
    answers = [answer for part in await asyncio.gather(*map(answers_of, gateways)) for answer in part]
    refused = Counter(answer for answer in answers if answer == "sold_out")
    orders = set(answers) - {"sold_out"}
    assert refused == {"sold_out": 2 * BUYERS_EACH - stock}
    assert len(orders) == stock
    assert [await shop.state_of(order) for order in orders] == ["held"] * stock
    assert (await shop.events())[-1] == "sold.out"
    await shop.assert_lawful(sale)
