"""WHIP (RFC 9725) and WHEP (draft 03) over HTTP, rule by rule; docs/whip-whep.md names each test."""

from __future__ import annotations

import base64
import hmac
import re
import time
from typing import Any

import httpx
import pytest

from media.app import MediaServer
from media.exchange import MAX_BODY
from media.limits import BURST
from tests.integration.media.clients import Client, bearer, publishing
from tests.integration.media.conftest import ICE_SERVERS, MAX_GUESTS, MAX_VIEWERS, TURN_SECRET
from tests.integration.media.offers import offer_text

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}
CANDIDATE = "a=ice-ufrag:abcd\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n"

pytestmark = pytest.mark.usefixtures("server")


async def publish(http: httpx.AsyncClient, *, offer: str = "obs", person: str = "p1") -> httpx.Response:
    headers = {**SDP, **bearer("publish", person=person)}
    return await http.post("/whip/r1/host", content=offer_text(offer), headers=headers)


async def test_an_offer_is_answered_with_201_and_a_session(http: httpx.AsyncClient) -> None:
    response = await publish(http)

    assert response.status_code == 201
    assert response.headers["content-type"] == "application/sdp"
    assert response.headers["location"].startswith("/session/")
    assert response.headers["etag"].startswith('"')
    assert response.text.startswith("v=0\r\n")
    assert "a=recvonly" in response.text


async def test_session_addresses_cannot_be_guessed(http: httpx.AsyncClient) -> None:
    first, second = await publish(http), await publish(http)

    assert first.headers["location"] != second.headers["location"]
    assert len(first.headers["location"].removeprefix("/session/")) >= 32


async def test_a_content_type_with_parameters_is_taken(http: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "application/sdp; charset=utf-8", **bearer("publish")}

    response = await http.post("/whip/r1/host", content=offer_text("obs"), headers=headers)

    assert response.status_code == 201


TEXT = {"Content-Type": "text/plain"}


@pytest.mark.parametrize(
    ("headers", "grant", "content", "status"),
    [
        (SDP, None, "offer", 401),
        ({**SDP, "Authorization": "Bearer rubbish"}, None, "offer", 401),
        (SDP, {"grant": "subscribe"}, "offer", 403),
        (SDP, {"grant": "publish", "room": "r2"}, "offer", 403),
        (SDP, {"grant": "publish", "seat": "guest-1"}, "offer", 403),
        (TEXT, {"grant": "publish"}, "offer", 415),
        (SDP, {"grant": "publish"}, "hello", 400),
        (SDP, {"grant": "publish"}, "", 400),
        (SDP, {"grant": "publish"}, "x" * (MAX_BODY + 1), 413),
    ],
)
async def test_a_bad_request_is_refused_with_a_reason(
    http: httpx.AsyncClient, headers: dict[str, str], grant: dict[str, Any] | None, content: str, status: int
) -> None:
    body = offer_text("obs") if content == "offer" else content
    token = bearer(**grant) if grant else {}

    response = await http.post("/whip/r1/host", content=body, headers={**headers, **token})

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"]


async def test_a_missing_token_is_asked_for(http: httpx.AsyncClient) -> None:
    response = await http.post("/whip/r1/host", content=offer_text("obs"), headers=SDP)

    assert response.headers["www-authenticate"].startswith("Bearer")


async def test_another_codec_is_told_what_to_choose(http: httpx.AsyncClient) -> None:
    offer = offer_text("obs").replace("H264/90000", "VP8/90000")

    response = await http.post("/whip/r1/host", content=offer, headers={**SDP, **bearer("publish")})

    assert response.status_code == 422
    assert "H264" in response.json()["detail"]


async def test_a_stream_that_is_not_live_is_409_with_retry_after(http: httpx.AsyncClient) -> None:
    headers = {**SDP, **bearer("subscribe", seat=None)}

    response = await http.post("/whep/r1/host", content=offer_text("chromium_viewer"), headers=headers)

    assert response.status_code == 409
    assert int(response.headers["retry-after"]) >= 1


async def test_a_live_stream_is_answered_sendonly(http: httpx.AsyncClient, server: MediaServer) -> None:
    async with publishing(http, server):
        headers = {**SDP, **bearer("subscribe", seat=None, person="p2")}
        response = await http.post("/whep/r1/host", content=offer_text("chromium_viewer"), headers=headers)

    assert response.status_code == 201
    assert response.text.count("a=sendonly") == 2


