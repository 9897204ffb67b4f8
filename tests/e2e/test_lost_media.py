"""What becomes of a show whose media process dies in the middle of it."""

from __future__ import annotations

import os
import signal

from playwright.async_api import expect

from tests.e2e.conftest import OpenPerson
from tests.e2e.demo import Demo
from tests.e2e.test_show import PATIENCE_MS, current_room, go_live, play

CONNECTIONS = "() => window.connectionsOfThisPage.length"


async def test_the_picture_comes_back_by_itself(newcomer: OpenPerson, fresh_demo: Demo) -> None:
    host = await newcomer("host")
    viewer = await newcomer("viewer", phone=True)
    room = await current_room(host)
    await go_live(host, room)
    await viewer.go(f"/room/{room}")
    await play(viewer)
    connections = await viewer.page.evaluate(CONNECTIONS)

    os.kill(fresh_demo.processes()["media"], signal.SIGKILL)

    # the last picture stays, with a word about it, until the studio publishes to the new process
    stuck = viewer.page.get_by_text("The picture is stuck")
    await expect(stuck).to_be_visible(timeout=PATIENCE_MS)
    await expect(stuck).to_be_hidden(timeout=2 * PATIENCE_MS)
    played = await play(viewer)
    assert played["frames"] > 10
    assert await viewer.page.evaluate(CONNECTIONS) > connections
    await expect(host.part("live-indicator")).to_be_visible()
