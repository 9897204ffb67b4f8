"""The gateway hears of a stream by signed calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.app import MediaServer
from media.events import EventType, StreamEvent
from media.hooks import DRAIN_SECONDS, Hooks, hook_key
from media.publisher import Publisher
from tests.integration.media.clients import SECRET, Client, bearer
from tests.integration.media.offers import offer_text
from tests.integration.media.serving import serve
from tests.integration.media.waiting import until

OTHER_SECRET = "another secret of thirty-two bytes or more"


class Gateway:
    """Takes hooks as the real gateway does; refuses the first `failures` of them."""

    def __init__(self) -> None:
        self.url = ""
        self.failures = 0
        self.attempts: list[str] = []
        self.events: list[dict[str, Any]] = []

    async def receive(self, request: Request) -> Response:
        """Verify the signature and keep the event."""
        event = Webhook(hook_key(SECRET)).verify(await request.body(), dict(request.headers))
        self.attempts.append(request.headers["webhook-id"])
        if len(self.attempts) <= self.failures:
            return Response(status_code=503)
        self.events.append(event)
        return Response(status_code=204)

    def types(self) -> list[str]:
        """Return the types of the events that tell something new, in the order they came."""
        return [event["type"] for event in self.events if event["type"] != "stream.alive"]


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A gateway's hook address."""
    gateway = Gateway()
    async with serve(Starlette(routes=[Route("/hook", gateway.receive, methods=["POST"])])) as port:
        gateway.url = f"http://127.0.0.1:{port}/hook"
        yield gateway


@pytest.fixture
def hook_url(gateway: Gateway) -> str:
    """The server under test calls this gateway."""
    return gateway.url


def event(kind: EventType, *, room: str = "r1") -> StreamEvent:
    return StreamEvent(kind, room, "host", "incarnation", 1)


async def test_a_stream_is_announced_when_its_media_flows_and_when_it_ends(
    gateway: Gateway, server: MediaServer, http: httpx.AsyncClient
) -> None:
    host = Client(http)
    await host.publish()
    await until(lambda: gateway.types() == ["stream.started"])
    await host.close()
    await until(lambda: gateway.types() == ["stream.started", "stream.ended"])

    started, ended = gateway.events
    assert (started["room"], started["seat"]) == ("r1", "host")
    assert started["stream"] == ended["stream"]
    assert started["at_ms"] <= ended["at_ms"]


async def test_a_session_that_never_sent_is_not_announced(
    gateway: Gateway, server: MediaServer, http: httpx.AsyncClient
) -> None:
    headers = {"Content-Type": "application/sdp", **bearer("publish")}
    created = await http.post("/whip/r1/host", content=offer_text("obs"), headers=headers)
    await http.delete(created.headers["location"])

    assert gateway.attempts == []


async def test_a_republished_stream_is_another_incarnation(
    gateway: Gateway, server: MediaServer, http: httpx.AsyncClient
) -> None:
    first, second = Client(http), Client(http)
    await first.publish()
    await until(lambda: gateway.types() == ["stream.started"])
    await second.publish()
    await until(lambda: len(gateway.types()) == 3)

    assert gateway.types() == ["stream.started", "stream.ended", "stream.started"]
    assert gateway.events[0]["stream"] == gateway.events[1]["stream"] != gateway.events[2]["stream"]
    await first.close()
    await second.close()


async def test_a_silent_publisher_is_stalled_and_comes_back(
    gateway: Gateway, server: MediaServer, http: httpx.AsyncClient
) -> None:
    host = Client(http)
    await host.publish(kinds="audio")
    await until(lambda: gateway.types() == ["stream.started"])
    (sender,) = host.connection.getSenders()
    track = sender.track
    sender.replaceTrack(None)
    publisher = server.forwarder.streams["r1", "host"].publisher
    assert isinstance(publisher, Publisher)
    await until(lambda: publisher.is_stalled)
    sender.replaceTrack(track)
    await until(lambda: gateway.types()[-1] == "stream.resumed")

    assert list(dict.fromkeys(gateway.types())) == ["stream.started", "stream.stalled", "stream.resumed"]
    await host.close()


async def test_a_refused_call_is_repeated_under_its_id_and_holds_back_the_next(gateway: Gateway) -> None:
    gateway.failures = 2
    hooks = Hooks(gateway.url, SECRET, httpx.AsyncClient())
    hooks.send(event("stream.started"))
    hooks.send(event("stream.ended"))

    await until(lambda: len(gateway.events) == 2)

    assert gateway.types() == ["stream.started", "stream.ended"]
    assert len(set(gateway.attempts[:3])) == 1
    assert len(set(gateway.attempts)) == 2
    await hooks.close()


async def test_what_is_repeated_does_not_queue_behind_itself(gateway: Gateway) -> None:
    gateway.failures = 2
    hooks = Hooks(gateway.url, SECRET, httpx.AsyncClient())
    hooks.send(event("stream.started"))
    for _ in range(3):
        hooks.send(event("stream.stalled"))
        hooks.send(event("stream.alive"))

    hooks.send(event("stream.ended"))
    await until(lambda: "stream.ended" in gateway.types())

    assert gateway.types() == ["stream.started", "stream.stalled", "stream.ended"]
    await hooks.close()


async def test_one_seats_trouble_is_not_anothers(gateway: Gateway) -> None:
    gateway.failures = 1
    hooks = Hooks(gateway.url, SECRET, httpx.AsyncClient())
    hooks.send(event("stream.started", room="r1"))
    hooks.send(event("stream.started", room="r2"))

    await until(lambda: len(gateway.events) == 2)

    assert {event["room"] for event in gateway.events} == {"r1", "r2"}
    await hooks.close()


async def test_stopping_does_not_wait_for_a_gateway_that_is_gone() -> None:
    hooks = Hooks("http://127.0.0.1:9/hook", SECRET, httpx.AsyncClient())
    hooks.send(event("stream.started"))

    async with asyncio.timeout(DRAIN_SECONDS + 5):
        await hooks.close()


async def test_without_an_address_nothing_is_sent(gateway: Gateway) -> None:
    hooks = Hooks("", SECRET, httpx.AsyncClient())
    hooks.send(event("stream.started"))
    await hooks.close()

    assert gateway.attempts == []


def test_the_signing_key_is_derived_from_the_shared_secret() -> None:
    assert hook_key(SECRET).startswith("whsec_")
    assert hook_key(SECRET) != hook_key(OTHER_SECRET)
