"""What WHIP and WHEP do alike: take an offer over HTTP, answer it, name the session."""

from __future__ import annotations

from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response

from media.counter_offer import Invitation
from media.endpoint.peer import Peer
from media.errors import MalformedOffer, OfferTooLarge, WrongContentType
from media.ice_servers import IceServers

SDP = "application/sdp"
MAX_BODY = 64 * 1024
OPTIONS_HEADERS = {
    "Accept-Post": SDP,
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "86400",
}


class Opened(Protocol):
    """What was opened for an offer."""

    @property
    def id(self) -> str:
        """The last part of its address."""

    @property
    def peer(self) -> Peer:
        """The other side."""


async def read_body(request: Request, content_type: str) -> str:
    """Return the body as text; raise `WrongContentType`, `OfferTooLarge` or `MalformedOffer`."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != content_type:
        raise WrongContentType(f"the content type must be {content_type}")
    try:
        return (await read_bytes(request)).decode()
    except UnicodeDecodeError:
        raise MalformedOffer("the body is not text in UTF-8") from None


async def read_bytes(request: Request) -> bytes:
    """Return the body; raise `OfferTooLarge`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise OfferTooLarge(f"the body is larger than {MAX_BODY} bytes")
    return bytes(body)


def entity_tag(session: Opened) -> str:
    """Return the strong ETag of a session's current ICE credentials."""
    return f'"{session.peer.credentials.ufrag}"'


def created(session: Opened, answer: str, ice_servers: IceServers) -> Response:
    """Return the 201 that carries the answer and names the session."""
    response = _session_response(201, session.id, answer, ice_servers)
    response.headers["etag"] = entity_tag(session)
    response.headers["accept-patch"] = "application/trickle-ice-sdpfrag"
    return response


def counter_offered(invitation: Invitation, offer: str, ice_servers: IceServers) -> Response:
    """Return the 406 that carries our offer; its answer is sent to the session by PATCH."""
    response = _session_response(406, invitation.id, offer, ice_servers)
    response.headers["accept-patch"] = SDP
    return response


def _session_response(status: int, session_id: str, sdp: str, ice_servers: IceServers) -> Response:
    response = Response(sdp, status)
    # Starlette would add a charset, which strict clients do not expect beside application/sdp.
    response.headers["content-type"] = SDP
    response.headers["location"] = f"/session/{session_id}"
    for link in ice_servers.links():
        response.headers.append("link", link)
    return response


def without_content(request: Request) -> Response:
    """Answer GET, HEAD and OPTIONS, which have nothing to show."""
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=OPTIONS_HEADERS)
    return Response(status_code=200)
