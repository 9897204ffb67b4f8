"""What people may do with the line of a sale, and which line a new sale gets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from livecommerce.gateway.messages import from_client, to_client
from livecommerce.gateway.session import Session
from livecommerce.ids import PersonId, RoomId, SaleId
from livecommerce.lottery import Seeds
from livecommerce.waitlist import (
    CLAIM_SECONDS,
    LOTTERY,
    TURN_SECONDS,
    WAITLIST,
    Line,
    PlaceCard,
    Waitlists,
)


class Lines:
    """Handlers of the messages about waiting and draws."""

    def __init__(self, waitlists: Waitlists, seeds: Seeds) -> None:
        self._waitlists = waitlists
        self._seeds = seeds

    def handlers(self) -> dict[type[Any], Callable[[Session, Any], Any]]:
        """Message type → handler."""
        return {from_client.Wait: self.wait, from_client.WaitLeave: self.leave}

    async def wait(self, session: Session, message: from_client.Wait) -> to_client.Ok | None:
        """Gives a person a place in a line, or an entry in a draw."""
        session.require_account()
        sale, room = SaleId(message.sale), RoomId(session.served.live.room)
        return _answer(message, await self._waitlists.join(sale, _person(session), message.qty, room))

    async def leave(self, session: Session, message: from_client.WaitLeave) -> to_client.Ok | None:
        """Gives up a place, an entry or a turn."""
        session.require_account()
        sale, room = SaleId(message.sale), RoomId(session.served.live.room)
        return _answer(message, await self._waitlists.leave(sale, _person(session), room))

    def line_of(self, sale: SaleId, message: from_client.SaleOpen | from_client.ShelfOpen) -> Line | None:
        """The line that a sale is opened with."""
        if isinstance(message, from_client.SaleOpen) and message.mode == LOTTERY:
            return Line(
                kind=LOTTERY,
                turn_seconds=CLAIM_SECONDS,
                window_seconds=message.window_seconds,
                commit=self._seeds.commit(sale),
            )
        return Line(kind=WAITLIST, turn_seconds=TURN_SECONDS) if message.waitlist else None

    async def prepare(self, sale: SaleId, line: Line | None) -> None:
        """Keeps the line of a sale that is about to open."""
        if line is not None:
            await self._waitlists.prepare(sale, line)


def _person(session: Session) -> PersonId:
    return PersonId(session.person.person)


def _answer(message: from_client.ClientMessage, place: PlaceCard) -> to_client.Ok | None:
    return to_client.Ok(id=message.id, place=place) if message.id is not None else None
