"""Chromium in a network that lets no UDP through."""

from __future__ import annotations

from media.app import MediaServer
from tests.e2e.media.browser import Pages, plays
from tests.integration.media.waiting import until


async def test_without_udp_host_and_viewer_come_over_tcp(server: MediaServer, pages: Pages) -> None:
    host, viewer = await pages.open(without_udp=True), await pages.open(without_udp=True)
    await host.publish()
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    await viewer.watch()

    await viewer.until("inbound-rtp", plays)

    assert (await host.transport(), await viewer.transport()) == ("tcp", "tcp")
    assert len(server.forwarder.endpoint.tcp.connections) >= 2
