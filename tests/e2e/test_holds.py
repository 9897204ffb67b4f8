"""What time does to a hold, as buyers see it: it runs out on screen, and late money goes back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.e2e.conftest import OpenPerson, people_of
from tests.e2e.demo import Demo
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS, current_room, go_live, open_sale

HOLD_SECONDS = 15
LATE_MS = 90_000
"""Hold, what a payment under way is given on top, and the sandbox's delay of an overdue capture."""


@pytest.fixture(scope="module")
def hasty_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that keeps units for a few seconds only."""
    running = Demo(tmp_path_factory.mktemp("hasty"), HOLD_SECONDS=str(HOLD_SECONDS))
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def anybody(browser: Browser, hasty_demo: Demo) -> AsyncIterator[OpenPerson]:
    """Opens a browser context for a person of the hasty demo."""
    async with people_of(hasty_demo, browser) as open_person:
        yield open_person


async def take(phone: Person) -> None:
    """Taps *buy*, and has the unit."""
    await phone.part("buy").first.click()
    await expect(phone.part("confirm-buy")).to_be_enabled(timeout=PATIENCE_MS)
    await phone.part("confirm-buy").click()
    await expect(phone.part("hold-countdown").first).to_be_visible(timeout=PATIENCE_MS)


async def pay_overdue(page: Page) -> None:
    """Pays at the sandbox, which takes the money long after its own deadline."""
    await page.wait_for_url("**/sandbox/pay/**")
    await page.locator("summary").click()
    await page.locator("input[name=fault][value=overdue]").check()
    await page.locator("button[value=pay]").click()
    await page.wait_for_url("**/orders/**")


async def test_a_hold_runs_out_on_screen_and_the_last_unit_is_free_again(anybody: OpenPerson) -> None:
    host = await anybody("host")
    ann, bob = await anybody("viewer", phone=True), await anybody("viewer2", phone=True)
    room = await current_room(host)
    await go_live(host, room)
    await open_sale(host, host.part("shelf-item").nth(0), price="49", stock="1")
    for phone in (ann, bob):
        await phone.go(f"/room/{room}")
        await expect(phone.part("buy").first).to_be_enabled(timeout=PATIENCE_MS)

    # one phone has the last unit, the other is told at once, and the host sees it held
    await take(ann)
    await expect(bob.part("join-line").first).to_have_text("Join waitlist", timeout=PATIENCE_MS)
    await expect(host.part("stock-held").first).to_have_text("1", timeout=PATIENCE_MS)

    # the clock runs down to the end, and the page says so
    countdown = ann.part("hold-countdown").first
    seen = await countdown.inner_text()
    await expect(countdown).not_to_have_text(seen, timeout=PATIENCE_MS)
    await expect(countdown).to_be_hidden(timeout=LATE_MS)
    state = ann.page.locator('[data-testid="order-state"][data-state="expired"]')
    await expect(state).to_have_text("The time to pay is over.", timeout=PATIENCE_MS)
    await ann.meets_no_barrier()

    # the unit is free: the other one takes it
    await expect(bob.part("buy").first).to_be_enabled(timeout=PATIENCE_MS)
    await take(bob)
    await bob.meets_no_barrier()


async def test_a_payment_that_comes_too_late_is_seen_to_go_back(anybody: OpenPerson) -> None:
    host, buyer = await anybody("host"), await anybody("viewer", phone=True)
    room = await current_room(host)
    await go_live(host, room)
    await buyer.go(f"/room/{room}")
    item = host.part("shelf-item").nth(1)
    await open_sale(host, item, price="129", stock="1")
    mine = buyer.page.locator('[data-testid="sale-card"]', has_text="129")
    await mine.get_by_test_id("buy").click()
    await buyer.part("confirm-buy").click()
    await buyer.part("pay").first.click()
    await pay_overdue(buyer.page)

    # nobody else can have it: the host ends the sale, and with the hold its stock goes back to the shop
    running = host.page.locator('[data-testid="sale-card"]', has_text="129")
    await running.get_by_test_id("close-sale").click()
    await host.part("close-sale-question-yes").click()
    await expect(running).to_have_attribute("data-phase", "closed", timeout=PATIENCE_MS)

    # the page follows: too late, then the money goes back
    sentence = buyer.part("order-sentence")
    await expect(buyer.part("order-state").first).to_have_attribute("data-state", "expired", timeout=LATE_MS)
    await expect(sentence).to_contain_text("All of it has gone back to you", timeout=LATE_MS)
    await expect(buyer.part("timeline")).to_contain_text("Money went back")
    await buyer.meets_no_barrier()
    order = buyer.page.url.split("?")[0].rsplit("/", 1)[1]
    row = await buyer.api("GET", f"/api/orders/{order}")
    assert (row["charge"], row["given_back"]) == ("none", {"reason": "too_late", "done": True})
