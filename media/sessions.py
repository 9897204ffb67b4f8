"""An open session over HTTP: trickle and restart of ICE (RFC 9725 §4.3), and its end."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from media.counter_offer import Invitation
from media.errors import MalformedOffer, MissingETag, StaleETag
from media.exchange import SDP, entity_tag, read_body, without_content
from media.forwarder import Forwarder, Session

FRAGMENT = "application/trickle-ice-sdpfrag"
ANY_ETAG = ("*", '"*"')


class SessionResource:
    """The resource `/session/{id}`: who knows its unguessable address may end it."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    async def handle(self, request: Request) -> Response:
        """Answer any method."""
        if request.method == "OPTIONS":
            return without_content(request)
        session_id = request.path_params["id"]
        if (invitation := self._forwarder.invitations.find(session_id)) is not None:
            return await self._handle_invited(request, invitation)
        if (check := self._forwarder.checks.find(session_id)) is not None:
            if request.method == "DELETE":
                self._forwarder.checks.end(check)
            return without_content(request)
        if request.method == "DELETE" and self._forwarder.has_ended(session_id):
            return Response(status_code=200)  # both sides may end it; the second is no error
        session = self._forwarder.session(session_id)
        if request.method == "DELETE":
            self._forwarder.end(session, "the client ended it")
            return Response(status_code=200)
        if request.method == "PATCH":
            return await self._patch(request, session)
        return without_content(request)

    async def _handle_invited(self, request: Request, invitation: Invitation) -> Response:
        if request.method == "DELETE":
            self._forwarder.invitations.forget(invitation)
        elif request.method == "PATCH":
            self._forwarder.accept(invitation, await read_body(request, SDP))
            return Response(status_code=204)
        return without_content(request)

    async def _patch(self, request: Request, session: Session) -> Response:
        tag = request.headers.get("if-match")
        fragment = await read_body(request, FRAGMENT)
        if tag is None:
            raise MissingETag("If-Match must name the ICE session")
        if tag in ANY_ETAG:
            return self._restart(session, fragment)
        if tag != entity_tag(session):
            raise StaleETag("the ICE session was replaced since")
        # Candidates need no use here: an ICE-lite agent answers whichever address the checks come from.
        return Response(status_code=204)

    def _restart(self, session: Session, fragment: str) -> Response:
        lines = fragment.splitlines()
        if not any(line.startswith("a=ice-ufrag:") for line in lines):
            raise MalformedOffer("a restart must bring new ICE credentials")
        body = self._forwarder.restart_ice(session)
        return Response(body, 200, {"ETag": entity_tag(session), "Content-Type": FRAGMENT})
