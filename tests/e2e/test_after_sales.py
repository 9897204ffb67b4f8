"""After the sale in real browsers: shipped, received, a line returned, and its money given back once."""

from __future__ import annotations

import json

from playwright.async_api import Locator, expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.demo import Demo
from tests.e2e.person import Person
from tests.e2e.test_checkout import put_into_bag, shelve
from tests.e2e.test_show import PATIENCE_MS, current_room, go_live, ledger_entries, until

FOLLOWING_MS = 40_000
"""Pages look again every fifteen seconds at most."""
RUNNING_SHOES, HEADPHONES = 32_900, 59_900
"""Products by their price, so that no other test sells the same."""


async def buy_both(host: Person, buyer: Person) -> str:
    """The host sells two products from the shelf, and the buyer pays for one of each; the order."""
    room = await current_room(host)
    await go_live(host, room)
    await buyer.go(f"/room/{room}")
    shelf = (await host.api("GET", f"/api/rooms/{room}/shelf"))["products"]
    wanted = [one["product"] for one in shelf if one["price_minor"] in (RUNNING_SHOES, HEADPHONES)]
    for product in wanted:
        await shelve(host, product)
    await buyer.part("open-shelf").click()
    for product in wanted:
        await put_into_bag(buyer, product)
    await buyer.part("open-bag").last.click()
    await buyer.part("hold-bag").click()
    await buyer.part("pay").first.click()
    await buyer.page.wait_for_url("**/sandbox/pay/**")
    await buyer.page.locator("button[value=pay]").click()
    await buyer.page.wait_for_url("**/orders/**")
    return buyer.page.url.split("?")[0].rsplit("/", 1)[1]


async def ship(merchant: Person, order: str) -> None:
    """The merchant finds the order among those to ship and sends all of it; a double click is one parcel."""
    await merchant.go("/merchant/orders")
    row = merchant.page.locator(f'[data-testid="merchant-order"][data-order="{order}"]')
    await expect(row).to_be_visible(timeout=PATIENCE_MS)
    await merchant.meets_no_barrier()
    await row.get_by_role("link").click()
    await merchant.part("ship").click()
    await expect(merchant.part("ship-sheet-submit")).to_be_disabled()
    await merchant.part("carrier").fill("SF Express")
    await merchant.part("tracking").fill("SF1234567890")
    await merchant.part("ship-sheet-submit").dblclick()
    await expect(merchant.part("parcel")).to_have_count(1, timeout=PATIENCE_MS)


async def ask_back(buyer: Person) -> None:
    """The buyer has everything, and gives one of the two lines back."""
    await expect(buyer.part("parcel")).to_contain_text("SF1234567890", timeout=FOLLOWING_MS)
    await buyer.part("receive").click()
    await buyer.part("receive-sheet-yes").click()
    await expect(buyer.part("return-window")).to_contain_text("until", timeout=PATIENCE_MS)
    await buyer.part("ask-back").click()
    headphones = buyer.page.locator('[data-testid="choose-units"]', has_text="headphones")
    await headphones.get_by_role("button", name="One more").click()
    await buyer.part("reason-damaged").check()
    await buyer.part("return-note").fill("The sole is coming off")
    await buyer.meets_no_barrier()
    await buyer.part("return-sheet-submit").dblclick()
    await expect(state_of(buyer, "return")).to_have_attribute("data-state", "requested", timeout=PATIENCE_MS)


async def agree(merchant: Person) -> None:
    """The merchant reads why, and agrees."""
    await expect(merchant.part("return")).to_contain_text("The sole is coming off", timeout=FOLLOWING_MS)
    await merchant.part("approve").click()
    await merchant.part("answer").fill("7 Example Road, Hangzhou")
    await merchant.part("approve-sheet-submit").click()
    await expect(state_of(merchant, "return")).to_have_attribute(
        "data-state", "approved", timeout=PATIENCE_MS
    )


async def send_back(buyer: Person) -> None:
    """The buyer sends the goods to where the merchant has said."""
    await expect(buyer.part("return")).to_contain_text("7 Example Road", timeout=FOLLOWING_MS)
    await buyer.part("sent").click()
    await buyer.part("sent-carrier").fill("SF Express")
    await buyer.part("sent-tracking").fill("SF0987654321")
    await buyer.part("sent-sheet-submit").click()
    await expect(state_of(buyer, "return")).to_have_attribute("data-state", "sent_back", timeout=PATIENCE_MS)


async def pay_back(merchant: Person) -> None:
    """The merchant has the goods, sees who bears what, and pays; a double click pays once."""
    await merchant.part("arrived").click()
    await merchant.part("arrived-sheet-yes").click()
    await merchant.part("refund-return").click()
    await expect(merchant.part("preview-amount")).to_contain_text("599.00", timeout=PATIENCE_MS)
    await expect(merchant.part("preview")).to_contain_text("Host’s share")
    await merchant.meets_no_barrier()
    await merchant.part("return-refund-sheet-submit").dblclick()
    await expect(state_of(merchant, "refund")).to_have_attribute("data-state", "done", timeout=FOLLOWING_MS)


def state_of(someone: Person, what: str) -> Locator:
    """The only return or refund on the page."""
    return someone.part(what)


async def test_shipped_received_returned_and_refunded_and_the_books_balance(
    person: OpenPerson, demo: Demo
) -> None:
    host, merchant = await person("host"), await person("merchant")
    buyer, operator = await person("viewer", phone=True), await person("operator")
    order = await buy_both(host, buyer)
    await ship(merchant, order)
    await ask_back(buyer)
    await agree(merchant)
    await send_back(buyer)
    await expect(merchant.part("return")).to_contain_text("SF0987654321", timeout=FOLLOWING_MS)
    await pay_back(merchant)

    # the buyer sees the money, the merchant who did what
    await expect(state_of(buyer, "refund")).to_have_attribute("data-state", "done", timeout=FOLLOWING_MS)
    await buyer.meets_no_barrier()
    await expect(merchant.part("history")).to_contain_text("Goods arrived")
    await merchant.meets_no_barrier()
    shown = await merchant.api("GET", f"/api/merchant/orders/{order}")
    assert [refund["amount_minor"] for refund in shown["refunds"]] == [HEADPHONES]
    assert (len(shown["parcels"]), len(shown["returns"])) == (1, 1)

    # the ledger has sale and refund, and balances
    async def booked() -> bool:
        kinds = {json.loads(document)["kind"] for *_, document in ledger_entries(demo, order)}
        return {"sale", "refund"} <= kinds

    await until(booked)
    (balance,) = (await operator.api("GET", "/api/console"))["ledger"]["trial_balance"]
    assert balance["debit_minor"] == balance["credit_minor"] > 0

    # the merchant reads it in the shop's statement, the operator from the entry on the console
    await merchant.go("/merchant/settings")
    await expect(merchant.part("statement-month")).to_be_visible(timeout=PATIENCE_MS)
    await merchant.meets_no_barrier()
    async with merchant.page.expect_popup() as opened:
        await merchant.part("statement-page").click()
    statement = Person(await opened.value, demo.url)
    await expect(statement.page.get_by_text(order).first).to_be_visible(timeout=PATIENCE_MS)
    await statement.meets_no_barrier()
    await operator.go("/console")
    entry = operator.page.locator(f'[data-testid="ledger-entry"][data-order="{order}"]').first
    async with operator.page.expect_popup() as opened:
        await entry.get_by_role("link").first.click(timeout=PATIENCE_MS)
    await expect((await opened.value).get_by_text(order).first).to_be_visible(timeout=PATIENCE_MS)
