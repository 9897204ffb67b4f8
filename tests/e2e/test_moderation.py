"""A host keeps her room friendly: in the studio, in front of real viewers."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.person import Person
from tests.e2e.test_show import PATIENCE_MS, comment, current_room, go_live


async def choose(host: Person, text: str, action: str) -> None:
    """The host opens a comment's menu and chooses."""
    row = host.part("comment-list").locator("li", has_text=text)
    await row.get_by_test_id("comment-more").click()
    await host.part("comment-menu").get_by_test_id(action).click()
    await expect(host.part("comment-menu")).to_be_hidden()


async def says(someone: Person, text: str) -> None:
    """A viewer comments, and sees it."""
    await comment(someone, text)
    await expect(someone.part("comment-list")).to_contain_text(text, timeout=PATIENCE_MS)


async def test_a_host_pins_hides_reviews_and_removes_and_can_undo_it(person: OpenPerson) -> None:
    host = await person("host")
    ann, bob = await person("viewer", phone=True), await person("viewer2")
    room = await current_room(host)
    await go_live(host, room)
    for viewer in (ann, bob):
        await viewer.go(f"/room/{room}")
        await expect(viewer.part("comment-input")).to_be_enabled(timeout=PATIENCE_MS)

    await says(ann, "Does it keep the rain out?")
    await choose(host, "keep the rain out", "pin-comment")
    for viewer in (ann, bob):
        await expect(viewer.part("pinned-comment")).to_contain_text("keep the rain out", timeout=PATIENCE_MS)

    await says(bob, "Look at my cheaper shop")
    await choose(host, "cheaper shop", "shadow")
    await says(bob, "Really much cheaper")
    await expect(host.part("comment-list")).to_contain_text("Really much cheaper", timeout=PATIENCE_MS)
    await says(ann, "I hear nothing of that")
    await expect(ann.part("comment-list")).not_to_contain_text("Really much cheaper")

    await host.part("moderate").click()
    await expect(host.part("restrictions")).to_contain_text("Hidden")
    await host.part("restrictions").get_by_role("button").click()
    await expect(host.part("restrictions")).not_to_contain_text("Hidden")
    await host.part("review-first").check()
    await host.page.keyboard.press("Escape")
    await comment(ann, "May I say this?")
    await expect(host.part("held")).to_contain_text("May I say this?", timeout=PATIENCE_MS)
    await host.part("held").get_by_test_id("approve").click()
    await expect(bob.part("comment-list")).to_contain_text("May I say this?", timeout=PATIENCE_MS)
    await expect(host.part("held")).to_be_hidden()

    await host.part("moderate").click()
    await host.part("review-first").uncheck()
    await host.part("slow").select_option("60")
    await host.page.keyboard.press("Escape")
    await expect(bob.part("comment-input")).to_have_attribute("placeholder", "One comment each 1 min")
    await host.part("moderate").click()
    await host.part("slow").select_option("0")
    await host.page.keyboard.press("Escape")

    await choose(host, "cheaper shop", "ban")
    await expect(bob.part("connection")).to_contain_text("removed from this room", timeout=PATIENCE_MS)
    await host.part("moderate").click()
    await host.part("restrictions").get_by_role("button").click()
    await expect(host.part("restrictions")).not_to_contain_text("Removed")
    await bob.page.reload()
    await expect(bob.part("comment-input")).to_be_enabled(timeout=PATIENCE_MS)


async def test_markup_in_a_comment_is_shown_as_text(person: OpenPerson) -> None:
    host, ann = await person("host"), await person("viewer")
    room = await current_room(host)
    await go_live(host, room)
    await ann.go(f"/room/{room}")
    await expect(ann.part("comment-input")).to_be_enabled(timeout=PATIENCE_MS)
    markup = "<img src=x onerror='document.title=1'><b>bold</b>"
    await says(ann, markup)
    await expect(host.part("comment-list")).to_contain_text(markup, timeout=PATIENCE_MS)
    for someone in (host, ann):
        assert await someone.part("comment-list").locator("img, b").count() == 0
        assert await someone.page.title() != "1"


async def test_somebody_whom_the_host_asks_moderates_from_the_room(person: OpenPerson) -> None:
    host = await person("host")
    ann, bob = await person("viewer", phone=True), await person("viewer2")
    room = await current_room(host)
    await go_live(host, room)
    for viewer in (ann, bob):
        await viewer.go(f"/room/{room}")
        await expect(viewer.part("comment-input")).to_be_enabled(timeout=PATIENCE_MS)

    await says(ann, "May I help?")
    await choose(host, "May I help?", "appoint")
    await ann.part("moderate").click(timeout=PATIENCE_MS)
    await expect(ann.part("moderators").locator("li")).to_have_count(1)
    await ann.part("review-first").check()
    await ann.page.keyboard.press("Escape")
    await expect(host.part("moderation-bar")).to_contain_text("Review comments first", timeout=PATIENCE_MS)
    await comment(bob, "Waiting for Ann")
    await ann.part("moderate").click()
    await ann.part("held").get_by_test_id("approve").click(timeout=PATIENCE_MS)
    await ann.part("review-first").uncheck()
    await ann.page.keyboard.press("Escape")
    await expect(bob.part("comment-list")).to_contain_text("Waiting for Ann", timeout=PATIENCE_MS)
    await choose(ann, "Waiting for Ann", "delete")
    await expect(bob.part("comment-list")).not_to_contain_text("Waiting for Ann", timeout=PATIENCE_MS)

    await host.part("moderate").click()
    await host.part("moderators").get_by_role("button").click()
    await expect(ann.part("moderate")).to_be_hidden(timeout=PATIENCE_MS)


async def test_signing_out_everywhere_ends_what_is_open_elsewhere(person: OpenPerson) -> None:
    host = await person("host")
    phone, desktop = await person("viewer2", phone=True), await person("viewer2")
    room = await current_room(host)
    await go_live(host, room)
    await phone.go(f"/room/{room}")
    await expect(phone.part("comment-input")).to_be_enabled(timeout=PATIENCE_MS)
    await desktop.go("/")
    await desktop.part("account").click()
    await desktop.part("signout-everywhere").click()
    await expect(desktop.part("signin")).to_be_visible(timeout=PATIENCE_MS)
    await expect(phone.part("connection")).to_contain_text("signed out on all devices", timeout=PATIENCE_MS)
