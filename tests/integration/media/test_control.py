"""The gateway closes seats, by a signed message or by its answer to a report."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from media.app import MediaServer
from media.hooks import webhook_key
from tests.integration.media.clients import SECRET, Client, bearer
from tests.integration.media.offers import offer_text
from tests.integration.media.serving import serve
from tests.integration.media.waiting import until

SDP = {"Content-Type": "application/sdp"}


async def publish(http: httpx.AsyncClient, seat: str = "host", ago: float = 1.0) -> httpx.Response:
    headers = {**SDP, **bearer("publish", seat=seat, ago=ago)}
    return await http.post(f"/whip/r1/{seat}", content=offer_text("obs"), headers=headers)


async def close(
    http: httpx.AsyncClient,
    seat: str,
    *,
    at: float | None = None,
    purpose: str = "media-control",
    kind: str = "seat.closed",
) -> int:
    at_ms = int((time.time() if at is None else at) * 1000)
    body = json.dumps({"type": kind, "room": "r1", "seat": seat, "at_ms": at_ms})
    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(webhook_key(purpose, SECRET)).sign("msg_1", now, body),
    }
    return (await http.post("/control", content=body, headers=headers)).status_code


async def is_open(http: httpx.AsyncClient, published: httpx.Response) -> bool:
    return (await http.get(published.headers["location"])).status_code == 200


async def test_a_closed_seat_ends_its_session_and_no_other(http: httpx.AsyncClient) -> None:
    host, guest = await publish(http), await publish(http, "guest-1")

    assert await close(http, "guest-1") == 204

    assert (await is_open(http, host), await is_open(http, guest)) == (True, False)


async def test_a_show_that_is_over_ends_every_seat(http: httpx.AsyncClient) -> None:
    host, guest = await publish(http), await publish(http, "guest-1")

    await close(http, "")

    assert (await is_open(http, host), await is_open(http, guest)) == (False, False)


async def test_a_token_from_before_the_end_cannot_publish_again(http: httpx.AsyncClient) -> None:
    await close(http, "host")

    assert (await publish(http)).status_code == 403
    assert (await publish(http, ago=-1.0)).status_code == 201


async def test_a_late_repetition_spares_who_was_admitted_since(http: httpx.AsyncClient) -> None:
    ended_at = time.time() - 30
    await close(http, "host", at=ended_at)
    again = await publish(http, ago=10)

    await close(http, "host", at=ended_at)

    assert await is_open(http, again)


@pytest.mark.parametrize(
    ("purpose", "kind", "status"),
    [("media-hook", "seat.closed", 403), ("media-control", "seat.opened", 400)],
)
async def test_what_the_gateway_did_not_say_changes_nothing(
    http: httpx.AsyncClient, purpose: str, kind: str, status: int
) -> None:
    host = await publish(http)

    assert await close(http, "host", purpose=purpose, kind=kind) == status
    assert await is_open(http, host)


class TestAfterTheShow:
    """The gateway's message was lost, but it answers every report with 410."""

    @pytest.fixture
    async def hook_url(self) -> AsyncIterator[str]:
        async def gone(_request: Request) -> Response:
            return Response(status_code=410)

        async with serve(Starlette(routes=[Route("/hook", gone, methods=["POST"])])) as port:
            yield f"http://127.0.0.1:{port}/hook"

    async def test_a_picture_that_may_not_be_ends_at_its_first_report(
        self, http: httpx.AsyncClient, server: MediaServer
    ) -> None:
        host = Client(http)
        await host.publish()

        await until(lambda: not server.forwarder.sessions)

        assert (await http.get(host.location)).status_code == 404
        await host.close(delete=False)
