"""What the audience saw with its own eyes; the auditor compares it with what others say."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import asdict
from typing import Any

from loadtests.audit.evidence import Place, Purchase

Message = dict[str, Any]

MOST_DRAWN = 20_000
"""Draws of one distribution that are kept; more would show nothing new."""


class Witness:
    """Collects what all viewers were told. Plain calls, so that greenlets need no lock."""

    def __init__(self) -> None:
        self.purchases: dict[str, Purchase] = {}
        self.stock: dict[str, int] = {}
        self.limits: dict[str, int] = {}
        self.control_events = 0
        self.seen: dict[Place, str] = {}
        """What happened where in the room's log."""
        self.contradictions: list[str] = []
        self.drawn: dict[str, list[float | str]] = defaultdict(list)
        """What people did by chance, by the distribution's name."""
        self.outcomes: Counter[str] = Counter()
        """What became of wishes, payments, shares; for the reader of the report."""

    def drew(self, name: str, value: float | str) -> None:
        """Somebody did something by chance."""
        if len(self.drawn[name]) < MOST_DRAWN:
            self.drawn[name].append(value)

    def sale_opened(self, sale: Message) -> None:
        """A sale is on: so many units, so many for each."""
        self.stock[sale["sale"]] = sale["stock"]
        self.limits[sale["sale"]] = sale["limit"]

    def bought(self, order: Message, buyer: str) -> None:
        """The server promised units to a buyer."""
        purchase = Purchase(
            order=order["order"],
            sale=order["sale"],
            buyer=buyer,
            qty=order["qty"],
            total_minor=order["total_minor"],
            currency=order["currency"],
        )
        self._keep(purchase)

    def _keep(self, purchase: Purchase) -> None:
        known = self.purchases.setdefault(purchase.order, purchase)
        if known != purchase:
            self.contradictions.append(f"order {purchase.order} was told as {known} and as {purchase}")

    def saw(self, place: Place, kind: str) -> None:
        """A viewer was told of a control event; everybody is told the same."""
        self.control_events += 1
        known = self.seen.setdefault(place, kind)
        if known != kind:
            self.contradictions.append(f"offset {place[1]} was told as {known} and as {kind}")

    def same_wish(self, first: str, second: str) -> None:
        """A repeated tap with the same key was answered."""
        if first != second:
            self.contradictions.append(f"one wish became two orders: {first} and {second}")

    def account(self) -> Message:
        """All of it as plain values, for a witness elsewhere."""
        return {
            "purchases": [asdict(purchase) for purchase in self.purchases.values()],
            "stock": self.stock,
            "limits": self.limits,
            "control_events": self.control_events,
            "seen": [[epoch, offset, kind] for (epoch, offset), kind in self.seen.items()],
            "contradictions": self.contradictions,
            "drawn": dict(self.drawn),
            "outcomes": dict(self.outcomes),
        }

    def hear(self, account: Message) -> None:
        """Adds what another witness saw; what the two were told differently is a contradiction."""
        for fields in account["purchases"]:
            self._keep(Purchase(**fields))
        self.stock |= account["stock"]
        self.limits |= account["limits"]
        already = self.control_events
        for epoch, offset, kind in account["seen"]:
            self.saw((epoch, offset), kind)
        self.control_events = already + account["control_events"]
        self.contradictions += account["contradictions"]
        for name, values in account["drawn"].items():
            self.drawn[name] += values
        self.outcomes.update(account["outcomes"])


class Offsets:
    """One viewer's place in the room's log; says what is missing."""

    def __init__(self) -> None:
        self.epoch = ""
        self.offset = 0

    def start(self, epoch: str, offset: int) -> None:
        """A snapshot: everything up to here is in it."""
        self.epoch, self.offset = epoch, offset

    def advance(self, offset: int) -> str | None:
        """A control event; returns what is wrong with it, if anything. A repeated one is not wrong."""
        expected = self.offset + 1
        self.offset = max(self.offset, offset)
        if offset > expected:
            return f"offset {offset} came where {expected} was due"
        return None
