"""What people write is shown as text, wherever it is shown."""

from __future__ import annotations

import time

from playwright.async_api import expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS, comment, current_room

MARKUP = "<img src=x onerror=hit=1>"


async def assert_only_text(someone: Person) -> None:
    """The markup made no element and ran no script."""
    await expect(someone.page.locator("body")).to_contain_text(MARKUP, timeout=PATIENCE_MS)
    assert await someone.page.locator('img[src="x"]').count() == 0
    assert await someone.page.evaluate("window.hit") is None


async def test_markup_in_a_shows_title_is_shown_as_text(person: OpenPerson) -> None:
    host, ann = await person("host"), await person("viewer")
    starts_ms = int(time.time() * 1000) + 30 * 86_400_000  # the host has shows of the demo before
    title = {"en": MARKUP, "zh-CN": MARKUP}
    show = {"title": title, "starts_ms": starts_ms, "time_zone": "Asia/Shanghai"}
    room = (await host.api("POST", "/api/rooms", show))["room"]
    for someone, path in ((ann, "/"), (ann, f"/room/{room}"), (host, f"/studio/{room}")):
        await someone.go(path)
        await assert_only_text(someone)


async def test_markup_in_a_nickname_is_shown_as_text(person: OpenPerson) -> None:
    guest, host = await person(), await person("host")
    room = await current_room(host)
    await guest.api("POST", "/api/session/guest", {"nickname": MARKUP})
    await host.go(f"/room/{room}")
    await guest.go(f"/room/{room}")
    await expect(guest.part("comment-input")).to_be_enabled(timeout=PATIENCE_MS)
    await comment(guest, "Who am I?")
    for someone in (guest, host):
        await assert_only_text(someone)
