"""Somebody who came for the sale: taps at the opening, then pays, or does not."""

from __future__ import annotations

import secrets
import time
from functools import partial
from typing import Any

from loadtests import distributions as people_do
from loadtests.audience.till import Till
from loadtests.audience.viewer import Viewer
from loadtests.audience.visit import COUPON_DOES_NOT_FIT
from loadtests.distributions import Habit
from loadtests.room_socket import Message


class Buyer(Viewer):
    """One wish for each sale, one habit for each order."""

    weight = 8

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self._coupon = ""
        self._wanted: set[str] = set()
        self._orders: set[str] = set()
        self._paid_at: dict[str, float] = {}

    def settle_in(self) -> None:
        """Has no coupon and has bought nothing yet."""
        self._coupon = ""
        self._wanted.clear()
        self._orders.clear()
        self._paid_at.clear()

    def heard(self, message: Message) -> None:
        """Reacts to sales, coupons and news of its own orders."""
        match message["t"]:
            case "snapshot" | "resync":
                for sale in message["room"]["sales"]:
                    self._see_sale(sale)
            case "sale.opened":
                self._see_sale(message["sale"])
            case "coupon.dropped":
                drop = message["drop"]["drop"]
                self.after(self.draw(people_do.REACTION), partial(self._claim, drop))
            case "order":
                self._hear_of_order(message["order"])

    # ------------------------------------------------------------ the tap

    def _see_sale(self, sale: Message) -> None:
        if sale["phase"] == "open" and sale["sale"] not in self._wanted:
            self._wanted.add(sale["sale"])
            self.after(self.draw(people_do.REACTION), partial(self._tap, sale))

    def _tap(self, sale: Message) -> None:
        wish = self._wish(sale)
        self.insist("buy", partial(self._hear_answer, sale), **wish)
        if self.random.random() < people_do.TAPS_TWICE:
            again = partial(self.visit.ask, "buy", self._hear_repeated, **wish)
            self.after(self.draw(people_do.SECOND_TAP), again)

    def _wish(self, sale: Message) -> Message:
        return {
            "t": "buy",
            "sale": sale["sale"],
            "version": sale["version"],
            "price_minor": sale["price_minor"],
            "key": secrets.token_hex(8),
            "grant": self._coupon,
        }

    def _hear_answer(self, sale: Message, answer: Message) -> None:
        witness = self.stage.witness
        if answer["t"] != "ok":
            witness.outcomes[f"wishes refused: {answer['code']}"] += 1
            if answer["code"] in COUPON_DOES_NOT_FIT:
                self._coupon = ""
                self.insist("buy", partial(self._hear_answer, sale), **self._wish(sale))
            return
        witness.outcomes["wishes granted"] += 1
        self._coupon = ""
        self._take(answer["order"])
        if self.random.random() < people_do.WANTS_MORE:
            self.visit.ask("buy", self._hear_of_more, **self._wish(sale))

    def _hear_repeated(self, answer: Message) -> None:
        """The same wish again: whatever it is answered, it may not be a second order."""
        if answer["t"] != "ok":
            return
        order = answer["order"]
        witness = self.stage.witness
        witness.outcomes["second taps answered with the same order"] += 1
        mine = [
            known.order
            for known in witness.purchases.values()
            if (known.sale, known.buyer) == (order["sale"], self.person.person)
        ]
        witness.same_wish(mine[0] if mine else order["order"], order["order"])

    def _hear_of_more(self, answer: Message) -> None:
        if answer["t"] == "ok":
            self._take(answer["order"])

    def _claim(self, drop: str) -> None:
        self.visit.ask("claim", self._hear_of_coupon, t="claim", drop=drop)

    def _hear_of_coupon(self, answer: Message) -> None:
        if answer["t"] == "ok":
            self._coupon = answer["grant"]["grant"]
            self.stage.witness.outcomes["coupons claimed"] += 1

    # ------------------------------------------------------------ the money

    def _take(self, order: Message) -> None:
        """Has an order now, and does with it what this buyer is used to do, also after leaving the room."""
        self.stage.witness.bought(order, self.person.person)
        if order["order"] in self._orders:
            return
        self._orders.add(order["order"])
        habit = Habit(self.draw(people_do.PAYMENT_HABITS))
        wait = self.draw(people_do.PAYING)
        self.stage.witness.outcomes[f"orders: {habit.value}"] += 1
        till = Till(self.client, self.person, self._paid)
        self.errands.spawn(till.settle, order["order"], habit, wait)

    def _paid(self, order: str) -> None:
        self._paid_at[order] = time.monotonic()

    def _hear_of_order(self, order: Message) -> None:
        if order["state"] == "held":
            self._take(order)  # the answer may have been lost with the connection
        paid_at = self._paid_at.pop(order["order"], None) if order["state"] == "sold" else None
        if paid_at is not None:
            self.record("payment", "paid → sold", (time.monotonic() - paid_at) * 1000, None)
