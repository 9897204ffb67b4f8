"""Trial connections, by HTTP and with aiortc."""

from __future__ import annotations

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from media import checks
from media.app import MediaServer
from tests.integration.media.clients import bearer
from tests.integration.media.offers import offer_text
from tests.integration.media.waiting import until

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture
def offer() -> str:
    return offer_text("chromium_viewer")


async def test_check_connects_though_nothing_is_live(server: MediaServer, http: httpx.AsyncClient) -> None:
    connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    connection.addTransceiver("audio", direction="recvonly")
    await connection.setLocalDescription(await connection.createOffer())
    answer = await http.post(
        "/check/r1/host", content=connection.localDescription.sdp, headers=SDP | bearer("publish")
    )
    assert answer.status_code == 201
    await connection.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
    await until(lambda: connection.connectionState == "connected")
    assert not server.forwarder.sessions
    assert not server.forwarder.streams

    assert (await http.delete(answer.headers["location"])).is_success
    assert not server.forwarder.endpoint.peers
    await connection.close()


async def test_check_ends_by_itself(
    server: MediaServer, http: httpx.AsyncClient, offer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "CHECK_SECONDS", 0.0)
    answer = await http.post("/check/r1/host", content=offer, headers=SDP | bearer("subscribe", seat=None))
    assert answer.status_code == 201
    await until(lambda: not server.forwarder.endpoint.peers)
    assert (await http.delete(answer.headers["location"])).status_code == 404


async def test_check_is_for_who_holds_a_token_of_the_seat(http: httpx.AsyncClient, offer: str) -> None:
    elsewhere, beside = bearer("subscribe", room="other", seat=None), bearer("publish", seat="guest-1")
    for headers, status in (({}, 401), (elsewhere, 403), (beside, 403)):
        answer = await http.post("/check/r1/host", content=offer, headers=SDP | headers)
        assert answer.status_code == status


async def test_checks_are_limited_apart_from_sessions(http: httpx.AsyncClient, offer: str) -> None:
    headers = SDP | bearer("subscribe", seat=None)
    statuses = [
        (await http.post("/check/r1/host", content=offer, headers=headers)).status_code for _ in range(40)
    ]
    assert statuses[0] == 201
    assert statuses[-1] == 429
    watched = await http.post("/whep/r1/host", content=offer, headers=headers)
    assert watched.status_code == 409


async def test_only_so_many_checks_are_open_at_once(
    server: MediaServer, http: httpx.AsyncClient, offer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "MAX_OPEN", 1)
    headers = SDP | bearer("subscribe", seat=None)
    first = await http.post("/check/r1/host", content=offer, headers=headers)
    second = await http.post("/check/r1/host", content=offer, headers=headers)
    assert (first.status_code, second.status_code) == (201, 503)
    assert len(server.forwarder.endpoint.peers) == 1
