"""Several media processes side by side: each stream belongs to one, and any of them answers for all.

A stream's process is found by hashing room and seat, a session's by the number in front of its id. A request
that belongs to another process is passed on to it over HTTP; media goes to its own port directly.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from urllib.parse import quote

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from media.client_address import Network, client_address
from media.errors import OfferTooLarge
from media.exchange import read_bytes
from media.problem import problem

RELAYED = "x-media-relayed"
TIMEOUT_SECONDS = 10.0
_PASSED_ON = (
    "authorization",
    "content-type",
    "if-match",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
)
_PASSED_BACK = ("content-type", "location", "etag", "accept-patch", "accept-post", "retry-after", "allow")


class Siblings:
    """All media processes by their internal addresses, in an order all agree on; `own` is our place."""

    def __init__(self, urls: Sequence[str], own: int) -> None:
        self.urls = urls
        self.own = own

    def owner(self, path: str) -> str | None:
        """Return the address of the process a path belongs to, or None where it is ours."""
        place = self._place(path)
        return None if place is None or place == self.own else self.urls[place]

    def _place(self, path: str) -> int | None:
        match path.strip("/").split("/"):
            case ["whip" | "whep" | "check", room, seat]:
                return zlib.crc32(f"{room}/{seat}".encode()) % len(self.urls)
            case ["session", session_id]:
                number = session_id.partition("-")[0]
                places = map(str, range(len(self.urls)))
                return int(number) if number in places else None
        return None


class Relay:
    """Passes requests on to the process they belong to; control messages go to all."""

    def __init__(
        self, app: ASGIApp, siblings: Siblings, client: httpx.AsyncClient, trusted: Sequence[Network]
    ) -> None:
        self._app = app
        self._trusted = trusted
        self._siblings = siblings
        self._client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        request = Request(scope, receive)
        targets = [] if request.method == "OPTIONS" or RELAYED in request.headers else self._targets(request)
        if not targets:
            await self._app(scope, receive, send)
            return
        try:
            body = await read_bytes(request)
        except OfferTooLarge as error:
            await problem(413, str(error))(scope, receive, send)
            return
        # The worst answer counts: who tells all tries again until all have heard.
        answers = [await self._pass_on(request, url, body) for url in targets]
        await max(answers, key=lambda answer: answer.status_code)(scope, receive, send)

    def _targets(self, request: Request) -> Sequence[str]:
        if request.scope["path"] == "/control":
            return self._siblings.urls
        owner = self._siblings.owner(request.scope["path"])
        return [] if owner is None else [owner]

    async def _pass_on(self, request: Request, url: str, body: bytes) -> Response:
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        headers |= {RELAYED: "1", "x-forwarded-for": client_address(request, self._trusted)}
        address = url + quote(request.scope["path"])
        try:
            answer = await self._client.request(
                request.method, address, content=body, headers=headers, timeout=TIMEOUT_SECONDS
            )
        except httpx.HTTPError:
            return problem(503, "the process of this stream is being started again", {"Retry-After": "1"})
        response = Response(answer.content, answer.status_code)
        for name in _PASSED_BACK:
            if name in answer.headers:
                response.headers[name] = answer.headers[name]
        for link in answer.headers.get_list("link"):
            response.headers.append("link", link)
        return response
