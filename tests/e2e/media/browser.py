"""A page in Chromium as publisher or viewer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from playwright.async_api import Browser, Page

from tests.integration.media.clients import bearer

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]

Report = dict[str, Any]


class Tab:
    """One page with at most one peer connection."""

    def __init__(self, page: Page, media: str) -> None:
        self.page = page
        self._media = media

    async def publish(self, *, seat: str = "host", person: str = "p1", simulcast: bool = False) -> None:
        """Go live with the fake camera and microphone; simulcast is three layers of 720p."""
        token = _token("publish", seat=seat, person=person)
        size = {"width": 1280, "height": 720} if simulcast else {"width": 640, "height": 360}
        await self.page.evaluate(
            "(all) => publish(...all)", [f"{self._media}/whip/r1/{seat}", token, size, simulcast]
        )

    async def layers(self) -> dict[str, Report]:
        """Return the outbound reports of the picture by RID."""
        found: dict[str, Report] = await self.page.evaluate("() => layers()")
        return found

    async def watch(self, *, seat: str = "host", person: str = "p2") -> None:
        """Play a stream."""
        token = _token("subscribe", seat=seat, person=person)
        await self.page.evaluate(
            "([url, token]) => watch(url, token)", [f"{self._media}/whep/r1/{seat}", token]
        )

    async def stats(self, kind: str) -> dict[str, Report]:
        """Return the inbound-rtp or outbound-rtp reports by kind of media."""
        found: dict[str, Report] = await self.page.evaluate("(kind) => stats(kind)", kind)
        return found

    async def transport(self) -> str:
        """Return `udp` or `tcp`: what the chosen pair of candidates speaks."""
        found: str = await self.page.evaluate("() => transport()")
        return found

    async def until(self, kind: str, holds: Callable[[dict[str, Report]], bool]) -> dict[str, Report]:
        """Return the first reports that satisfy `holds`; raise TimeoutError after half a minute."""
        async with asyncio.timeout(30):
            while not holds(found := await self.stats(kind)):  # noqa: ASYNC110 - statistics have no event
                await asyncio.sleep(0.05)
        return found


class Pages:
    """Opens tabs."""

    def __init__(self, browser: Browser, origin: str, media: str) -> None:
        self._browser = browser
        self._origin = origin
        self._media = media

    async def open(self, *, without_udp: bool = False) -> Tab:
        """Return a fresh tab, or one that finds no server over UDP."""
        page = await self._browser.new_page()
        await page.add_init_script(f"window.withoutUdp = {str(without_udp).lower()}")
        await page.goto(self._origin)
        return Tab(page, self._media)


def plays(reports: dict[str, Report]) -> bool:
    """Tell whether frames are decoded and sound arrives."""
    video, audio = reports.get("video", {}), reports.get("audio", {})
    return bool(video.get("framesDecoded", 0) > 10 and audio.get("packetsReceived", 0) > 10)


def _token(grant: str, *, seat: str, person: str) -> str:
    return bearer(grant, seat=seat, person=person)["Authorization"].removeprefix("Bearer ")
