"""What we rely on in every payment provider; and what the sandbox can do besides."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from livecommerce.adapters.payment_sandbox import SandboxProvider
from livecommerce.errors import Conflict, Forbidden, Invalid, Unavailable
from livecommerce.gateway.sandbox.faults import Fault
from livecommerce.gateway.sandbox.refunds import RefundFault
from livecommerce.ids import OrderId, PaymentId, Shard, new_id
from livecommerce.payment import PaymentRequest
from livecommerce.signatures import derive_key, sign
from tests.sandbox import SECRET, URL, SandboxWorld
from tests.servers import free_port
from tests.wechat import WechatWorld

World = SandboxWorld | WechatWorld


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SandboxWorld]:
    world = SandboxWorld(tmp_path / "sandbox.sqlite")
    yield world
    await world.close()


@pytest.fixture(params=["sandbox", "wechat"])
async def any_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    world: World = SandboxWorld(tmp_path / "sandbox.sqlite") if request.param == "sandbox" else WechatWorld()
    yield world
    await world.close()


def request(
    world: World, *, amount_minor: int = 8_500, seconds: int = 60, payer: str = "", currency: str = "CNY"
) -> PaymentRequest:
    return PaymentRequest(
        payment=PaymentId(new_id(Shard("00"))),
        order=OrderId(new_id(Shard("00"))),
        amount_minor=amount_minor,
        currency=currency,
        description="雨伞 <Umbrella>",
        deadline_ms=world.clock() + seconds * 1_000,
        return_url="http://merchant.test/orders/1",
        payer=payer,
    )


async def created(world: World, **changes: Any) -> PaymentRequest:
    asked = request(world, **changes)
    await world.provider.create(asked)
    return asked


async def test_creating_the_same_payment_again_answers_the_same_address(any_world: World) -> None:
    asked = request(any_world)
    assert await any_world.provider.create(asked) == await any_world.provider.create(asked)


async def test_one_id_cannot_name_two_payments(any_world: World) -> None:
    asked = request(any_world)
    await any_world.provider.create(asked)
    other = PaymentRequest(
        **{name: getattr(asked, name) for name in asked.__struct_fields__} | {"amount_minor": 1}
    )
    with pytest.raises(Conflict, match="payment_refused"):
        await any_world.provider.create(other)


async def test_a_payment_is_not_created_after_its_deadline(world: SandboxWorld) -> None:
    with pytest.raises(Conflict, match="payment_refused"):
        await world.provider.create(request(world, seconds=-1))


async def test_a_new_payment_is_pending_and_an_unknown_one_not_found(any_world: World) -> None:
    asked = await created(any_world)
    assert (await any_world.provider.query(asked.payment)).state == "pending"
    assert (await any_world.provider.query("00nothing")).state == "not_found"


async def test_a_paid_payment_is_captured_and_told(any_world: World) -> None:
    asked = await created(any_world)
    await any_world.pay(asked.payment)
    told = await any_world.callbacks.get()
    assert told == await any_world.provider.query(asked.payment)
    assert (told.state, told.amount_minor, told.currency) == ("captured", 8_500, "CNY")
    assert told.merchant == any_world.provider.merchant
    assert told.transaction


async def test_a_declined_payment_has_failed_and_is_told(world: SandboxWorld) -> None:
    asked = await created(world)
    await world.decline(asked.payment)
    assert (await world.callbacks.get()).state == "failed"


async def test_closing_stops_an_open_payment_for_good(world: SandboxWorld) -> None:
    asked = await created(world)
    assert (await world.provider.close(asked.payment)).state == "closed"
    page = f"{URL}/pay/{asked.payment}"
    answer = await world.http.post(page, data={"action": "pay"})
    assert answer.headers["location"] == page
    assert (await world.provider.query(asked.payment)).state == "closed"


async def test_a_closed_payment_stays_closed(any_world: World) -> None:
    asked = await created(any_world)
    assert (await any_world.provider.close(asked.payment)).state == "closed"
    assert (await any_world.provider.close(asked.payment)).state == "closed"
    assert (await any_world.provider.query(asked.payment)).state == "closed"


async def test_closing_what_was_never_created_finds_nothing(any_world: World) -> None:
    assert (await any_world.provider.close("00nothing")).state == "not_found"


async def test_closing_a_paid_payment_answers_that_it_is_captured(any_world: World) -> None:
    asked = await created(any_world)
    await any_world.pay(asked.payment)
    assert (await any_world.provider.close(asked.payment)).state == "captured"


async def test_a_payment_is_closed_when_its_deadline_has_passed(world: SandboxWorld) -> None:
    asked = await created(world)
    world.clock.ahead_ms = 61_000
    assert (await world.provider.query(asked.payment)).state == "closed"


async def test_a_refund_is_given_once_and_never_more_than_was_captured(any_world: World) -> None:
    asked = await created(any_world)
    await any_world.pay(asked.payment)
    first = await any_world.provider.refund(asked.payment, "r1", 5_000, "CNY", "broken")
    assert await any_world.provider.refund(asked.payment, "r1", 5_000, "CNY", "broken") == first
    assert (first.refund, first.payment, first.amount_minor) == ("r1", asked.payment, 5_000)
    assert first.merchant == any_world.provider.merchant
    assert first.provider_refund
    with pytest.raises(Conflict, match="payment_refused"):
        await any_world.provider.refund(asked.payment, "r2", 3_501, "CNY", "broken")
    await any_world.provider.refund(asked.payment, "r2", 3_500, "CNY", "broken")


async def test_what_was_never_captured_is_not_refunded(any_world: World) -> None:
    asked = await created(any_world)
    with pytest.raises(Conflict, match="payment_refused"):
        await any_world.provider.refund(asked.payment, "r1", 1, "CNY", "broken")


async def test_a_refund_can_be_looked_up_and_an_unknown_one_is_not_found(any_world: World) -> None:
    asked = await created(any_world)
    await any_world.pay(asked.payment)
    assert (await any_world.provider.query_refund(asked.payment, "r1")).state == "not_found"
    given = await any_world.provider.refund(asked.payment, "r1", 5_000, "CNY", "broken")
    assert await any_world.provider.query_refund(asked.payment, "r1") == given


async def test_one_refund_id_cannot_name_two_amounts(any_world: World) -> None:
    asked = await created(any_world)
    await any_world.pay(asked.payment)
    await any_world.provider.refund(asked.payment, "r1", 5_000, "CNY", "broken")
    with pytest.raises(Conflict, match="payment_refused"):
        await any_world.provider.refund(asked.payment, "r1", 4_000, "CNY", "broken")


async def test_a_refund_is_done_at_once_and_told(world: SandboxWorld) -> None:
    asked = await created(world)
    await world.pay(asked.payment)
    given = await world.provider.refund(asked.payment, "r1", 500, "CNY", "broken")
    assert given.state == "done"
    assert await world.refund_callbacks.get() == given


async def test_a_slow_refund_is_pending_first_and_told_when_it_is_done(world: SandboxWorld) -> None:
    asked = await created(world)
    await world.pay(asked.payment)
    await world.refund_misbehaves(asked.payment, RefundFault.SLOW)
    assert (await world.provider.refund(asked.payment, "r1", 500, "CNY", "broken")).state == "pending"
    assert (await world.refund_callbacks.get()).state == "done"


async def test_a_refund_that_fails_gives_its_amount_free_again(world: SandboxWorld) -> None:
    asked = await created(world)
    await world.pay(asked.payment)
    await world.refund_misbehaves(asked.payment, RefundFault.FAILED)
    await world.provider.refund(asked.payment, "r1", 8_500, "CNY", "broken")
    told = await world.refund_callbacks.get()
    assert (told.state, told.error) == ("failed", "account_closed")
    await world.provider.refund(asked.payment, "r2", 8_500, "CNY", "broken")
    entries = [entry["kind"] for entry in await world.bill()]
    assert entries == ["capture", "refund"]


async def test_the_bill_lists_every_capture_and_refund(world: SandboxWorld) -> None:
    asked = await created(world)
    await world.pay(asked.payment)
    await world.provider.refund(asked.payment, "r1", 500, "CNY", "broken")
    entries = [(entry["kind"], entry["order"], entry["amount_minor"]) for entry in await world.bill()]
    assert entries == [("capture", asked.order, 8_500), ("refund", asked.order, 500)]


async def test_strangers_cannot_use_the_merchants_api(world: SandboxWorld) -> None:
    asked = await created(world)
    response = await world.http.post(f"{URL}/api/payments/{asked.payment}/close")
    assert response.status_code == 403


async def test_a_callback_with_another_key_is_refused(world: SandboxWorld) -> None:
    with pytest.raises(Forbidden, match="bad_signature"):
        world.provider.parse_callback(sign(b"other", "m", world.clock(), b"{}"), b"{}", world.clock())


async def test_a_changed_callback_is_refused(world: SandboxWorld) -> None:
    headers = sign(derive_key(SECRET, "sandbox"), "m", world.clock(), b'{"a":1}')
    with pytest.raises(Forbidden, match="bad_signature"):
        world.provider.parse_callback(headers, b'{"a":2}', world.clock())


@pytest.mark.parametrize("age_ms", [-301_000, 301_000])
async def test_a_callback_signed_long_ago_or_ahead_is_refused(world: SandboxWorld, age_ms: int) -> None:
    headers = sign(derive_key(SECRET, "sandbox"), "m", world.clock() - age_ms, b"{}")
    with pytest.raises(Forbidden, match="bad_signature"):
        world.provider.parse_callback(headers, b"{}", world.clock())


async def test_a_signed_callback_that_makes_no_sense_is_invalid(world: SandboxWorld) -> None:
    headers = sign(derive_key(SECRET, "sandbox"), "m", world.clock(), b"[]")
    with pytest.raises(Invalid, match="bad_request"):
        world.provider.parse_callback(headers, b"[]", world.clock())


async def test_the_duplicate_fault_tells_twice(world: SandboxWorld) -> None:
    asked = await created(world)
    await world.pay(asked.payment, Fault.DUPLICATE)
    assert await world.callbacks.get() == await world.callbacks.get()


async def test_the_garbled_fault_is_refused_first_and_good_later(world: SandboxWorld) -> None:
    asked = await created(world)
    await world.pay(asked.payment, Fault.GARBLED)
    assert (await world.callbacks.get()).state == "captured"
    assert world.refused == ["bad_signature"]


async def test_the_overdue_fault_captures_what_was_closed(world: SandboxWorld) -> None:
    asked = await created(world, seconds=1)
    await world.pay(asked.payment, Fault.OVERDUE)
    assert (await world.provider.close(asked.payment)).state == "closed"
    assert (await world.callbacks.get()).state == "captured"


async def test_a_provider_that_is_away_is_unavailable() -> None:
    async with httpx.AsyncClient() as http:
        provider = SandboxProvider(http, f"http://127.0.0.1:{free_port()}", "", SECRET)
        with pytest.raises(Unavailable, match="payment_unavailable"):
            await provider.query("00nothing")


@pytest.mark.parametrize(
    ("address", "accept", "words"),
    [("", "zh-CN,zh;q=0.9", "确认支付"), ("", "fr, en;q=0.5", "Time left"), ("?lang=zh", "en", "剩余时间")],
)
async def test_the_pay_page_speaks_the_readers_language(
    world: SandboxWorld, address: str, accept: str, words: str
) -> None:
    asked = await created(world)
    page = await world.http.get(f"{URL}/pay/{asked.payment}{address}", headers={"accept-language": accept})
    assert words in page.text
    assert "¥85.00" in page.text
    assert "&lt;Umbrella&gt;" in page.text


async def test_the_pay_page_tells_how_a_payment_ended(world: SandboxWorld) -> None:
    asked = await created(world)
    await world.provider.close(asked.payment)
    page = await world.http.get(f"{URL}/pay/{asked.payment}?lang=en")
    assert "This payment is closed" in page.text
    assert "<form" not in page.text
