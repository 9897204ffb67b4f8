"""Real Chromium beside a real media process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright
from starlette.applications import Starlette
from starlette.responses import FileResponse
from starlette.routing import Route

import loadtests.bench
from media.app import MediaServer
from tests.e2e.media.browser import CHROMIUM, FLAGS, Pages
from tests.integration.media.conftest import hook_url, http, server
from tests.integration.media.serving import serve

__all__ = ["hook_url", "http", "server"]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """Headless Chromium with a fake camera and microphone."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def pages(browser: Browser, server: MediaServer) -> AsyncIterator[Pages]:
    """Opens test pages of another origin than the media process."""
    page = Path(loadtests.bench.__file__).with_name("webrtc.html")
    app = Starlette(routes=[Route("/", lambda _request: FileResponse(page))])
    async with serve(app) as port:
        yield Pages(browser, f"http://127.0.0.1:{port}/", f"http://127.0.0.1:{server.port}")
