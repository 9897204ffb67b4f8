"""A player whose offer cannot be served is made another one (WHEP draft 03, 406)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from media.app import MediaServer
from tests.integration.media.clients import bearer, publishing
from tests.integration.media.offers import offer_text
from tests.integration.media.waiting import until

SDP = {"Content-Type": "application/sdp"}


@pytest.fixture(autouse=True)
async def live(http: httpx.AsyncClient, server: MediaServer) -> AsyncIterator[None]:
    async with publishing(http, server):
        yield


def unservable() -> str:
    return offer_text("chromium_viewer").replace("H264/90000", "H263/90000")


async def ask(http: httpx.AsyncClient, offer: str) -> httpx.Response:
    headers = {**SDP, **bearer("subscribe", seat=None, person="p2")}
    return await http.post("/whep/r1/host", content=offer, headers=headers)


async def test_an_offer_that_cannot_be_served_is_406_with_an_offer_of_ours(http: httpx.AsyncClient) -> None:
    response = await ask(http, unservable())

    assert response.status_code == 406
    assert response.headers["content-type"] == "application/sdp"
    assert response.headers["location"].startswith("/session/")
    assert "a=setup:actpass" in response.text
    assert response.text.count("a=sendonly") == 2
    assert "H264/90000" in response.text


async def test_a_player_that_answers_our_offer_sees_and_hears(http: httpx.AsyncClient) -> None:
    refused = await ask(http, unservable())
    player = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    await player.setRemoteDescription(RTCSessionDescription(refused.text, "offer"))
    await player.setLocalDescription(await player.createAnswer())

    accepted = await http.patch(refused.headers["location"], content=player.localDescription.sdp, headers=SDP)

    assert (accepted.status_code, accepted.content) == (204, b"")
    for receiver in player.getReceivers():
        await receiver.track.recv()
    assert (await http.delete(refused.headers["location"])).status_code == 200
    await player.close()


async def test_a_bad_answer_leaves_the_offer_open(http: httpx.AsyncClient, server: MediaServer) -> None:
    session = (await ask(http, unservable())).headers["location"]

    rubbish = await http.patch(session, content="hello", headers=SDP)
    other = await http.patch(session, content=offer_text("chromium_viewer"), headers=SDP)

    assert (rubbish.status_code, other.status_code) == (400, 422)
    assert (await http.get(session)).status_code == 200
    assert (await http.delete(session)).status_code == 200
    assert (await http.get(session)).status_code == 404


async def test_an_offer_that_can_be_served_is_not_countered(
    http: httpx.AsyncClient, server: MediaServer
) -> None:
    assert (await ask(http, offer_text("chromium_viewer"))).status_code == 201
    assert (await ask(http, "rubbish")).status_code == 400
    await until(lambda: len(server.forwarder.sessions) == 2)
