"""What the media process reports: pictures that came, stalled, and went."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from livecommerce.clock import Clock
from livecommerce.errors import Forbidden, Invalid, NotFound, Unavailable
from livecommerce.gateway.http.json import read_body
from livecommerce.gateway.http.operation import Resource, signed_by
from livecommerce.gateway.rooms import Rooms
from livecommerce.room import stage
from livecommerce.room.cards import RoomState, StreamCard
from livecommerce.room.events import RoomEvent
from livecommerce.room.pictures import PictureReports
from livecommerce.signatures import BadSignature, media_key, verify

MAX_BODY_BYTES = 4096
GONE = 410


class StreamReport(Struct, frozen=True):
    """One report about one seat's stream."""

    type: Literal["stream.started", "stream.alive", "stream.stalled", "stream.resumed", "stream.ended"]
    room: str
    seat: str
    stream: str
    """The incarnation: a late word about an older one changes nothing."""
    at_ms: int
    person: str = ""
    """Who publishes; empty: the engine does not tell."""


def media_hook_routes(
    rooms: Rooms, pictures: PictureReports, token_secret: str, clock: Clock
) -> list[BaseRoute]:
    """``POST /api/media/hooks``. 410 tells the media process that nothing may be published there."""
    key = media_key("media-hook", token_secret)

    async def hear_media(request: Request) -> Response:
        """A picture came, stalled, went on or ended; 410: nothing may be published there."""
        body = await read_body(request, MAX_BODY_BYTES)
        try:
            verify(key, request.headers, body, clock())
            report = msgspec.json.decode(body, type=StreamReport)
        except BadSignature as error:
            raise Forbidden("bad_signature") from error
        except msgspec.DecodeError as error:
            raise Invalid("bad_request") from error
        try:
            live = (await rooms.get(report.room)).live
        except NotFound:
            return Response(status_code=GONE)
        if report.type != "stream.ended":
            # Before it is shown: a picture that nobody speaks of is taken off.
            await pictures.heard(report.room, report.stream)
        await live.command(lambda state: react(state, report, clock()))
        may_be = live.state.phase != "ended" and _may_publish(live.state, report)
        return Response(status_code=204 if may_be or report.type == "stream.ended" else GONE)

    return [
        Resource("callbacks", signed_by("The media process")).operation(
            "POST",
            "/api/media/hooks",
            hear_media,
            status=(204, GONE),
            takes=StreamReport,
            refuses={Unavailable: ["room_busy"]},
        )
    ]


def react(state: RoomState, report: StreamReport, now_ms: int) -> tuple[RoomEvent, ...]:
    """What a report means for the room."""
    current = next((card for card in state.streams if card.seat == report.seat), None)
    if report.type == "stream.ended":
        return stage.hide_stream(state, report.seat, report.stream, now_ms)
    if not _may_publish(state, report):
        return ()
    adds_to_known = report.type not in ("stream.started", "stream.alive")
    if adds_to_known and (current is None or current.stream != report.stream):
        return ()
    since_ms = current.since_ms if current and current.stream == report.stream else report.at_ms
    card = StreamCard(
        seat=report.seat,
        stream=report.stream,
        since_ms=since_ms,
        stalled=report.type == "stream.stalled",
    )
    return stage.show_stream(state, card, now_ms)


def _may_publish(state: RoomState, report: StreamReport) -> bool:
    if not report.person:
        return stage.is_held(state, report.seat)
    return stage.holds(state, report.seat, report.person)
