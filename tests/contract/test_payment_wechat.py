"""What only WeChat Pay promises: two ways to pay, sealed callbacks, signed answers."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from livecommerce.adapters.payment_wechat import WechatProvider
from livecommerce.clock import now_ms
from livecommerce.errors import Conflict, Forbidden, Invalid, Unavailable
from tests.contract.test_payment_provider import created, request
from tests.wechat import Keys, WechatWorld


@pytest.fixture
async def world() -> AsyncIterator[WechatWorld]:
    world = WechatWorld()
    yield world
    await world.close()


def terms(address: str) -> dict[str, str]:
    """What an address hands to the page, out of sight of servers and their logs."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).fragment).items()}


async def test_a_buyer_outside_wechat_gets_a_code_to_scan(world: WechatWorld) -> None:
    given = terms(await world.provider.create(request(world)))
    assert given["code_url"].startswith("weixin://wxpay/")
    assert given["back"] == "http://merchant.test/orders/1"


async def test_a_buyer_inside_wechat_gets_terms_that_the_merchant_has_signed(world: WechatWorld) -> None:
    given = terms(await world.provider.create(request(world, payer="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")))
    signed = "\n".join([given[name] for name in ("appId", "timeStamp", "nonceStr", "package")]) + "\n"
    signature = base64.b64decode(given["paySign"])
    world.keys.ours.public_key().verify(signature, signed.encode(), PKCS1v15(), SHA256())
    assert given["package"].startswith("prepay_id=wx")
    assert given["signType"] == "RSA"


async def test_other_currencies_are_refused_before_asking(world: WechatWorld) -> None:
    with pytest.raises(Conflict, match="payment_refused"):
        await world.provider.create(request(world, currency="USD"))
    assert not world.server.orders


async def test_the_payment_ends_a_little_after_our_deadline(world: WechatWorld) -> None:
    asked = await created(world, seconds=1)
    await world.provider.create(asked)
    world.clock.ahead_ms = 70_000
    assert (await world.provider.query(asked.payment)).state == "closed"


async def test_a_callback_that_another_key_signed_is_refused(world: WechatWorld) -> None:
    asked = await created(world)
    body = world.keys.notice(world.server.capture(asked.payment))
    forged = Keys().signed(body, now_ms())
    with pytest.raises(Forbidden, match="bad_signature"):
        world.provider.parse_callback(forged, body, now_ms())


async def test_a_callback_that_another_key_sealed_is_refused(world: WechatWorld) -> None:
    asked = await created(world)
    body = Keys().notice(world.server.capture(asked.payment))
    assert (await world.tell(body)).status_code == 403


@pytest.mark.parametrize("age_ms", [-301_000, 301_000])
async def test_an_old_callback_is_refused_though_it_is_signed(world: WechatWorld, age_ms: int) -> None:
    asked = await created(world)
    body = world.keys.notice(world.server.capture(asked.payment))
    with pytest.raises(Forbidden, match="bad_signature"):
        world.provider.parse_callback(world.keys.signed(body, now_ms() - age_ms), body, now_ms())


async def test_a_probe_with_a_wrong_signature_is_refused(world: WechatWorld) -> None:
    body = world.keys.notice({})
    headers = world.keys.signed(body, now_ms()) | {"Wechatpay-Signature": "WECHATPAY/SIGNTEST/abc"}
    with pytest.raises(Forbidden, match="bad_signature"):
        world.provider.parse_callback(headers, body, now_ms())


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"resource_type": 1}'])
async def test_a_signed_callback_without_a_sealed_content_is_refused(world: WechatWorld, body: bytes) -> None:
    with pytest.raises(Forbidden, match="bad_signature"):
        world.provider.parse_callback(world.keys.signed(body, now_ms()), body, now_ms())


async def test_a_refund_begins_as_pending_and_ends_by_callback(world: WechatWorld) -> None:
    asked = await created(world)
    await world.pay(asked.payment)
    assert (await world.provider.refund(asked.payment, "r1", 500, "CNY", "broken")).state == "pending"
    await world.end_refund("r1")
    told = await world.refund_callbacks.get()
    assert (told.refund, told.state, told.amount_minor, told.merchant) == (
        "r1",
        "done",
        500,
        world.provider.merchant,
    )


@pytest.mark.parametrize("status", ["CLOSED", "ABNORMAL"])
async def test_a_refund_that_cannot_be_paid_out_has_failed(world: WechatWorld, status: str) -> None:
    asked = await created(world)
    await world.pay(asked.payment)
    await world.provider.refund(asked.payment, "r1", 500, "CNY", "broken")
    await world.end_refund("r1", status)
    found = await world.provider.query_refund(asked.payment, "r1")
    assert (found.state, found.error) == ("failed", f"refund_{status.lower()}")


@pytest.mark.parametrize("event", ["REFUND.SUCCESS", "TRANSACTION.SUCCESS"])
async def test_a_sealed_callback_of_another_form_is_invalid(world: WechatWorld, event: str) -> None:
    body = world.keys.notice({"refund_status": "SUCCESS"}, event)
    with pytest.raises(Invalid, match="bad_request"):
        world.provider.parse_callback(world.keys.signed(body, now_ms()), body, now_ms())


async def test_an_answer_that_wechat_has_not_signed_is_unknown(world: WechatWorld) -> None:
    asked = await created(world)
    stranger = WechatProvider(Keys().account(world.url), "http://merchant.test/pay/wechat", "", world.clock)
    with pytest.raises(Unavailable, match="payment_unavailable"):
        await stranger.query(asked.payment)
    await stranger.aclose()


async def test_a_provider_under_load_is_unavailable_and_never_not_found(world: WechatWorld) -> None:
    asked = await created(world)
    world.server.away = True
    with pytest.raises(Unavailable, match="payment_unavailable"):
        await world.provider.query(asked.payment)
