"""A whole show in real browsers: host, two viewers and a brand, from going live to the ledger."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Locator, expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.demo import Demo
from tests.e2e.person import Person

PATIENCE_MS = 20_000
PATIENCE_SECONDS = 30

PLAYED = """async () => {
  const played = {frames: 0, samples: 0};
  for (const connection of window.connectionsOfThisPage) {
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== 'inbound-rtp') continue;
      if (report.kind === 'video') played.frames += report.framesDecoded ?? 0;
      if (report.kind === 'audio') played.samples += report.totalSamplesReceived ?? 0;
    }
  }
  return played;
}"""


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """Waits for a condition on the other side of a network."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = await condition()
        if found:
            return found
        assert time.monotonic() < deadline, "it never came true"
        await asyncio.sleep(0.1)


async def current_room(someone: Person) -> str:
    """The demo's show that can be started now."""
    rooms = (await someone.api("GET", "/api/rooms"))["rooms"]
    return str(next(row["room"] for row in rooms if row["phase"] in ("live", "scheduled")))


async def go_live(host: Person, room: str) -> None:
    """The host opens the studio and presses the button."""
    await host.go(f"/studio/{room}")
    await expect(host.part("go-live")).to_be_enabled(timeout=PATIENCE_MS)
    await host.part("go-live").click()
    await expect(host.part("live-indicator")).to_be_visible(timeout=PATIENCE_MS)


async def open_sale(host: Person, item: Locator, *, price: str, stock: str) -> None:
    """The host opens a flash sale from a shelf item."""
    await item.get_by_test_id("open-sale").click()
    await host.part("sale-price").fill(price)
    await host.part("sale-stock").fill(stock)
    await host.part("sale-submit").click()
    await expect(host.part("sale-card").first).to_be_visible(timeout=PATIENCE_MS)


async def comment(someone: Person, text: str) -> None:
    """Somebody says something."""
    await someone.part("comment-input").fill(text)
    await someone.part("comment-input").press("Enter")


async def play(viewer: Person) -> dict[str, int]:
    """Waits until picture and sound really play."""

    async def playing() -> dict[str, int] | None:
        played: dict[str, int] = await viewer.page.evaluate(PLAYED)
        return played if played["frames"] > 10 and played["samples"] > 0 else None

    found: dict[str, int] = await until(playing)
    return found


async def fight_for_the_last_unit(*phones: Person) -> Person:
    """Opens the sale on every phone and confirms on all in the same moment; the one that got it."""
    for phone in phones:
        await phone.part("buy").first.click()
        await expect(phone.part("confirm-buy")).to_be_enabled(timeout=PATIENCE_MS)
    taps = (phone.part("confirm-buy").evaluate("button => button.click()") for phone in phones)
    await asyncio.gather(*taps)

    async def winner() -> Person | None:
        for phone in phones:
            if await phone.part("hold-countdown").first.is_visible():
                return phone
        return None

    found: Person = await until(winner)
    for phone in phones:
        if phone is not found:
            await expect(phone.part("confirm-buy")).to_be_disabled(timeout=PATIENCE_MS)
    return found


def ledger_entries(demo: Demo, order: str) -> list[tuple[Any, ...]]:
    """What the ledger's own file says of an order."""
    with sqlite3.connect(f"file:{demo.data_dir / 'ledger.sqlite'}?mode=ro", uri=True) as ledger:
        tables = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert "ledger_entries" in tables, tables
        return ledger.execute('SELECT * FROM ledger_entries WHERE "order" = ?', (order,)).fetchall()


