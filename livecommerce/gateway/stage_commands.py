"""What the host may do with the picture: guests' seats and the layout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from livecommerce.clock import Clock
from livecommerce.gateway.messages import from_client, to_client
from livecommerce.gateway.room_commands import decide
from livecommerce.gateway.session import Session
from livecommerce.gateway.trail import Trail
from livecommerce.room import stage
from livecommerce.room.cards import PersonCard
from livecommerce.room.room import Decide
from livecommerce.room.stage import EndPictures


class StageCommands:
    """Handlers of the messages about seats and layout."""

    def __init__(self, trail: Trail, clock: Clock, end_pictures: EndPictures) -> None:
        self._trail = trail
        self._clock = clock
        self._end_pictures = end_pictures

    def handlers(self) -> dict[type[Any], Callable[[Session, Any], Any]]:
        """Message type → handler."""
        return {
            from_client.SeatGive: self.give,
            from_client.SeatVacate: self.vacate,
            from_client.Arrange: self.arrange,
        }

    async def give(self, session: Session, message: from_client.SeatGive) -> to_client.Ok | None:
        """Gives a guest the first free seat."""
        session.require_host()
        guest = PersonCard(person=message.person, name=message.name, role="viewer")
        return await self._decide(
            session, message, lambda state: stage.give_seat(state, guest, self._clock())
        )

    async def vacate(self, session: Session, message: from_client.SeatVacate) -> to_client.Ok | None:
        """Takes a seat back, or leaves one's own."""
        if stage.seat_of(session.served.live.state, session.person.person) != message.seat:
            session.require_host()
        done = await self._decide(
            session, message, lambda state: stage.vacate_seat(state, message.seat, self._clock())
        )
        self._end_pictures(session.served.live.room, message.seat)
        return done

    async def arrange(self, session: Session, message: from_client.Arrange) -> to_client.Ok | None:
        """Arranges the pictures."""
        session.require_host()
        return await self._decide(
            session, message, lambda state: stage.arrange(state, message.layout, self._clock())
        )

    async def _decide(
        self, session: Session, message: from_client.ClientMessage, command: Decide
    ) -> to_client.Ok | None:
        return await decide(session, message, command, self._trail, self._clock)
