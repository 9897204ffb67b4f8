"""A guest in the second seat, in real browsers: invited, seen behind the scenes, on air, and gone."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS, PLAYED, comment, current_room, go_live, until


async def layout(host: Person, name: str) -> None:
    """The host chooses how the pictures stand."""
    await host.part(f"layout-{name}").click()
    await expect(host.part(f"layout-{name}")).to_have_attribute("aria-pressed", "true", timeout=PATIENCE_MS)


async def test_a_guest_is_invited_seen_and_let_go(person: OpenPerson) -> None:
    host, guest, viewer = await person("host"), await person("viewer2"), await person("viewer", phone=True)
    room = await current_room(host)
    await go_live(host, room)
    await guest.go(f"/room/{room}")
    await comment(guest, "May I join?")
    await viewer.go(f"/room/{room}")
    await expect(viewer.part("tile")).to_have_count(1, timeout=PATIENCE_MS)

    await host.part("guest-list").click()
    await host.part("give-seat").first.click()
    await host.page.keyboard.press("Escape")
    await guest.part("join-stage").click()
    await guest.part("start-sending").click(timeout=PATIENCE_MS)
    await expect(guest.part("standing")).to_have_attribute("data-standing", "backstage", timeout=PATIENCE_MS)
    await expect(host.part("video-guest-1")).to_have_attribute("data-state", "playing", timeout=PATIENCE_MS)
    await expect(viewer.part("tile")).to_have_count(1)

    await layout(host, "side-by-side")
    await expect(viewer.part("tile")).to_have_count(2, timeout=PATIENCE_MS)
    await expect(viewer.part("video-guest-1")).to_have_attribute("data-state", "playing", timeout=PATIENCE_MS)
    await layout(host, "picture-in-picture")
    await expect(viewer.part("stage")).to_have_attribute("data-layout", "picture-in-picture")
    frames = (await viewer.page.evaluate(PLAYED))["frames"]

    async def plays_on() -> bool:
        return bool((await viewer.page.evaluate(PLAYED))["frames"] > frames)

    await until(plays_on)

    await host.page.get_by_role("button", name="Take Second viewer’s seat back").click()
    await expect(viewer.part("tile")).to_have_count(1, timeout=PATIENCE_MS)
    await expect(viewer.part("stage")).to_have_attribute("data-layout", "single")
    await expect(guest.part("start-sending")).to_have_count(0, timeout=PATIENCE_MS)
    keys = await guest.api("GET", f"/api/rooms/{room}/media?seat=guest-1")
    assert keys["whip_token"] is None
