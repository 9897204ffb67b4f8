"""Draws: who gets the units of a sale, decided by a seed that was promised before anybody asked.

When the sale opens, SHA-256 of the seed is published (the *commit*). Everybody who asks within the window
enters, under an entry id that says nothing of the person. Then the seed is published, and with it a *digest*
of the entrants. The order is that of SHA-256(seed ‖ sale ‖ entry); units are given out in that order, to each
as many as wished for while there are some. Whoever has the export can do all of it again. What that proves,
and what not: docs/selling.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

from msgspec import Struct

from livecommerce.ids import PersonId, SaleId, Shard


class Entry(Struct, frozen=True, kw_only=True):
    """One person's part in a draw."""

    entry: str
    units: int


class Draw(Struct, frozen=True, kw_only=True):
    """A draw that was made, complete: what ``livecommerce sale export`` writes and anybody can verify."""

    sale: str
    commit: str
    """SHA-256 of the seed, published when the sale opened."""
    seed: str
    """32 bytes, hexadecimal; published with the result."""
    units: int
    """What was there to be drawn for."""
    digest: str
    """Of sale, units and entrants; published with the result."""
    entrants: tuple[Entry, ...]
    """By entry id."""
    order: tuple[str, ...]
    """Entry ids as they were drawn."""
    winners: tuple[Entry, ...]
    """Who got how much, in the drawn order; the others wait behind them, in that order too."""


class DueDraw(Struct, frozen=True, kw_only=True):
    """A draw whose window is over, leased to the caller for a few seconds."""

    sale: SaleId
    commit: str


class Seeds:
    """The seeds of all draws, made from the deployment's secret and the sale's id; nothing is stored."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seed(self, sale: str) -> str:
        """What must stay secret until the window is over."""
        return hmac.new(self._key, sale.encode(), sha256).hexdigest()

    def commit(self, sale: str) -> str:
        """What is published when the sale opens."""
        return commit_to(self.seed(sale))


def commit_to(seed: str) -> str:
    """The hash of a seed."""
    return sha256(bytes.fromhex(seed)).hexdigest()


def digest_of(sale: str, units: int, entrants: Iterable[Entry]) -> str:
    """What fixes a draw's sale, its units and who entered for how many."""
    lines = sorted(f"{entrant.entry} {entrant.units}\n" for entrant in entrants)
    return sha256(f"{sale} {units}\n{''.join(lines)}".encode()).hexdigest()


def drawn_order(sale: str, seed: str, entries: Iterable[str]) -> list[str]:
    """Entry ids in the order of SHA-256(seed ‖ sale ‖ entry)."""
    start = bytes.fromhex(seed) + sale.encode()
    return sorted(entries, key=lambda entry: sha256(start + entry.encode()).digest())


def winners_of(units: int, ordered: Iterable[Entry]) -> list[Entry]:
    """Gives units out in order; who is last may get fewer than wished for."""
    winners: list[Entry] = []
    for entrant in ordered:
        if units <= 0:
            break
        won = min(units, entrant.units)
        winners.append(Entry(entry=entrant.entry, units=won))
        units -= won
    return winners


def make_draw(sale: str, seed: str, units: int, entrants: Sequence[Entry]) -> Draw:
    """Draws."""
    by_entry = {entrant.entry: entrant for entrant in entrants}
    order = drawn_order(sale, seed, by_entry)
    return Draw(
        sale=sale,
        commit=commit_to(seed),
        seed=seed,
        units=units,
        digest=digest_of(sale, units, entrants),
        entrants=tuple(sorted(entrants, key=lambda entrant: entrant.entry)),
        order=tuple(order),
        winners=tuple(winners_of(units, (by_entry[entry] for entry in order))),
    )


def faults_of(draw: Draw) -> list[str]:
    """What of a draw is not as its seed and its entrants make it, one sentence each; empty: it is genuine."""
    if not _is_seed(draw.seed):
        return ["The seed is not 32 bytes in hexadecimal."]
    if len({entrant.entry for entrant in draw.entrants}) < len(draw.entrants):
        return ["An entrant is listed twice."]
    again = make_draw(draw.sale, draw.seed, draw.units, draw.entrants)
    sentences = {
        "commit": "The seed is not the one whose hash was published.",
        "digest": "Sale, units or entrants are not those that were drawn for.",
        "entrants": "The entrants are not in the order of their ids.",
        "order": "The order is not the one that the seed gives.",
        "winners": "The winners are not those whom the order gives the units.",
    }
    return [text for name, text in sentences.items() if getattr(again, name) != getattr(draw, name)]


def _is_seed(seed: str) -> bool:
    return len(seed) == 64 and all(character in "0123456789abcdef" for character in seed)


class Lotteries(Protocol):
    """Where entries are kept and draws are made; each call is atomic and safe to repeat."""

    async def due(self, shard: Shard, count: int) -> list[DueDraw]:
        """Draws whose window is over, by the store's clock; from now on nobody enters or leaves them."""
        ...

    async def entrants(self, sale: SaleId) -> dict[PersonId, Entry]:
        """Everybody who entered a draw that is due."""
        ...

    async def rank(self, sale: SaleId, first: int, entrants: Sequence[tuple[PersonId, Entry]]) -> None:
        """Keeps a stretch of the drawn order, from a rank on; it counts once the draw is finished."""
        ...

    async def units(self, sale: SaleId) -> int:
        """What there is to be drawn for now."""
        ...

    async def finish(self, draw: Draw) -> bool:
        """Publishes a draw whose order was kept and offers the units to its winners, once.

        False where there are other units by now, or not the whole order: to be tried again.
        """
        ...

    async def find(self, sale: SaleId) -> Draw | None:
        """A draw that was made."""
        ...


def stretches(
    draw: Draw, entrants: Mapping[PersonId, Entry], size: int
) -> Iterable[tuple[int, list[tuple[PersonId, Entry]]]]:
    """The drawn order in stretches: the rank of the first, from 1, and who they are."""
    people = {entrant.entry: (person, entrant) for person, entrant in entrants.items()}
    for at in range(0, len(draw.order), size):
        yield at + 1, [people[entry] for entry in draw.order[at : at + size]]
