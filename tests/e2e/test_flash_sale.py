"""The life of a flash sale in real browsers: announced, opened by the clock, changed, cancelled."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.demo import Demo
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS, current_room, go_live


async def announce(host: Person, *, item: int, wait: str, price: str = "49", stock: str = "3") -> None:
    """The host announces a flash sale of a shelf item."""
    await host.part("shelf-item").nth(item).get_by_test_id("open-sale").click()
    await host.part("sale-price").fill(price)
    await host.part("sale-stock").fill(stock)
    await host.part("sale-when").select_option(wait)
    await host.part("sale-submit").click()


async def close_what_runs(host: Person) -> None:
    """No sale of another test is in the way."""
    running = host.page.locator("[data-testid=sale-card]:not([data-phase=closed])")
    while await running.count():
        await running.first.get_by_test_id("close-sale").click()
        await host.part("close-sale-question-yes").click()
        await expect(host.part("close-sale-question-yes")).to_be_hidden(timeout=PATIENCE_MS)


async def test_a_phone_sees_the_countdown_taps_at_zero_and_has_it(person: OpenPerson, demo: Demo) -> None:
    host, viewer = await person("host"), await person("viewer", phone=True)
    room = await current_room(host)
    await go_live(host, room)
    await close_what_runs(host)
    await viewer.go(f"/room/{room}")

    # announced: the phone counts down, and nothing can be had yet
    await announce(host, item=1, wait="10")
    await expect(host.page.locator("[data-testid=sale-card][data-phase=scheduled]")).to_be_visible(
        timeout=PATIENCE_MS
    )
    await expect(viewer.part("sale-starts")).to_be_visible(timeout=PATIENCE_MS)
    await viewer.part("buy").click()
    await expect(viewer.part("confirm-buy")).to_be_disabled()

    # at zero the button turns live without a reload, and a tap has it
    await expect(viewer.part("confirm-buy")).to_be_enabled(timeout=PATIENCE_MS)
    await viewer.part("confirm-buy").click()
    await expect(viewer.part("hold-countdown").first).to_be_visible(timeout=PATIENCE_MS)

    # the host sees what is held
    card = host.page.locator("[data-testid=sale-card][data-phase=open]")
    await expect(card.get_by_test_id("stock-held")).to_have_text("1", timeout=PATIENCE_MS)
    await expect(card.get_by_test_id("stock-left")).to_have_text("2")


async def test_new_terms_reach_a_phone_at_once(person: OpenPerson, demo: Demo) -> None:
    host, viewer = await person("host"), await person("viewer2", phone=True)
    room = await current_room(host)
    await go_live(host, room)
    await close_what_runs(host)
    await viewer.go(f"/room/{room}")
    await announce(host, item=2, wait="0", stock="1")
    await expect(viewer.part("buy")).to_be_enabled(timeout=PATIENCE_MS)

    await host.part("adjust-sale").click()
    await host.part("adjust-price").fill("39")
    await host.part("adjust-units").fill("2")
    await host.part("adjust-submit").click()
    card = viewer.part("sale-card")
    await expect(card).to_contain_text("39", timeout=PATIENCE_MS)
    await expect(card.get_by_test_id("stock-left")).to_contain_text("3")
    await viewer.part("buy").click()
    await viewer.part("confirm-buy").click()
    await expect(viewer.part("hold-countdown").first).to_be_visible(timeout=PATIENCE_MS)


async def test_a_cancelled_sale_disappears(person: OpenPerson, demo: Demo) -> None:
    host, viewer = await person("host"), await person(phone=True)
    room = await current_room(host)
    await go_live(host, room)
    await close_what_runs(host)
    await viewer.go(f"/room/{room}")
    await announce(host, item=3, wait="600")
    await expect(viewer.part("sale-starts")).to_be_visible(timeout=PATIENCE_MS)
    await close_what_runs(host)
    await expect(viewer.part("sale-card")).to_have_count(0, timeout=PATIENCE_MS)
    await expect(host.part("sale-card")).to_have_attribute("data-phase", re.compile("closed"))


async def test_a_form_keeps_what_is_typed_while_the_window_changes_its_layout(
    person: OpenPerson, demo: Demo
) -> None:
    host = await person("host")
    room = await current_room(host)
    await go_live(host, room)
    await host.part("comment-input").fill("One moment")
    await host.part("shelf-item").first.get_by_test_id("open-sale").click()
    await host.part("sale-price").fill("12.34")
    for width in (900, 1440):
        await host.page.set_viewport_size({"width": width, "height": 900})
        await expect(host.part("studio")).to_have_class(re.compile("wide" if width > 1152 else "narrow"))
        await expect(host.part("sale-price")).to_have_value("12.34")
    await host.page.keyboard.press("Escape")
    await expect(host.part("comment-input")).to_have_value("One moment")
