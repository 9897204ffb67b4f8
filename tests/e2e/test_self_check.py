"""The studio's check of the connection, before anything is live."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import OpenPerson

CHECK_MS = 30_000
CHECKS = ("page", "devices", "messages", "udp", "tcp")


@pytest.mark.parametrize("phone", [False, True])
async def test_host_finds_every_way_open_before_going_live(person: OpenPerson, phone: bool) -> None:
    host = await person("host", phone=phone, locale="zh-CN" if phone else "en")
    starts_ms = int(time.time() * 1000) + (90 + phone) * 86_400_000
    title = {"en": "A show", "zh-CN": "一场直播"}
    show = {"title": title, "starts_ms": starts_ms, "time_zone": "Asia/Shanghai"}
    room = (await host.api("POST", "/api/rooms", show))["room"]
    await host.go(f"/studio/{room}")
    if phone:
        await host.page.get_by_role("tab").last.click()
    await host.part("self-check").click()
    for name in CHECKS:
        await expect(host.part(f"check-{name}")).to_have_attribute("data-outcome", "well", timeout=CHECK_MS)
    await host.meets_no_barrier()
    if folder := os.environ.get("SHOT"):
        await host.page.screenshot(path=Path(folder) / f"check-{phone}.png")
    await expect(host.part("studio")).to_have_attribute("data-phase", "scheduled")
