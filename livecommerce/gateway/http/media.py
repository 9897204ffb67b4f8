"""WHIP and WHEP at our own address: handed over by 307, and tokens checked for engines that ask us."""

from __future__ import annotations

from urllib.parse import parse_qs

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.errors import Forbidden, NotFound, Unauthenticated
from livecommerce.gateway.auth import Tokens
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import BAD_TOKEN, Caller, Resource
from livecommerce.gateway.media_plane import MediaPlane, Protocol
from livecommerce.gateway.rooms import Rooms
from livecommerce.room import stage

ALLOW_PAGES = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, OPTIONS",
    "access-control-allow-headers": "authorization, content-type, if-match",
    "access-control-expose-headers": "location",
    "accept-post": "application/sdp",
}
_GRANTS = {"publish": "publish", "read": "subscribe", "on_publish": "publish", "on_play": "subscribe"}


class Admission(Struct, frozen=True):
    """What an engine asks: MediaMTX names a path, SRS an application and a stream."""

    action: str = ""
    path: str = ""
    token: str = ""
    password: str = ""
    query: str = ""
    app: str = ""
    stream: str = ""
    param: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """Room and seat."""
        room, _, seat = (self.path or f"{self.app}/{self.stream}").strip("/").partition("/")
        return room, seat

    @property
    def credential(self) -> str:
        """The token, wherever this engine and its client put it."""
        asked = parse_qs((self.query or self.param).lstrip("?"))
        return self.token or self.password or (asked.get("token") or asked.get("jwt") or [""])[0]


class Admitted(Struct, frozen=True):
    """The engine may let its client in; SRS reads the code, others the status."""

    code: int = 0


ENGINE = Caller(
    words="A media engine, with the token that its client gave it.",
    refuses={Unauthenticated: BAD_TOKEN, Forbidden: ("forbidden",)},
)


class MediaRoutes:
    """Handlers of ``/whip``, ``/whep`` and ``/api/media/auth``."""

    def __init__(self, plane: MediaPlane, tokens: Tokens, rooms: Rooms) -> None:
        self._plane = plane
        self._tokens = tokens
        self._rooms = rooms

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        methods = ["POST", "OPTIONS"]
        return [
            Route("/whip/{room}/{seat}", self.whip, methods=methods),
            Route("/whep/{room}/{seat}", self.whep, methods=methods),
            Resource("callbacks", ENGINE).operation(
                "POST",
                "/api/media/auth",
                self.admit,
                Admitted,
                takes=Admission,
                refuses={Forbidden: ["show_ended"]},
            ),
        ]

    async def whip(self, request: Request) -> Response:
        """Sends a publisher to the media plane."""
        return self._hand_over(request, "whip")

    async def whep(self, request: Request) -> Response:
        """Sends a viewer to the media plane."""
        return self._hand_over(request, "whep")

    def _hand_over(self, request: Request, protocol: Protocol) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=ALLOW_PAGES)
        place = request.path_params
        token = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        location = self._plane.address(protocol, place["room"], place["seat"], token)
        return Response(status_code=307, headers={**ALLOW_PAGES, "location": location})

    async def admit(self, request: Request) -> Answer[Admitted]:
        """Answers an engine that asks whether a token is good for what its client wants.

        Raises:
            Unauthenticated: there is no good token.
            Forbidden: the token is for something else, the show is over, or the seat was taken back.
        """
        asked = await read(request, Admission)
        grant = self._tokens.read_media(asked.credential)
        room, seat = asked.place
        any_seat = grant.grant == "subscribe" and not grant.seat
        if (grant.grant, grant.room) != (_GRANTS.get(asked.action), room):
            raise Forbidden("forbidden")
        if grant.seat != seat and not any_seat:
            raise Forbidden("forbidden")
        if grant.grant == "publish":
            await self._require_seat(room, seat, grant.person)
        return answer(Admitted())

    async def _require_seat(self, room: str, seat: str, person: str) -> None:
        try:
            state = (await self._rooms.get(room)).live.state
        except NotFound as error:
            raise Unauthenticated("bad_token") from error
        if state.phase == "ended":
            raise Forbidden("show_ended")
        if not stage.holds(state, seat, person):
            raise Forbidden("forbidden")
