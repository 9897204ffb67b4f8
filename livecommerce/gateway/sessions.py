"""Lets connections into rooms, and hands what they say to the commands."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from starlette.datastructures import Headers
from starlette.requests import cookie_parser

from livecommerce.clock import Clock
from livecommerce.errors import DomainError, Forbidden, NotFound, TooMany, Unauthenticated, Unavailable
from livecommerce.gateway.auth import COOKIE, Credential, Door, guest
from livecommerce.gateway.background import Background
from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.limits import COMMAND_BURST, COMMANDS_PER_SECOND, Buckets, OpeningLimits
from livecommerce.gateway.messages import from_client, to_client
from livecommerce.gateway.open_records import OpenRecords
from livecommerce.gateway.rooms import Rooms
from livecommerce.gateway.served_room import ServedRoom
from livecommerce.gateway.session import Session
from livecommerce.gateway.token_watch import TokenWatch
from livecommerce.gateway.translate import error_message, joined_messages
from livecommerce.gateway.websocket import RoomProtocol
from livecommerce.room.sanctions import BAN

NO_END_MS = 2**53
"""When the session of a nameless guest expires: there is no token that could."""
MAX_RUNNING = 8
"""Commands of one person that may be under way at once."""

log = logging.getLogger(__name__)


class Visits(Protocol):
    """Hears who came and went, for those who invited them."""

    def entered(self, session: Session) -> None:
        """A person with an account joined."""
        ...

    def left(self, session: Session) -> None:
        """The person's connection ended."""
        ...


Handle = Callable[[Session, Any], Any]
"""(session, message) → answer, a coroutine of it, or ``None``."""


