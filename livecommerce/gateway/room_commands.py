"""What people may do with a room: talk in it, and run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from livecommerce.clock import Clock
from livecommerce.comments import clean_comment
from livecommerce.errors import DomainError, Forbidden, NotFound, Unavailable
from livecommerce.gateway.messages import from_client, to_client
from livecommerce.gateway.session import Session
from livecommerce.gateway.trail import Trail
from livecommerce.ids import new_id
from livecommerce.room import room as rules
from livecommerce.room.cards import CommentLine, ProductCard
from livecommerce.room.sanctions import SHADOW, Sanction, SanctionStore


class Shelf(Protocol):
    """The products of a show."""

    async def card(self, room: str, product: str) -> ProductCard:
        """A product as the room shows it.

        Raises:
            NotFound: it is not on this room's shelf.
        """
        ...


class Words(Protocol):
    """Words that the operator does not want to see."""

    def blocks(self, text: str) -> bool:
        """Whether a text contains one."""
        ...


class RoomCommands:
    """Handlers of the room's own messages."""

    def __init__(
        self, shelf: Shelf, words: Words, sanctions: SanctionStore, trail: Trail, clock: Clock
    ) -> None:
        self._sanctions = sanctions
        self._words = words
        self._shelf = shelf
        self._trail = trail
        self._clock = clock

    def handlers(self) -> dict[type[Any], Callable[[Session, Any], Any]]:
        """Message type → handler."""
        return {
            from_client.Comment: self.comment,
            from_client.Like: self.like,
            from_client.ShowStart: self.start_show,
            from_client.Pin: self.pin,
            from_client.Unpin: self.unpin,
            from_client.Mute: self.mute,
            from_client.Delete: self.delete,
            from_client.Slow: self.slow,
            from_client.ReviewFirst: self.review_first,
            from_client.CommentPin: self.pin_comment,
            from_client.CommentUnpin: self.unpin_comment,
            from_client.Review: self.review,
            from_client.Impose: self.impose,
            from_client.ModeratorAppoint: self.appoint,
            from_client.ModeratorDismiss: self.dismiss,
        }

    # ------------------------------------------------------------ viewers

    def comment(self, session: Session, message: from_client.Comment) -> object:
        """Says something to the room; the verdict tells what became of it."""
        served, now_ms = session.served, self._clock()
        try:
            self._refuse_silenced(session, now_ms)
            if not session.moderates:
                wait_ms = served.paces.take(session.person.person, now_ms)
                if wait_ms:  # before what costs more: a flood is mostly refused here
                    return _rejected(message, "comment_cooldown", wait_ms)
            line = self._line(session, message.text, now_ms)
            exempt = _is_exempt(session)
            if not served.budget.allows(now_ms, exempt=exempt):
                return _only_here(message, line)  # unfiltered: nobody else sees it
            self._refuse_blocked(line.text)
        except DomainError as error:
            return _rejected(message, error.code, int(error.params.get("wait_ms", 0)))
        served.budget.spend(exempt=exempt)
        result = _pass_on(session, line)
        return to_client.Verdict(id=message.id, result=result, comment=line.comment)

    def _refuse_silenced(self, session: Session, now_ms: int) -> None:
        if not session.person.name:
            raise Forbidden("nickname_required")
        state = session.served.live.state
        if state.phase == "ended":
            raise Forbidden("show_ended")
        if state.muted.get(session.person.person, 0) > now_ms:
            raise Forbidden("muted")

    def _line(self, session: Session, text: str, now_ms: int) -> CommentLine:
        slow_seconds = session.served.live.state.slow_seconds
        if slow_seconds and not _is_exempt(session):
            session.served.slow.check(session.person.person, slow_seconds, now_ms)
        return CommentLine(comment=new_id(), person=session.card, text=clean_comment(text), at_ms=now_ms)

    def _refuse_blocked(self, text: str) -> None:
        if self._words.blocks(text):
            raise Forbidden("blocked_word")

    def like(self, session: Session, message: from_client.Like) -> None:
        """Adds hearts."""
        session.served.like(message.n)

    # ------------------------------------------------------------ host and moderators

    async def start_show(self, session: Session, message: from_client.ShowStart) -> to_client.Ok | None:
        """Opens the show."""
        session.require_host()
        return await self._decide(session, message, lambda state: rules.start_show(state, self._clock()))

    async def pin(self, session: Session, message: from_client.Pin) -> to_client.Ok | None:
        """Puts a product in front."""
        session.require_moderator()
        card = await self._shelf.card(session.served.live.room, message.product)
        return await self._decide(session, message, lambda state: rules.pin(state, card, self._clock()))

    async def unpin(self, session: Session, message: from_client.Unpin) -> to_client.Ok | None:
        """Takes a product away."""
        session.require_moderator()
        return await self._decide(
            session, message, lambda state: rules.unpin(state, message.product, self._clock())
        )

    async def mute(self, session: Session, message: from_client.Mute) -> to_client.Ok | None:
        """Silences a person."""
        session.require_moderator()
        if message.seconds:
            _refuse_staff(session, message.person)
        return await self._decide(
            session, message, lambda _: rules.mute(message.person, message.seconds, self._clock())
        )

    async def delete(self, session: Session, message: from_client.Delete) -> to_client.Ok | None:
        """Takes back a comment."""
        session.require_moderator()
        return await self._decide(
            session, message, lambda _: rules.delete_comment(message.comment, self._clock())
        )

    async def slow(self, session: Session, message: from_client.Slow) -> to_client.Ok | None:
        """Sets how long each person waits between two comments."""
        session.require_moderator()
        return await self._decide(
            session, message, lambda state: rules.slow_down(state, message.seconds, self._clock())
        )

    async def review_first(self, session: Session, message: from_client.ReviewFirst) -> to_client.Ok | None:
        """Lets comments wait for a moderator, or no longer."""
        session.require_moderator()
        return await self._decide(
            session, message, lambda state: rules.review_comments(state, message.on, self._clock())
        )

    async def pin_comment(self, session: Session, message: from_client.CommentPin) -> to_client.Ok | None:
        """Keeps one of the last comments above the others."""
        session.require_moderator()
        line = session.served.recent_comment(message.comment)
        if line is None:
            raise NotFound("comment_not_found")
        return await self._decide(
            session, message, lambda state: rules.pin_comment(state, line, self._clock())
        )

    async def unpin_comment(self, session: Session, message: from_client.CommentUnpin) -> to_client.Ok | None:
        """Lets the pinned comment go."""
        session.require_moderator()
        return await self._decide(session, message, lambda state: rules.unpin_comment(state, self._clock()))

    async def review(self, session: Session, message: from_client.Review) -> to_client.Ok | None:
        """A word on a held comment."""
        session.require_moderator()
        line = session.served.review(message.comment)
        if line is None:
            raise NotFound("comment_not_found")
        if message.approve:
            session.served.say(line)
        action = "comment.approve" if message.approve else "comment.reject"
        await self._trail.note(session, action, line.person.person, {"comment": line.comment})
        return ok(message)

    async def impose(self, session: Session, message: from_client.Impose) -> to_client.Ok | None:
        """Puts a person under a sanction, or lifts it."""
        session.require_moderator()
        served = session.served
        if message.seconds:
            _refuse_staff(session, message.person)
        until_ms = self._clock() + message.seconds * 1000 if message.seconds else 0
        sanction = Sanction(kind=message.kind, person=message.person, name=message.name, until_ms=until_ms)
        await self._sanctions.impose(served.live.room, sanction)
        after = {"room": served.live.room, "until_ms": until_ms}
        await self._trail.note(session, f"sanction.{message.kind}", message.person, after)
        return ok(message)

    async def appoint(self, session: Session, message: from_client.ModeratorAppoint) -> to_client.Ok | None:
        """Lets a person moderate the room."""
        session.require_host()
        return await self._decide(
            session,
            message,
            lambda state: rules.appoint_moderator(state, message.person, message.name, self._clock()),
        )

    async def dismiss(self, session: Session, message: from_client.ModeratorDismiss) -> to_client.Ok | None:
        """Ends that."""
        session.require_host()
        return await self._decide(
            session, message, lambda state: rules.dismiss_moderator(state, message.person, self._clock())
        )

    async def _decide(
        self, session: Session, message: from_client.ClientMessage, command: rules.Decide
    ) -> to_client.Ok | None:
        return await decide(session, message, command, self._trail, self._clock)


