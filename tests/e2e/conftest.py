"""A demo and a browser for the whole session; people of their own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, ViewportSize, async_playwright

from tests.e2e.demo import Demo
from tests.e2e.person import Person

ARGUMENTS = [
    "--no-sandbox",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--autoplay-policy=no-user-gesture-required",
]

REMEMBER_CONNECTIONS = """
  window.connectionsOfThisPage = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) { super(...options); window.connectionsOfThisPage.push(this); }
  };
"""
"""Lets tests ask the page's own peer connections what they decoded."""

OpenPerson = Callable[..., Awaitable[Person]]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo."""
    running = Demo(tmp_path_factory.mktemp("demo"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A real Chromium with a fake camera."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield chromium
        await chromium.close()


@pytest.fixture
async def person(browser: Browser, demo: Demo) -> AsyncIterator[OpenPerson]:
    """Opens a browser context for a person of the demo."""
    async with people_of(demo, browser) as open_person:
        yield open_person


@pytest.fixture
def fresh_demo(tmp_path: Path) -> Iterator[Demo]:
    """A demo of the test's own, in which nothing has happened yet."""
    running = Demo(tmp_path / "demo")
    running.start()
    yield running
    running.stop()


@pytest.fixture
async def newcomer(browser: Browser, fresh_demo: Demo) -> AsyncIterator[OpenPerson]:
    """Opens a browser context for a person of the fresh demo."""
    async with people_of(fresh_demo, browser) as open_person:
        yield open_person


@asynccontextmanager
async def people_of(demo: Demo, browser: Browser) -> AsyncIterator[OpenPerson]:
    """Opens a browser context for a person of a demo; fails the test if a page reports an error."""
    problems: list[str] = []
    async with AsyncExitStack() as stack:

        async def open_person(role: str | None = None, *, phone: bool = False, locale: str = "en") -> Person:
            size: ViewportSize = {"width": 390, "height": 844} if phone else {"width": 1440, "height": 900}
            context = await browser.new_context(
                viewport=size, locale=locale, has_touch=phone, base_url=demo.url
            )
            stack.push_async_callback(context.close)
            await context.grant_permissions(["camera", "microphone"])
            await context.add_init_script(REMEMBER_CONNECTIONS)
            page: Page = await context.new_page()
            page.on("pageerror", lambda error: problems.append(f"{role}: {error}"))
            page.on(
                "console", lambda line: problems.append(f"{role}: {line.text}") if _is_trouble(line) else None
            )
            someone = Person(page, demo.url)
            if role is not None:
                await someone.sign_in(role)
            return someone

        yield open_person
    assert problems == []


def _is_trouble(line: ConsoleMessage) -> bool:
    """An error; three refusals that the browser logs itself are none: the 409 by which WHEP says that the
    picture has just gone, the 404 for a session that died with its media process, and that of a catalogue
    file with wrong rows.
    """
    url = line.location["url"]
    picture_gone = "status of 409" in line.text and "/whep/" in url
    session_gone = "status of 404" in line.text and "/session/" in url
    wrong_file = "status of 4" in line.text and "/products." in url
    return line.type == "error" and not (picture_gone or session_gone or wrong_file)
