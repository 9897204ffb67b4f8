"""What the media process reports: pictures that came, stalled, and went."""

from __future__ import annotations

import base64
import hashlib
from typing import Literal

import msgspec
from msgspec import Struct
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.clock import Clock
from livecommerce.errors import Forbidden, Invalid
from livecommerce.gateway.http.json import read_body
from livecommerce.gateway.rooms import Rooms
from livecommerce.room import stage
from livecommerce.room.cards import RoomState, StreamCard
from livecommerce.room.events import RoomEvent

MAX_BODY_BYTES = 4096


class StreamReport(Struct, frozen=True):
    """One report about one seat's stream."""

    type: Literal["stream.started", "stream.ended", "stream.stalled", "stream.resumed"]
    room: str
    seat: str
    stream: str
    """The incarnation: a late word about an older one changes nothing."""
    at_ms: int


def hook_key(token_secret: str) -> str:
    """The signing key that gateway and media share (Standard Webhooks form)."""
    digest = hashlib.sha256(b"media-hook:" + token_secret.encode()).digest()
    return "whsec_" + base64.b64encode(digest).decode()


def media_hook_routes(rooms: Rooms, token_secret: str, clock: Clock) -> list[BaseRoute]:
    """``POST /api/media/hooks``."""
    webhook = Webhook(hook_key(token_secret))

    async def receive(request: Request) -> Response:
        body = await read_body(request, MAX_BODY_BYTES)
        try:
            webhook.verify(body, dict(request.headers))
            report = msgspec.json.decode(body, type=StreamReport)
        except WebhookVerificationError as error:
            raise Forbidden("bad_signature") from error
        except msgspec.DecodeError as error:
            raise Invalid("bad_request") from error
        served = await rooms.get(report.room)
        await served.live.command(lambda state: react(state, report, clock()))
        return Response(status_code=204)

    return [Route("/api/media/hooks", receive, methods=["POST"])]


def react(state: RoomState, report: StreamReport, now_ms: int) -> tuple[RoomEvent, ...]:
    """What a report means for the room."""
    current = next((card for card in state.streams if card.seat == report.seat), None)
    if report.type == "stream.ended":
        return stage.hide_stream(state, report.seat, report.stream, now_ms)
    if report.type != "stream.started" and (current is None or current.stream != report.stream):
        return ()
    since_ms = current.since_ms if current and current.stream == report.stream else report.at_ms
    card = StreamCard(
        seat=report.seat,
        stream=report.stream,
        since_ms=since_ms,
        stalled=report.type == "stream.stalled",
    )
    return stage.show_stream(state, card, now_ms)
