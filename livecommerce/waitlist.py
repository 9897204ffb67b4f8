"""Waitlists: people who wait for a sale's units, and the turns that they get in order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from livecommerce.ids import PersonId, RoomId, SaleId

WAITLIST = "waitlist"
"""Units that come back are offered in the order in which people came."""
LOTTERY = "lottery"
"""First a draw among all who asked within a window; who was not drawn waits in the drawn order."""

TURN_SECONDS = 60
"""How long a unit that came back is set aside for who is first."""
CLAIM_SECONDS = 300
"""How long a drawn unit is set aside for its winner."""


class PlaceCard(Struct, frozen=True, kw_only=True):
    """Somebody's place in the line of a sale; of one sale the highest ``v`` wins."""

    sale: str
    v: int
    state: str
    """waiting; entered (a draw is coming), lost (not drawn, waits behind the winners); turn (units are set
    aside); taken, lapsed, left, over: no place any more."""
    qty: int
    """Units wished for; in a turn, units set aside."""
    ticket: int
    """Its number in the line: who has a lower one comes first."""
    ahead: int = 0
    """People before it when the card was made."""
    ends_ms: int = 0
    """When the turn is over."""
    entry: str = ""
    """What stands for the person in a draw."""


class QueueCount(Struct, frozen=True, kw_only=True):
    """How long the line of a sale is; the highest ``v`` wins."""

    sale: str
    v: int
    waiting: int
    head: int
    """The ticket of who is first; 0 where nobody waits."""


class Line(Struct, frozen=True, kw_only=True):
    """How a sale treats those for whom there is nothing now."""

    kind: str
    """waitlist or lottery."""
    turn_seconds: int
    window_seconds: int = 0
    """How long a draw takes entries, from the opening of the sale."""
    commit: str = ""
    """SHA-256 of the draw's seed, hexadecimal."""


class Waitlists(Protocol):
    """The lines of all sales; each call is atomic and safe to repeat."""

    async def prepare(self, sale: SaleId, line: Line) -> None:
        """Gives a sale that is about to open its line; one that is open or voided stays as it is."""
        ...

    async def join(self, sale: SaleId, person: PersonId, units: int, room: RoomId) -> PlaceCard:
        """Puts a person in a room at the end of a line, or into a draw; who has a place keeps it as it is.

        Raises:
            NotFound: ``sale_not_found``, also where it is another room's.
            Conflict: ``no_waitlist``, ``not_sold_out``, ``limit_reached``, ``sale_not_open``,
                ``sale_closed``, ``draw_closed`` or ``line_full``.
        """
        ...

    async def leave(self, sale: SaleId, person: PersonId, room: RoomId) -> PlaceCard:
        """Gives up a place or a turn, whose units go on to the next; without one nothing changes.

        Raises:
            NotFound: ``sale_not_found``, also where it is another room's.
            Conflict: ``draw_closed``: the draw is under way.
        """
        ...

    async def counts(self, sales: Sequence[SaleId]) -> list[QueueCount]:
        """How long lines are; sales without one are left out. One shard, one call."""
        ...
