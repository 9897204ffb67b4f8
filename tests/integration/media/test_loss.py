"""A bad network between real clients and the server: what is lost is made good."""

from __future__ import annotations

import random
from collections.abc import Callable

import httpx
import pytest

from media.app import MediaServer
from media.endpoint.stun import Address
from media.rtp import is_rtcp
from tests.integration.media.clients import Client
from tests.integration.media.waiting import until

LOSS = 0.05
FRAMES = 60


def lossy(forward: Callable[[bytes, Address, float], None]) -> Callable[[bytes, Address, float], None]:
    """Return a receiver that loses every twentieth media packet, the same ones in every run."""
    chance = random.Random(7)

    def receive(data: bytes, address: Address, now: float) -> None:
        is_media = bool(data) and data[0] >> 6 == 2 and not is_rtcp(data)
        if not (is_media and chance.random() < LOSS):
            forward(data, address, now)

    return receive


async def test_what_the_publisher_loses_is_asked_for_and_comes(
    server: MediaServer, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = server.forwarder.endpoint
    monkeypatch.setattr(endpoint, "_dispatch", lossy(endpoint._dispatch))
    host, viewer = Client(http), Client(http)
    try:
        await host.publish()
        stream = server.forwarder.streams["r1", "host"]
        await until(lambda: stream.is_live)
        await viewer.watch()

        for _ in range(FRAMES):
            await viewer.tracks["video"].recv()

        assert stream.publisher is not None
        assert stream.publisher.source.nacked > 0
        assert stream.publisher.source.keyframes_requested == 0
    finally:  # what stays open would keep the loop from closing
        await viewer.close()
        await host.close()