class Sessions:
    """The gateway's side of every connection."""

    def __init__(
        self,
        rooms: Rooms,
        door: Door,
        records: OpenRecords,
        visits: Visits,
        handlers: Mapping[type[Any], Handle],
        background: Background,
        clock: Clock,
        limits: OpeningLimits,
    ) -> None:
        self._limits = limits
        self._rooms = rooms
        self._door = door
        self._records = records
        self._visits = visits
        self._handlers = handlers
        self._background = background
        self._clock = clock
        self._joining: set[RoomProtocol] = set()
        self._running: Counter[str] = Counter()
        self._commands = Buckets(COMMAND_BURST, COMMANDS_PER_SECOND)
        self.joined: set[RoomProtocol] = set()
        self.token_watch = TokenWatch(self.joined, clock)
        self.draining = False

    # ------------------------------------------------------------ a connection's life

    def admits(self, peer: str, forwarded_for: str) -> bool:
        """Whether one more connection may come from this address."""
        return self._limits.admits(peer, forwarded_for)

    def received(self, connection: RoomProtocol, message: from_client.ClientMessages) -> None:
        """A message arrived."""
        match message:
            case from_client.Ping():
                connection.send_messages(to_client.Pong(id=message.id, server_ms=self._clock()))
            case from_client.Join():
                self._start_join(connection, message)
            case from_client.Refresh():
                self._refresh(connection, message)
            case _:
                self._command(connection, message)

    def lost(self, connection: RoomProtocol) -> None:
        """The connection is gone."""
        self._joining.discard(connection)
        self.joined.discard(connection)
        session = connection.session
        if session is not None:
            session.served.leave(connection)
            self._visits.left(session)

    # ------------------------------------------------------------ joining

    def _start_join(self, connection: RoomProtocol, message: from_client.Join) -> None:
        if connection.session is not None or connection in self._joining:
            connection.send_messages(to_client.Error(code="already_joined", id=message.id))
            return
        try:
            credential = self._authenticate(connection, message.token)
            served = self._rooms.find(connection.room)
            if served is not None:
                self._join(connection, message, credential, served)
                return
        except DomainError as error:
            _turn_away(connection, message, error)
            return
        self._joining.add(connection)
        self._background.spawn(self._join_late(connection, message, credential))

    async def _join_late(
        self, connection: RoomProtocol, message: from_client.Join, credential: Credential
    ) -> None:
        """Joins a room that must be loaded first."""
        try:
            served = await self._rooms.get(connection.room)
            if connection.open:
                self._join(connection, message, credential, served)
        except DomainError as error:
            _turn_away(connection, message, error)
        except Exception:
            log.exception("somebody could not join room %s", connection.room)
            connection.close(Close.UNAVAILABLE)
        finally:
            self._joining.discard(connection)

    def _join(
        self, connection: RoomProtocol, message: from_client.Join, credential: Credential, served: ServedRoom
    ) -> None:
        """Plain calls: nothing may be published between the snapshot and the registration."""
        self._let_in(served, credential)
        session = Session(credential, served, message.device, message.grant, self._clock())
        connection.joined(session)
        self.joined.add(connection)
        served.enter(connection)
        connection.send_messages(*joined_messages(session, message, self._clock()))
        if session.moderates:
            connection.send_messages(served.moderation())
        if not session.person.guest:
            if served.live.state.phase != "ended":
                self._visits.entered(session)
            self._records.bring(served, [connection])

    def _let_in(self, served: ServedRoom, credential: Credential) -> None:
        """Refuses who was signed out or banned meanwhile, and more people at once than the room can take."""
        now_ms, person = self._clock(), credential.person.person
        if self._door.tokens.revocations.cover(person, credential.signed_in_ms):
            raise Unauthenticated("signed_out")
        if served.sanctions.applies(BAN, person, now_ms):
            raise Forbidden("banned")
        if not served.joins.take(now_ms):
            raise Unavailable("room_busy")

    def _authenticate(self, connection: RoomProtocol, token: str) -> Credential:
        if token:
            return self._door.tokens.read(token)
        cookie = cookie_parser(connection.cookie).get(COOKIE)
        own = self._door.is_own_origin(Headers({"origin": connection.origin, "host": connection.host}))
        if cookie and own:
            try:
                return self._door.tokens.read(cookie)
            except Unauthenticated:
                log.debug("an old cookie; the viewer is a guest")
        return Credential(guest(""), NO_END_MS, self._clock())

    def _refresh(self, connection: RoomProtocol, message: from_client.Refresh) -> None:
        try:
            credential = self._door.tokens.read_refresh(message.token)
        except Unauthenticated as error:
            connection.send_messages(error_message(error, message.id))
            return
        session = connection.session
        if session is None or credential.person.person != session.person.person:
            connection.send_messages(to_client.Error(code="other_person", id=message.id))
            return
        session.renew(credential)
        if message.id is not None:
            connection.send_messages(to_client.Ok(id=message.id))

    # ------------------------------------------------------------ commands

    def _command(self, connection: RoomProtocol, message: from_client.ClientMessages) -> None:
        session = connection.session
        if session is None:
            connection.send_messages(to_client.Error(code="not_joined", id=message.id))
            return
        if session.expires_ms <= self._clock():
            connection.send_messages(to_client.Error(code="token_expired", id=message.id))
            connection.close(Close.TOKEN_EXPIRED)
            return
        try:
            answer = self._handlers[type(message)](session, message)
        except DomainError as error:
            connection.send_messages(error_message(error, message.id))
            return
        if hasattr(answer, "__await__"):
            self._run(connection, session.person.person, message.id, answer)
        elif isinstance(answer, tuple):
            session.served.answer(connection, *answer)
        elif answer is not None:
            session.served.answer(connection, answer)

    def _run(self, connection: RoomProtocol, person: str, message_id: int | None, work: Any) -> None:
        if self._running[person] >= MAX_RUNNING or not self._commands.take(person, self._clock()):
            work.close()
            connection.send_messages(error_message(TooMany("too_many_commands"), message_id))
            return
        self._running[person] += 1
        self._background.spawn(self._finish(connection, person, message_id, work))

    async def _finish(self, connection: RoomProtocol, person: str, message_id: int | None, work: Any) -> None:
        try:
            answer = await work
        except DomainError as error:
            answer = error_message(error, message_id)
        except Exception:
            log.exception("a command failed")
            answer = to_client.Error(code="internal", id=message_id, temporary=True)
        finally:
            self._running[person] -= 1
            if not self._running[person]:
                del self._running[person]
        if answer is not None:
            connection.send_messages(answer)


def _turn_away(connection: RoomProtocol, message: from_client.Join, error: DomainError) -> None:
    connection.send_messages(error_message(error, message.id))
    connection.close(_close_code(error), error.code)


def _close_code(error: DomainError) -> Close:
    if isinstance(error, NotFound):
        return Close.NO_SUCH_ROOM
    if error.code == "banned":
        return Close.BANNED
    if error.code == "signed_out":
        return Close.SIGNED_OUT
    if error.code == "token_expired":
        return Close.TOKEN_EXPIRED
    return Close.FORBIDDEN if isinstance(error, Unauthenticated) else Close.UNAVAILABLE
