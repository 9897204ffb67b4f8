"""Waiting for the last unit, and a draw, on two phones and in the studio."""

from __future__ import annotations

from playwright.async_api import Locator, expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS, current_room, go_live, open_sale, until


async def hold(phone: Person) -> None:
    """Taps and holds."""
    await phone.part("buy").first.click()
    await phone.part("confirm-buy").click()
    await expect(phone.part("hold-countdown").first).to_be_visible(timeout=PATIENCE_MS)


def shelf_item(host: Person, number: int) -> Locator:
    """One of the host's products."""
    return host.part("shelf-item").nth(number)


async def pay(phone: Person) -> None:
    """Pays what is held, and sees the order."""
    await phone.part("pay").first.click()
    await phone.page.wait_for_url("**/sandbox/pay/**")
    await phone.page.locator("button[value=pay]").click()
    await phone.page.wait_for_url("**/orders/**")


async def open_draw(host: Person, item: Locator) -> None:
    """The host lets a single unit be drawn for, after ten seconds."""
    await item.get_by_test_id("open-sale").click()
    await host.part("sale-stock").fill("1")
    await host.part("sale-more").click()
    await host.part("sale-mode").get_by_role("radio").nth(1).check()
    await host.part("sale-window").fill("10")
    await host.meets_no_barrier()
    await host.part("sale-submit").click()
    await expect(host.part("sale-form")).to_be_hidden(timeout=PATIENCE_MS)


async def test_a_unit_given_back_goes_to_the_phone_that_waits_and_another_is_drawn_for(
    person: OpenPerson,
) -> None:
    host = await person("host")
    early, late = await person("viewer", phone=True), await person("viewer2", phone=True)
    room = await current_room(host)
    await go_live(host, room)
    for phone in (early, late):
        await phone.go(f"/room/{room}")

    # the last unit is held, and the other phone waits
    await open_sale(host, shelf_item(host, 2), price="29", stock="1")
    await hold(early)
    await late.part("join-line").first.click()
    await expect(late.part("my-place").first).to_contain_text("1", timeout=PATIENCE_MS)
    await expect(host.part("sale-line").first).to_contain_text("1", timeout=PATIENCE_MS)

    # it is given back: the other phone has its turn at once, takes it and pays
    await early.part("cancel-order").click()
    await expect(late.part("turn-note")).to_be_visible(timeout=PATIENCE_MS)
    await late.meets_no_barrier()
    await late.part("confirm-buy").click()
    await expect(late.part("hold-countdown").first).to_be_visible(timeout=PATIENCE_MS)
    await pay(late)

    # a single unit is drawn for among both
    for phone in (early, late):
        await phone.go(f"/room/{room}")
    await open_draw(host, shelf_item(host, 3))
    for phone in (early, late):
        await phone.part("join-line").first.click()
        await expect(phone.part("my-place").first).to_have_text("You are in", timeout=PATIENCE_MS)
    await expect(host.part("sale-line").first).to_contain_text("2 joined", timeout=PATIENCE_MS)

    async def winner() -> Person | None:
        phones = [phone for phone in (early, late) if await phone.part("turn-note").is_visible()]
        return phones[0] if phones else None

    lucky: Person = await until(winner)
    other = late if lucky is early else early
    await expect(other.part("my-place").first).to_have_text("You are no. 1", timeout=PATIENCE_MS)
    await other.part("my-place").first.click()
    await expect(other.part("line-sheet")).to_contain_text("2 joined, 1 won.")
    await other.meets_no_barrier()
    await expect(host.part("sale-line").first).to_contain_text("2 joined, 1 won.", timeout=PATIENCE_MS)
    await lucky.part("confirm-buy").click()
    await pay(lucky)
