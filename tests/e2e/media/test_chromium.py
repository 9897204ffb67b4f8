"""Chromium publishes, Chromium watches."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from media.app import MediaServer
from media.sink import Leg
from media.track import Packet
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


async def test_what_a_viewer_loses_is_repeated_and_decoded(
    server: MediaServer, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    egress, chance = server.forwarder.egress, random.Random(7)
    send = egress.send

    def send_lossily(packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        send([packet for packet in packets if chance.random() > 0.03], legs)

    monkeypatch.setattr(egress, "send", send_lossily)
    host, viewer = await pages.open(), await pages.open()
    await host.publish()
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    await viewer.watch()

    reports = await viewer.until(
        "inbound-rtp", lambda reports: reports.get("video", {}).get("framesDecoded", 0) > 150
    )

    assert reports["video"]["nackCount"] > 0
    assert reports["video"]["retransmittedPacketsReceived"] > 0


async def test_a_viewer_starts_with_the_cached_gop(server: MediaServer, pages: Pages) -> None:
    host, first, second = await pages.open(), await pages.open(), await pages.open()
    await host.publish()
    stream = server.forwarder.streams["r1", "host"]
    await until(lambda: stream.is_live)
    await first.watch()
    await first.until("inbound-rtp", plays)
    assert stream.publisher is not None
    requested = stream.publisher.source.keyframes_requested

    await second.watch()

    reports = await second.until("inbound-rtp", plays)
    assert reports["video"]["keyFramesDecoded"] >= 1
    assert stream.publisher.source.keyframes_requested == requested
