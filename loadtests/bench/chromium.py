"""Real Chromium against a media process: pages that publish and watch."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
from playwright.sync_api import Browser, Page, sync_playwright

from loadtests.bench.media_process import MediaProcess

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]
PATIENCE_SECONDS = 30.0


class Tab:
    """One page with at most one peer connection."""

    def __init__(self, page: Page, server: MediaProcess) -> None:
        self._page = page
        self._server = server

    def call(self, function: str, *arguments: Any) -> Any:
        """Run a function of the page."""
        return self._page.evaluate(f"(all) => {function}(...all)", list(arguments))

    def address(self, protocol: str) -> tuple[str, str]:
        """Return where an offer goes, and a token for it."""
        grant = "publish" if protocol == "whip" else "subscribe"
        claims = {"aud": "media", "sub": grant, "room": "r1", "seat": "host", "grant": grant}
        token = jwt.encode({**claims, "iat": time.time(), "exp": time.time() + 600}, self._server.secret)
        return f"http://127.0.0.1:{self._server.port}/{protocol}/r1/host", token

    def stats(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return inbound-rtp or outbound-rtp reports by kind of media."""
        found: dict[str, dict[str, Any]] = self.call("stats", kind)
        return found

    def until_frames(self, count: int) -> None:
        """Wait until that many frames are decoded."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.stats("inbound-rtp").get("video", {}).get("framesDecoded", 0) < count:
            if time.monotonic() > deadline:
                raise SystemExit("no picture came")
            time.sleep(0.05)


class Chromium:
    """A browser and the origin its pages come from."""

    def __init__(self, browser: Browser, origin: str, server: MediaProcess) -> None:
        self._browser = browser
        self._origin = origin
        self._server = server

    def open(self, relay_port: int = 0) -> Tab:
        """Return a page; with a relay its media goes there."""
        page = self._browser.new_page()
        page.add_init_script(f"window.relayPort = {relay_port}")
        page.goto(self._origin)
        return Tab(page, self._server)


@contextlib.contextmanager
def chromium(server: MediaProcess) -> Iterator[Chromium]:
    """Start a browser with a fake camera and microphone."""
    with _serving_page() as origin, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield Chromium(browser, origin, server)
        browser.close()


@contextlib.contextmanager
def _serving_page() -> Iterator[str]:
    page = Path(__file__).with_name("webrtc.html").read_bytes()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}/"
        site.shutdown()
        thread.join()
