"""What the gateway and the media plane say to each other, and to engines that take its place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from livecommerce.clock import now_ms
from livecommerce.gateway import media_plane
from livecommerce.gateway.auth import ENCODER_SECONDS
from livecommerce.gateway.http.application import application
from livecommerce.gateway.http.media import MediaRoutes
from livecommerce.gateway.http.media_hooks import media_hook_routes
from livecommerce.gateway.media_plane import MediaControl, MediaPlane
from livecommerce.room import room as rules
from livecommerce.room import stage
from livecommerce.room.cards import PersonCard
from livecommerce.signatures import media_key, sign, verify
from tests.fakes import FakeBus, FakePictures, FakeRooms
from tests.gateway import SECRET, TestGateway, no_lifespan, running_gateway
from tests.rooms import HOST, ROOM

ENGINE = "https://engine.example/{room}/{seat}/{protocol}?t={token}"


@pytest.fixture
async def gateway() -> AsyncIterator[TestGateway]:
    async with running_gateway(FakeRooms(), FakeBus()) as gateway:
        yield gateway


def client(
    gateway: TestGateway, plane: str = "https://media.example", pictures: FakePictures | None = None
) -> httpx.AsyncClient:
    routes = [
        *MediaRoutes(MediaPlane(plane), gateway.tokens, gateway.rooms).routes(),
        *media_hook_routes(gateway.rooms, pictures or FakePictures(), SECRET, now_ms),
    ]
    transport = httpx.ASGITransport(application(routes, no_lifespan, ""))
    return httpx.AsyncClient(transport=transport, base_url="http://gateway.example")


async def end_show(gateway: TestGateway) -> None:
    served = await gateway.rooms.get(ROOM)
    await served.live.command(lambda state: rules.end_show(state, now_ms()))


@pytest.mark.parametrize("protocol", ["whip", "whep"])
async def test_an_offer_is_sent_on_by_307(gateway: TestGateway, protocol: str) -> None:
    async with client(gateway) as http:
        answer = await http.post(f"/{protocol}/r1/host", content="v=0")

    assert answer.status_code == 307
    assert answer.headers["location"] == f"https://media.example/{protocol}/r1/host"
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_an_offer_is_handed_over_to_an_engine_with_its_token(gateway: TestGateway) -> None:
    async with client(gateway, ENGINE) as http:
        answer = await http.post("/whip/r1/host", headers={"authorization": "Bearer a.b"})
        preflight = await http.options("/whip/r1/host")

    assert answer.headers["location"] == "https://engine.example/r1/host/whip?t=a.b"
    assert "authorization" in preflight.headers["access-control-allow-headers"]


def asked(gateway: TestGateway, grant: str, **changes: str) -> dict[str, str]:
    """What MediaMTX posts for a client with a good token."""
    token = (
        gateway.tokens.mint_publish(HOST, ROOM, "host")
        if grant == "publish"
        else gateway.tokens.mint_subscribe("p", ROOM, is_guest=True)
    )
    action = "publish" if grant == "publish" else "read"
    whole = {
        "action": action,
        "path": f"{ROOM}/host",
        "token": token,
        "protocol": "webrtc",
        "ip": "192.0.2.1",
    }
    return {**whole, **changes}


@pytest.mark.parametrize(
    ("grant", "changes", "status"),
    [
        ("publish", {}, 200),
        ("subscribe", {}, 200),
        ("subscribe", {"path": f"{ROOM}/guest-1"}, 200),
        ("publish", {"path": f"{ROOM}/guest-1"}, 403),
        ("publish", {"path": "another/host"}, 403),
        ("publish", {"action": "read"}, 403),
        ("subscribe", {"action": "publish"}, 403),
        ("subscribe", {"action": "api"}, 403),
        ("publish", {"token": ""}, 401),
        ("publish", {"token": "rubbish"}, 401),
    ],
)
async def test_an_engine_is_told_whether_a_token_is_good(
    gateway: TestGateway, grant: str, changes: dict[str, str], status: int
) -> None:
    async with client(gateway) as http:
        answer = await http.post("/api/media/auth", json=asked(gateway, grant, **changes))

    assert answer.status_code == status


async def test_srs_finds_its_token_in_the_address(gateway: TestGateway) -> None:
    token = gateway.tokens.mint_publish(HOST, ROOM, "host")
    hook = {"action": "on_publish", "app": ROOM, "stream": "host", "param": f"?token={token}"}
    async with client(gateway) as http:
        good = await http.post("/api/media/auth", json=hook)
        bad = await http.post("/api/media/auth", json={**hook, "stream": "guest-1"})

    assert (good.status_code, good.json()) == (200, {"code": 0})
    assert bad.status_code == 403


async def test_nobody_publishes_to_an_engine_after_the_show(gateway: TestGateway) -> None:
    await end_show(gateway)
    async with client(gateway) as http:
        publish = await http.post("/api/media/auth", json=asked(gateway, "publish"))
        watch = await http.post("/api/media/auth", json=asked(gateway, "subscribe"))

    assert (publish.status_code, watch.status_code) == (403, 200)


async def test_a_guest_publishes_while_the_seat_is_theirs(gateway: TestGateway) -> None:
    served = await gateway.rooms.get(ROOM)
    guest = PersonCard(person="p-guest", name="Ann", role="viewer")
    token = gateway.tokens.mint_publish("p-guest", ROOM, "guest-1")
    asks = {"action": "publish", "path": f"{ROOM}/guest-1", "token": token}
    async with client(gateway) as http:
        before = await http.post("/api/media/auth", json=asks)
        await served.live.command(lambda state: stage.give_seat(state, guest, now_ms()))
        during = await http.post("/api/media/auth", json=asks)
        shown = await report(gateway, "stream.alive", seat="guest-1")
        await served.live.command(lambda state: stage.vacate_seat(state, "guest-1", now_ms()))
        after = await http.post("/api/media/auth", json=asks)

    assert [answer.status_code for answer in (before, during, after)] == [403, 200, 403]
    assert (shown, await report(gateway, "stream.alive", seat="guest-1")) == (204, 410)


async def test_an_old_key_to_a_seat_that_is_somebody_elses_now_publishes_nothing(
    gateway: TestGateway,
) -> None:
    served = await gateway.rooms.get(ROOM)
    old = gateway.tokens.mint_publish("p-before", ROOM, "guest-1", ENCODER_SECONDS)
    guest = PersonCard(person="p-guest", name="Ann", role="viewer")
    await served.live.command(lambda state: stage.give_seat(state, guest, now_ms()))
    async with client(gateway) as http:
        asks = {"action": "publish", "path": f"{ROOM}/guest-1", "token": old}
        asked_by_engine = await http.post("/api/media/auth", json=asks)
    told_by_media = await report(gateway, "stream.started", seat="guest-1", person="p-before")

    assert (asked_by_engine.status_code, told_by_media) == (403, 410)
    assert not served.live.state.streams
    assert await report(gateway, "stream.started", seat="guest-1", person="p-guest") == 204
    assert [card.seat for card in served.live.state.streams] == ["guest-1"]


async def report(
    gateway: TestGateway,
    kind: str,
    room: str = ROOM,
    seat: str = "host",
    person: str = "",
    pictures: FakePictures | None = None,
) -> int:
    fields = {"type": kind, "room": room, "seat": seat, "stream": "s1", "at_ms": 5, "person": person}
    body = msgspec.json.encode(fields)
    headers = sign(media_key("media-hook", SECRET), "msg_1", now_ms(), body)
    async with client(gateway, pictures=pictures) as http:
        return (await http.post("/api/media/hooks", content=body, headers=headers)).status_code


async def test_a_living_stream_is_shown_even_if_its_start_was_missed(gateway: TestGateway) -> None:
    assert await report(gateway, "stream.alive") == 204

    state = (await gateway.rooms.get(ROOM)).live.state
    assert [(card.seat, card.stream) for card in state.streams] == [("host", "s1")]


@pytest.mark.parametrize("kind", ["stream.alive", "stream.stalled"])
async def test_every_report_of_a_picture_counts_as_a_sign_of_it(gateway: TestGateway, kind: str) -> None:
    pictures = FakePictures()
    await report(gateway, kind, pictures=pictures)
    await report(gateway, "stream.ended", room=ROOM, seat="guest-1", pictures=pictures)

    assert pictures.reported == {(ROOM, "s1")}


@pytest.mark.parametrize("kind", ["stream.started", "stream.alive", "stream.resumed"])
async def test_a_picture_after_the_show_is_gone(gateway: TestGateway, kind: str) -> None:
    await end_show(gateway)

    assert await report(gateway, kind) == 410
    assert await report(gateway, "stream.ended") == 204
    assert (await gateway.rooms.get(ROOM)).live.state.streams == ()


async def test_a_picture_of_no_room_is_gone(gateway: TestGateway) -> None:
    assert await report(gateway, "stream.alive", room="00" + "X" * 26) == 410


def test_an_engine_has_no_place_for_trial_connections() -> None:
    assert MediaPlane(ENGINE).check_address("r1", "host") is None


async def test_a_report_with_a_wrong_signature_is_refused(gateway: TestGateway) -> None:
    async with client(gateway) as http:
        answer = await http.post(
            "/api/media/hooks", content=msgspec.json.encode({}), headers={"webhook-id": "x"}
        )

    assert answer.status_code == 403


class MediaProcess:
    """Takes what it is told; is away for the first `failures` calls."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.told: list[Any] = []
        self.ids: list[str] = []
        route = Route("/control", self.receive, methods=["POST"])
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(application([route], no_lifespan, "")))

    async def receive(self, request: Request) -> Response:
        body = await request.body()
        self.ids.append(verify(media_key("media-control", SECRET), request.headers, body, now_ms()))
        self.failures -= 1
        if self.failures >= 0:
            return Response(status_code=503)
        self.told.append(msgspec.json.decode(body))
        return Response(status_code=204)


async def test_the_media_plane_is_told_until_it_has_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_plane, "PAUSES_SECONDS", (0.0, 0.0))
    media = MediaProcess(failures=2)

    await MediaControl(media.http, "http://media.example/", SECRET, now_ms).close_seats(ROOM, "")

    [told] = media.told
    assert (told["type"], told["room"], told["seat"]) == ("seat.closed", ROOM, "")
    assert len(media.ids) == 3
    assert len(set(media.ids)) == 1
    await media.http.aclose()