async def test_a_whole_show(newcomer: OpenPerson, fresh_demo: Demo) -> None:
    host = await newcomer("host")
    viewer = await newcomer("viewer", phone=True)
    rival = await newcomer("viewer2", phone=True, locale="zh-CN")
    room = await current_room(host)

    # the host goes live, and picture and sound reach a phone
    await go_live(host, room)
    await viewer.go(f"/room/{room}")
    await rival.go(f"/room/{room}")
    played = await play(viewer)
    assert played["frames"] > 10

    # comments cross in both directions
    await comment(viewer, "How big is it?")
    await expect(host.part("comment-list")).to_contain_text("How big is it?", timeout=PATIENCE_MS)
    await comment(host, "As big as a hand.")
    await expect(viewer.part("comment-list")).to_contain_text("As big as a hand.", timeout=PATIENCE_MS)

    # a pin appears
    item = host.part("shelf-item").first
    await item.get_by_test_id("pin").click()
    await expect(viewer.part("pinned-product")).to_be_visible(timeout=PATIENCE_MS)

    # two phones fight for the last unit, and exactly one gets it
    await open_sale(host, item, price="49", stock="1")
    for phone in (viewer, rival):
        await expect(phone.part("buy").first).to_be_visible(timeout=PATIENCE_MS)
    winner = await fight_for_the_last_unit(viewer, rival)
    orders = [(await phone.api("GET", "/api/orders"))["orders"] for phone in (viewer, rival)]
    open_ones = [[row for row in rows if row["order_state"] == "awaiting_payment"] for rows in orders]
    assert sorted(map(len, open_ones)) == [0, 1]

    # the winner pays at the provider, sees the order, and the ledger has it
    await winner.part("pay").first.click()
    await winner.page.wait_for_url("**/sandbox/pay/**")
    await winner.page.locator("button[value=pay]").click()
    await winner.page.wait_for_url("**/orders/**")
    order = winner.page.url.split("?")[0].rsplit("/", 1)[1]

    async def confirmed() -> bool:
        row = await winner.api("GET", f"/api/orders/{order}")
        return bool(row["order_state"] == "confirmed" and row["ledger"] == "applied")

    await until(confirmed)
    assert ledger_entries(fresh_demo, order)


async def test_a_share_unlocks_a_coupon_when_a_friend_stays(person: OpenPerson) -> None:
    host, sharer, friend = await person("host"), await person("viewer", phone=True), await person("viewer2")
    room = await current_room(host)
    await go_live(host, room)
    await sharer.go(f"/room/{room}")
    await sharer.part("share").first.click()
    await expect(sharer.part("share-link")).to_have_value(re.compile(r"\?g="), timeout=PATIENCE_MS)
    link = await sharer.part("share-link").input_value()

    own_tab = await person("viewer")
    await own_tab.page.goto(link)  # one's own visit does not count
    await friend.page.goto(link)
    await expect(friend.part("comment-input")).to_be_visible(timeout=PATIENCE_MS)

    async def unlocked() -> bool:
        grants = (await sharer.api("GET", "/api/coupons"))["grants"]
        return any(grant["kind"] == "share" and grant["state"] == "active" for grant in grants)

    await until(unlocked)


async def test_a_brands_slot_starts_by_itself(newcomer: OpenPerson) -> None:
    host, brand, viewer = (
        await newcomer("host"),
        await newcomer("brand"),
        await newcomer("viewer", phone=True),
    )
    room = await current_room(host)
    await go_live(host, room)
    await viewer.go(f"/room/{room}")
    schedule = await brand.api("GET", "/api/schedule")
    shop = schedule["my_brands"][0]["shop"]
    products = (await brand.api("GET", f"/api/brands/{shop}/products"))["products"]
    starts_ms = int(time.time() * 1000) + 4_000
    segment = await brand.api(
        "POST",
        "/api/segments",
        {
            "room": room,
            "brand": shop,
            "kind": "brand",
            "title": {"en": "Tea hour"},
            "starts_ms": starts_ms,
            "ends_ms": starts_ms + 60_000,
            "products": [products[0]["product"]],
            "commission_ppm": 200_000,
            "note": "",
        },
    )
    await host.api("POST", f"/api/segments/{segment['segment']}/accept")

    title = products[0]["title"]["en"]
    await expect(viewer.part("pinned-product").first).to_contain_text(title, timeout=PATIENCE_MS)