async def test_one_viewer_too_many_is_503_with_retry_after(
    http: httpx.AsyncClient, server: MediaServer
) -> None:
    headers = {**SDP, **bearer("subscribe", seat=None, person="p2")}
    async with publishing(http, server):
        responses = [
            await http.post("/whep/r1/host", content=offer_text("chromium_viewer"), headers=headers)
            for _ in range(MAX_VIEWERS + 1)
        ]

    assert [response.status_code for response in responses] == [201] * MAX_VIEWERS + [503]
    assert int(responses[-1].headers["retry-after"]) >= 1


async def watch_as_guest(http: httpx.AsyncClient, person: str) -> httpx.Response:
    headers = {**SDP, **bearer("subscribe", seat=None, person=person, guest=True)}
    return await http.post("/whep/r1/host", content=offer_text("chromium_viewer"), headers=headers)


async def test_guests_of_one_address_are_counted_together_and_leave_room_for_others(
    http: httpx.AsyncClient, server: MediaServer
) -> None:
    async with publishing(http, server):
        guests = [await watch_as_guest(http, f"guest-{number}") for number in range(MAX_GUESTS + 1)]
        member = await http.post(
            "/whep/r1/host",
            content=offer_text("chromium_viewer"),
            headers={**SDP, **bearer("subscribe", seat=None, person="p2")},
        )
        await http.delete(guests[0].headers["location"])
        again = await watch_as_guest(http, "guest-9")

    assert [guest.status_code for guest in guests] == [201] * MAX_GUESTS + [429]
    assert int(guests[-1].headers["retry-after"]) >= 1
    assert (member.status_code, again.status_code) == (201, 201)


async def test_get_and_head_have_no_content(http: httpx.AsyncClient) -> None:
    session = (await publish(http)).headers["location"]

    for path in ("/whip/r1/host", "/whep/r1/host", session):
        for method in ("GET", "HEAD"):
            response = await http.request(method, path)
            assert response.status_code == 200
            assert response.content == b""


async def test_a_preflight_needs_no_token_and_says_what_is_taken(http: httpx.AsyncClient) -> None:
    session = (await publish(http)).headers["location"]

    for path in ("/whip/r1/host", "/whep/r1/host", session):
        response = await http.options(
            path, headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
        )
        assert response.is_success
        assert response.headers["accept-post"] == "application/sdp"
        assert response.headers["access-control-allow-origin"] == "*"
        assert {"PATCH", "DELETE", "POST"} <= set(
            response.headers["access-control-allow-methods"].split(", ")
        )
        assert {"Authorization", "Content-Type", "If-Match"} <= set(
            response.headers["access-control-allow-headers"].split(", ")
        )


async def test_pages_of_other_origins_can_read_the_answer(http: httpx.AsyncClient) -> None:
    response = await publish(http)

    assert response.headers["access-control-allow-origin"] == "*"
    exposed = set(response.headers["access-control-expose-headers"].split(", "))
    assert {"Location", "ETag", "Link"} <= exposed


async def test_refusals_can_be_read_by_pages_too(http: httpx.AsyncClient) -> None:
    response = await http.post("/whip/r1/host", headers=SDP)

    assert response.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_allowed_on_the_endpoint(http: httpx.AsyncClient, method: str) -> None:
    response = await http.request(method, "/whip/r1/host")

    assert response.status_code == 405
    assert "POST" in response.headers["allow"]


async def test_delete_ends_the_session_whatever_its_etag(
    http: httpx.AsyncClient, server: MediaServer
) -> None:
    session = (await publish(http)).headers["location"]

    response = await http.delete(session, headers={"If-Match": '"stale"'})

    assert response.status_code == 200
    assert not server.forwarder.sessions
    assert (await http.delete(session)).status_code == 200
    assert (await http.get(session)).status_code == 404


async def test_a_candidate_is_taken_without_an_answer(http: httpx.AsyncClient) -> None:
    created = await publish(http)

    response = await http.patch(
        created.headers["location"],
        content=CANDIDATE,
        headers={**FRAGMENT, "If-Match": created.headers["etag"]},
    )

    assert response.status_code == 204
    assert response.content == b""


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (FRAGMENT, 428),
        ({**FRAGMENT, "If-Match": '"stale"'}, 412),
        ({"Content-Type": "application/sdp", "If-Match": "*"}, 415),
    ],
)
async def test_a_patch_that_names_no_current_session_is_refused(
    http: httpx.AsyncClient, server: MediaServer, headers: dict[str, str], status: int
) -> None:
    session = (await publish(http)).headers["location"]

    response = await http.patch(session, content=CANDIDATE, headers=headers)

    assert response.status_code == status
    assert len(server.forwarder.sessions) == 1


