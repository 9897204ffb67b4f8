"""Chromium publishes, Chromium watches."""

from __future__ import annotations

from media.app import MediaServer
from tests.e2e.media.browser import Pages, plays
from tests.integration.media.waiting import until


async def test_a_viewer_sees_and_hears_the_host(server: MediaServer, pages: Pages) -> None:
    host, viewer = await pages.open(), await pages.open()
    await host.publish()
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    await viewer.watch()

    reports = await viewer.until("inbound-rtp", plays)

    assert reports["video"]["frameWidth"] == 640


async def test_the_hosts_bitrate_rises_by_congestion_feedback(server: MediaServer, pages: Pages) -> None:
    host = await pages.open()
    await host.publish()

    await host.until(
        "outbound-rtp", lambda reports: reports.get("video", {}).get("targetBitrate", 0) > 1_000_000
    )


async def test_a_viewer_goes_on_when_the_host_publishes_again(server: MediaServer, pages: Pages) -> None:
    first, second, viewer = await pages.open(), await pages.open(), await pages.open()
    await first.publish()
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    await viewer.watch()
    await viewer.until("inbound-rtp", plays)

    await second.publish()
    stream = server.forwarder.streams["r1", "host"]
    await until(lambda: stream.is_live)
    before = await viewer.stats("inbound-rtp")

    await viewer.until(
        "inbound-rtp",
        lambda reports: reports["video"]["framesDecoded"] > before["video"]["framesDecoded"] + 30,
    )
    assert len(stream.viewers) == 1
