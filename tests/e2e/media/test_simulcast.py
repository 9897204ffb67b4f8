"""Chromium publishes three layers; each viewer is sent the one the line carries."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from media.app import MediaServer
from media.sink import Leg
from media.track import Packet
from media.viewer import Viewer
from tests.e2e.media.browser import Pages, Tab, plays
from tests.integration.media.waiting import until

THIN_BITS_PER_SECOND = 300_000


class ThinLine:
    """Drops what goes beyond a line's capacity, for one viewer; others are not touched."""

    def __init__(self, server: MediaServer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ssrcs: set[int] = set()
        self._tokens, self._at = 0.0, time.monotonic()
        self._send = server.forwarder.egress.send
        monkeypatch.setattr(server.forwarder.egress, "send", self.send)

    def narrow(self, viewer: Viewer) -> None:
        """Carry only so much to this viewer from now on."""
        legs = (viewer.sink.leg("video"), viewer.sink.repair_leg("video"))
        self.ssrcs = {leg.ssrc for leg in legs if leg is not None}

    def send(self, packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        """Send, or lose."""
        thin = [leg for leg in legs if leg.ssrc in self.ssrcs]
        self._send(packets, [leg for leg in legs if leg.ssrc not in self.ssrcs])
        if thin:
            self._send([packet for packet in packets if self._carries(len(packet.payload))], thin)

    def _carries(self, octets: int) -> bool:
        now = time.monotonic()
        grown = (now - self._at) * THIN_BITS_PER_SECOND / 8
        self._tokens, self._at = min(20_000.0, self._tokens + grown), now
        if self._tokens < octets:
            return False
        self._tokens -= octets
        return True


async def three_layers(server: MediaServer, pages: Pages) -> Tab:
    host = await pages.open()
    await host.publish(simulcast=True)
    await until(lambda: server.forwarder.streams["r1", "host"].is_live)
    stream = server.forwarder.streams["r1", "host"]
    await until(lambda: all(stream.tracks["video", layer].is_open for layer in range(3)))
    return host


async def test_three_layers_arrive_and_a_viewer_gets_the_best(server: MediaServer, pages: Pages) -> None:
    host, viewer = await three_layers(server, pages), await pages.open()
    await viewer.watch()

    reports = await viewer.until(
        "inbound-rtp", lambda found: plays(found) and found["video"]["frameWidth"] >= 640
    )

    layers = await host.layers()
    assert {rid: layer["frameWidth"] for rid, layer in layers.items()} == {"q": 320, "h": 640, "f": 1280}
    assert all(layer["framesSent"] > 0 for layer in layers.values())
    assert reports["audio"]["packetsReceived"] > 0


async def test_a_thin_line_gets_the_small_layer_and_a_picture_that_moves(
    server: MediaServer, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ThinLine(server, monkeypatch)
    await three_layers(server, pages)
    thin, wide = await pages.open(), await pages.open()
    await thin.watch(person="p2")
    await wide.watch(person="p3")
    stream = server.forwarder.streams["r1", "host"]
    await until(lambda: len(stream.viewers) == 2)
    await thin.until("inbound-rtp", plays)
    await wide.until("inbound-rtp", plays)

    line.narrow(next(viewer for viewer in stream.viewers if viewer.person == "p2"))

    small = await thin.until("inbound-rtp", lambda found: found["video"]["frameWidth"] == 320)
    moving = await thin.until(
        "inbound-rtp",
        lambda found: found["video"]["framesDecoded"] > small["video"]["framesDecoded"] + 30,
    )
    assert moving["video"]["framesPerSecond"] > 0
    assert (await wide.stats("inbound-rtp"))["video"]["frameWidth"] > 320


async def test_a_line_that_widens_gets_the_big_picture_back(
    server: MediaServer, pages: Pages, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = ThinLine(server, monkeypatch)
    await three_layers(server, pages)
    tab = await pages.open()
    await tab.watch()
    await tab.until("inbound-rtp", plays)
    [viewer] = server.forwarder.streams["r1", "host"].viewers
    line.narrow(viewer)
    await tab.until("inbound-rtp", lambda _: viewer.sink.layer == 0)

    line.ssrcs = set()

    await tab.until("inbound-rtp", lambda found: viewer.sink.layer > 0 and found["video"]["frameWidth"] > 320)