async def decide(
    session: Session, message: from_client.ClientMessage, command: rules.Decide, trail: Trail, clock: Clock
) -> to_client.Ok | None:
    """Carries a command out in the session's room, and notes who did it.

    Raises:
        Unavailable: ``room_busy``: too many commands, or the store is away.
    """
    if not session.served.commands.take(clock()):
        raise Unavailable("room_busy")
    events = await session.served.live.command(command)
    for event in events:
        action = str(event.__struct_config__.tag)
        await trail.note(session, action, session.served.live.room, {"offset": session.served.live.offset})
    return ok(message)


def _is_exempt(session: Session) -> bool:
    """Whether a flood or a slow room does not hold a person back: who runs the room, and who bought in it."""
    return session.moderates or session.person.person in session.served.buyers


def _pass_on(session: Session, line: CommentLine) -> str:
    """Shows a comment to those who may see it; answers what its author is told."""
    served = session.served
    waits = served.live.state.reviewed and not session.moderates
    if served.sanctions.applies(SHADOW, session.person.person, line.at_ms):
        served.whisper(line, shown=not waits)
    elif waits:
        served.hold(line)
    else:
        served.say(line)
    return "held" if waits else "delivered"


def _rejected(message: from_client.Comment, code: str, wait_ms: int) -> to_client.Verdict:
    return to_client.Verdict(id=message.id, result="rejected", code=code, wait_ms=wait_ms)


def _only_here(message: from_client.Comment, line: CommentLine) -> tuple[object, ...]:
    """A comment that its author sees and the flooded room does not."""
    return (
        to_client.Comments(comments=(line,)),
        to_client.Verdict(id=message.id, result="sampled", comment=line.comment),
    )


def _refuse_staff(session: Session, person: str) -> None:
    """Keeps those who run the room from acting against each other, and themselves.

    Raises:
        Forbidden: ``not_this_person``.
    """
    state = session.served.live.state
    if person in (state.host.person, session.person.person) or rules.is_appointed(state, person):
        raise Forbidden("not_this_person")


def ok(message: from_client.ClientMessage) -> to_client.Ok | None:
    """The answer to a message that asked for one."""
    return to_client.Ok(id=message.id) if message.id is not None else None
