"""What people may do with a room: talk in it, and run it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from livecommerce.clock import Clock
from livecommerce.comments import clean_comment
from livecommerce.errors import DomainError, Forbidden
from livecommerce.gateway import messages as wire
from livecommerce.gateway.session import Session
from livecommerce.gateway.trail import Trail
from livecommerce.ids import new_id
from livecommerce.room import room as rules
from livecommerce.room.cards import CommentLine, ProductCard


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

    def __init__(self, shelf: Shelf, words: Words, trail: Trail, clock: Clock) -> None:
        self._words = words
        self._shelf = shelf
        self._trail = trail
        self._clock = clock

    def handlers(self) -> dict[type[Any], Callable[[Session, Any], Any]]:
        """Message type → handler."""
        return {
            wire.Comment: self.comment,
            wire.Like: self.like,
            wire.ShowStart: self.start_show,
            wire.Pin: self.pin,
            wire.Unpin: self.unpin,
            wire.Mute: self.mute,
            wire.Delete: self.delete,
        }

    # ------------------------------------------------------------ viewers

    def comment(self, session: Session, message: wire.Comment) -> wire.Verdict:
        """Says something to the room; the verdict tells what became of it."""
        try:
            line = self._line(session, message.text)
        except DomainError as error:
            return wire.Verdict(id=message.id, result="rejected", code=error.code)
        served = session.served
        if not served.budget.admit(exempt=session.moderates):
            return wire.Verdict(id=message.id, result="sampled", comment=line.comment)
        served.say(line)
        return wire.Verdict(id=message.id, result="delivered", comment=line.comment)

    def _line(self, session: Session, text: str) -> CommentLine:
        now_ms = self._clock()
        if not session.person.name:
            raise Forbidden("nickname_required")
        state = session.served.live.state
        if state.phase == "ended":
            raise Forbidden("show_ended")
        if state.muted.get(session.person.person, 0) > now_ms:
            raise Forbidden("muted")
        if not session.moderates:
            session.pace.take(now_ms)  # first, for it costs least and a flood is mostly refused here
        cleaned = clean_comment(text)
        if self._words.blocks(cleaned):
            raise Forbidden("blocked_word")
        return CommentLine(comment=new_id(), person=session.card, text=cleaned, at_ms=now_ms)

    def like(self, session: Session, message: wire.Like) -> None:
        """Adds hearts."""
        session.served.like(message.n)

    # ------------------------------------------------------------ host and moderators

    async def start_show(self, session: Session, message: wire.ShowStart) -> wire.Ok | None:
        """Opens the show."""
        session.require_host()
        return await self._decide(session, message, lambda state: rules.start_show(state, self._clock()))

    async def pin(self, session: Session, message: wire.Pin) -> wire.Ok | None:
        """Puts a product in front."""
        session.require_moderator()
        card = await self._shelf.card(session.served.live.room, message.product)
        return await self._decide(session, message, lambda state: rules.pin(state, card, self._clock()))

    async def unpin(self, session: Session, message: wire.Unpin) -> wire.Ok | None:
        """Takes a product away."""
        session.require_moderator()
        return await self._decide(
            session, message, lambda state: rules.unpin(state, message.product, self._clock())
        )

    async def mute(self, session: Session, message: wire.Mute) -> wire.Ok | None:
        """Silences a person."""
        session.require_moderator()
        return await self._decide(
            session, message, lambda _: rules.mute(message.person, message.seconds, self._clock())
        )

    async def delete(self, session: Session, message: wire.Delete) -> wire.Ok | None:
        """Takes back a comment."""
        session.require_moderator()
        return await self._decide(
            session, message, lambda _: rules.delete_comment(message.comment, self._clock())
        )

    async def _decide(
        self,
        session: Session,
        message: wire.ClientMessage,
        decide: rules.Decide,
    ) -> wire.Ok | None:
        events = await session.served.live.command(decide)
        for event in events:
            action = str(event.__struct_config__.tag)
            after = {"offset": session.served.live.offset}
            await self._trail.note(session, action, session.served.live.room, after)
        return ok(message)


def ok(message: wire.ClientMessage) -> wire.Ok | None:
    """The answer to a message that asked for one."""
    return wire.Ok(id=message.id) if message.id is not None else None
