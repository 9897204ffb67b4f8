"""Buying several things at once in real browsers: the bag, two coupons, an address, and the order's page."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS, current_room, go_live, until


async def shelve(host: Person, product: str) -> None:
    """The host puts a product on sale at its list price."""
    item = host.page.locator(f'[data-testid="shelf-item"][data-product="{product}"]')
    await item.get_by_test_id("open-shelf-sale").click()
    await expect(host.part("shelf-submit")).to_be_enabled(timeout=PATIENCE_MS)
    await host.part("shelf-submit").click()
    await expect(host.part("shelf-form")).to_be_hidden(timeout=PATIENCE_MS)


async def drop(host: Person, room: str, buyer: Person) -> None:
    """The host drops every campaign's coupons, and the buyer catches one of each."""
    campaigns = (await host.api("GET", f"/api/rooms/{room}/campaigns"))["campaigns"]
    for campaign in (one for one in campaigns if one["kind"] == "drop"):
        await host.part("drop-coupon").click()
        await host.part("drop-campaign").select_option(campaign["campaign"])
        await host.part("drop-submit").click()
        await expect(host.part("drop-form")).to_be_hidden(timeout=PATIENCE_MS)
        await buyer.part("claim").first.click()
        await expect(buyer.part("coupon-drop")).to_have_count(0, timeout=PATIENCE_MS)


async def put_into_bag(buyer: Person, product: str) -> None:
    """The buyer finds a product on the shelf and puts it into the bag."""
    row = buyer.page.locator(f'[data-testid="shelf-row"][data-product="{product}"]')
    await row.get_by_test_id("add-to-bag").first.click()


async def fill_in_an_address(buyer: Person, street: str) -> None:
    """The buyer adds one more address, which is then the chosen one."""
    await buyer.part("address-current").click()
    await buyer.part("address-add").click()
    fields = {
        "name": "Viewer",
        "phone": "13912345678",
        "region": "江苏省",
        "city": "苏州市",
        "district": "姑苏区",
        "street": street,
    }
    await buyer.part("address-save").click()
    await expect(buyer.part("address-name")).to_have_attribute("aria-invalid", "true")
    for field, value in fields.items():
        await buyer.part(f"address-{field}").fill(value)
    await buyer.part("address-save").click()
    await expect(buyer.part("address-current")).to_contain_text(street, timeout=PATIENCE_MS)


async def test_two_lines_two_coupons_one_order(person: OpenPerson) -> None:
    host, buyer = await person("host"), await person("viewer", phone=True)
    room = await current_room(host)
    await go_live(host, room)
    await buyer.go(f"/room/{room}")
    shelf = (await host.api("GET", f"/api/rooms/{room}/shelf"))["products"]
    umbrella, teapot = (one for one in shelf if one["price_minor"] in (8_900, 26_800))

    # the host sells two products at their list price, and drops two coupons
    for product in (umbrella, teapot):
        await shelve(host, product["product"])
    await drop(host, room, buyer)

    # both lie in the bag, and both coupons lower them
    await buyer.part("open-shelf").click()
    for product in (umbrella, teapot):
        await put_into_bag(buyer, product["product"])
    await buyer.part("open-bag").last.click()
    await expect(buyer.part("bag-line")).to_have_count(2)
    await expect(buyer.part("sum-total")).to_contain_text("327", timeout=PATIENCE_MS)
    await buyer.part("coupon").first.uncheck()
    await expect(buyer.part("sum-total")).not_to_contain_text("327", timeout=PATIENCE_MS)
    await buyer.part("coupon").first.check()
    await expect(buyer.part("sum-total")).to_contain_text("327", timeout=PATIENCE_MS)

    # one hold keeps both; it is paid to another address, with a note
    await buyer.part("hold-bag").click()
    await expect(buyer.part("hold-countdown").first).to_be_visible(timeout=PATIENCE_MS)
    await expect(buyer.part("order-lines").locator("li")).to_have_count(2)
    await fill_in_an_address(buyer, "平江路 2 号")
    await buyer.part("order-note").fill("Please ring twice")
    await buyer.part("pay").first.click()
    await buyer.page.wait_for_url("**/sandbox/pay/**")
    await buyer.page.locator("button[value=pay]").click()
    await buyer.page.wait_for_url("**/orders/**")

    # the order's page has both lines, the address and the note; the ledger has the order
    await expect(buyer.part("order-line")).to_have_count(2, timeout=PATIENCE_MS)
    await expect(buyer.part("delivery")).to_contain_text("平江路 2 号", timeout=PATIENCE_MS)
    await expect(buyer.part("delivery")).to_contain_text("Please ring twice")
    order = buyer.page.url.split("?")[0].rsplit("/", 1)[1]

    async def booked() -> bool:
        row = await buyer.api("GET", f"/api/orders/{order}")
        return bool(row["order_state"] == "confirmed" and row["ledger"] == "applied")

    await until(booked)
    row = await buyer.api("GET", f"/api/orders/{order}")
    assert (row["total_minor"], row["discount_minor"], len(row["lines"])) == (32_700, 3_000, 2)
    where = await host.api("GET", f"/api/orders/{order}/delivery")
    assert where["address"]["city"] == "苏州市"
