"""The host: runs the show in acts of pin, coupons and a sale."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from itertools import cycle
from typing import Any

from loadtests.audience.viewer import Viewer
from loadtests.people import Person
from loadtests.room_socket import Message

DISCOUNT_PERCENT = 30
COUPONS = 50
LEAST_SALE_SECONDS = 10
PIN_AT, DROP_AT, SALE_AT, UNPIN_AT = 0.1, 0.2, 0.4, 0.95
"""Where in an act things happen."""


class Host(Viewer):
    """One host for the whole swarm, signed in as the show's own."""

    fixed_count = 1

    def on_start(self) -> None:
        """Is there before everybody else."""
        self.number = self.stage.next_number()
        self.random = self.stage.random_for(self.number)

    def newcomer(self) -> Person:
        """The show's own host."""
        return self.stage.presenter

    def settle_in(self) -> None:
        """Looks at the shelf and plans the first act."""
        self.agenda.clear()  # a host does not leave, and does not lose the network
        shelf = self._get("shelf")["products"]
        self._wares = _wares(shelf)
        self._campaigns = [one for one in self._get("campaigns")["campaigns"] if one["kind"] == "drop"]
        self.after(0.0, self._act)

    def _get(self, what: str) -> Any:
        response = self.client.get(
            f"/api/rooms/{self.stage.room}/{what}", headers=self.person.authorization, name=what
        )
        return response.json()

    def _act(self) -> None:
        seconds = self.stage.act_seconds
        self.after(seconds, self._act)
        product, sku = next(self._wares)
        self.after(seconds * PIN_AT, partial(self._command, "pin", product=product["product"]))
        self.after(seconds * DROP_AT, self._drop)
        self.after(seconds * SALE_AT, partial(self._open_sale, sku))
        self.after(seconds * UNPIN_AT, partial(self._command, "unpin", product=product["product"]))

    def _drop(self) -> None:
        if self._campaigns:
            campaign = self._campaigns[0]["campaign"]
            self.insist(
                "coupon.drop",
                t="coupon.drop",
                campaign=campaign,
                count=COUPONS,
                seconds=10,
                key=secrets.token_hex(8),
            )

    def _open_sale(self, sku: dict[str, Any]) -> None:
        seconds = self.stage.act_seconds
        self.insist(
            "sale.open",
            t="sale.open",
            sku=sku["sku"],
            price_minor=sku["price_minor"] * (100 - DISCOUNT_PERCENT) // 100,
            stock=self.stage.stock,
            limit=1,
            seconds=max(LEAST_SALE_SECONDS, int(seconds * (UNPIN_AT - SALE_AT))),
            key=secrets.token_hex(8),
        )

    def _command(self, kind: str, **fields: Any) -> None:
        self.visit.ask(kind, t=kind, **fields)

    def heard(self, message: Message) -> None:
        """Starts a show that has not been started."""
        if message["t"] == "snapshot" and message["room"]["phase"] == "scheduled":
            self.insist("show.start", t="show.start")


def _wares(shelf: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Products and their SKUs, those with the most stock first, over and over."""
    on_hand = {row["sku"]: row["on_hand"] for product in shelf for row in product["stock"]}
    pairs = [(product, sku) for product in shelf for sku in product["skus"]]
    return cycle(sorted(pairs, key=lambda pair: -on_hand.get(pair[1]["sku"], 0)))