@pytest.mark.parametrize("tag", ["*", '"*"'])
async def test_a_restart_brings_new_credentials_and_a_new_etag(http: httpx.AsyncClient, tag: str) -> None:
    created = await publish(http)

    response = await http.patch(
        created.headers["location"], content=CANDIDATE, headers={**FRAGMENT, "If-Match": tag}
    )

    assert response.status_code == 200
    assert response.headers["content-type"] == "application/trickle-ice-sdpfrag"
    assert response.headers["etag"] != created.headers["etag"]
    assert response.headers["etag"].strip('"') in response.text
    late = await http.patch(
        created.headers["location"],
        content=CANDIDATE,
        headers={**FRAGMENT, "If-Match": created.headers["etag"]},
    )
    assert late.status_code == 412


async def test_a_failed_restart_ends_nothing(http: httpx.AsyncClient, server: MediaServer) -> None:
    created = await publish(http)

    response = await http.patch(
        created.headers["location"], content="hello", headers={**FRAGMENT, "If-Match": "*"}
    )

    assert response.status_code == 400
    assert len(server.forwarder.sessions) == 1
    assert (await http.get(created.headers["location"])).status_code == 200


async def test_an_unknown_session_is_404(http: httpx.AsyncClient) -> None:
    for method in ("GET", "DELETE", "PATCH"):
        assert (await http.request(method, "/session/nobody")).status_code == 404


async def test_ice_servers_come_as_one_link_header_each(http: httpx.AsyncClient) -> None:
    links = (await publish(http)).headers.get_list("link")

    assert [link.split(";")[0] for link in links] == [f"<{url}>" for url in ICE_SERVERS]
    assert links[0] == f'<{ICE_SERVERS[0]}>; rel="ice-server"'


async def test_turn_credentials_expire_and_are_what_coturn_computes(http: httpx.AsyncClient) -> None:
    link = (await publish(http)).headers.get_list("link")[1]

    found = re.search(r'username="(\d+):media"; credential="([^"]+)"; credential-type="password"', link)
    assert found is not None
    expires, credential = found.groups()
    assert 0 < int(expires) - time.time() < 24 * 3600
    expected = hmac.digest(TURN_SECRET.encode(), f"{expires}:media".encode(), "sha1")
    assert credential == base64.b64encode(expected).decode()


async def test_sessions_are_opened_at_a_bounded_rate(http: httpx.AsyncClient) -> None:
    statuses = [(await publish(http)).status_code for _ in range(int(BURST) + 5)]

    assert statuses[0] == 201
    assert statuses[-1] == 429


async def test_the_same_person_takes_over_and_somebody_else_does_not(
    http: httpx.AsyncClient, server: MediaServer
) -> None:
    first = await publish(http, person="p1")

    other = await publish(http, person="p9")
    again = await publish(http, person="p1")

    assert other.status_code == 409
    assert again.status_code == 201
    assert (await http.get(first.headers["location"])).status_code == 404
    assert len(server.forwarder.sessions) == 1


async def test_metrics_are_not_for_the_internet(http: httpx.AsyncClient) -> None:
    refused = await http.get("/metrics", headers={"X-Forwarded-For": "8.8.8.8"})
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")


async def test_health_and_metrics_are_served(http: httpx.AsyncClient, server: MediaServer) -> None:
    async with publishing(http, server):
        metrics = (await http.get("/metrics")).text

    assert (await http.get("/healthz")).status_code == 200
    assert 'media_viewers{room="r1",seat="host"} 0' in metrics
    assert "media_streams 1\n" in metrics
    for name in ("sent_packets_total", "drain_seconds_sum", "viewers_capacity", "resident_bytes"):
        assert f"\nmedia_{name} " in metrics
    for name in ("received_bytes_total", "stream_sent_bytes_total", "viewer_nacks_total", "lost_packets"):
        assert f'\nmedia_{name}{{room="r1",seat="host"}} ' in metrics


async def test_two_clients_share_one_port(http: httpx.AsyncClient, server: MediaServer) -> None:
    async with publishing(http, server):
        viewers = [Client(http), Client(http)]
        for number, viewer in enumerate(viewers):
            await viewer.watch(person=f"p{number + 2}")
            await viewer.tracks["audio"].recv()
        for viewer in viewers:
            await viewer.close()
