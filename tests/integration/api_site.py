"""A real gateway with things to ask for: shows, segments, orders at every stage, people of every kind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from livecommerce.accounts import Membership, Person
from livecommerce.adapters.sql_catalog import SqlCatalog
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.adapters.sql_schedule import SqlSchedule
from livecommerce.clock import now_ms
from livecommerce.demo.goods import BRAND, HOST
from livecommerce.demo.goods import MERCHANT as HOUSE
from livecommerce.gateway.auth import Tokens
from livecommerce.gateway.http.operation import PARAMETER
from livecommerce.settings import Settings
from tests.aftersales import BUYER, SHOP, BackOffice, two_lines
from tests.site import Site

DAY_MS = 86_400_000


def _seller() -> Person:
    """Somebody who has a part in everything: the demo's host, who is merchant and brand as well."""
    shops = [
        Membership(role, shop) for role in ("merchant", "brand", "host") for shop in (SHOP, HOUSE, BRAND)
    ]
    return Person(person=HOST, name="Seller", roles=tuple(shops))


PEOPLE: Mapping[str, Person | None] = {
    "nameless": None,
    "buyer": Person(person=BUYER, name="Buyer"),
    "seller": _seller(),
    "operator": Person(person="operator", name="Operator", roles=(Membership("operator"),)),
}


class ApiSite:
    """One gateway on a port, and what there is in it."""

    def __init__(self, folder: Path, redis_url: str) -> None:
        self._site = Site(folder, redis_url, gateways=1)
        self._folder = folder
        self._known: list[dict[str, str]] = []
        """Ids that belong together."""
        secret = self._site.deployment.secret
        self._tokens = Tokens(secret, now_ms)
        self.url = self._site.deployment.url

    def start(self) -> None:
        """Begins to serve."""
        self._site.start()
        asyncio.run(self._furnish())

    def stop(self) -> None:
        """Ends the gateway."""
        self._site.stop()

    def headers(self, who: str) -> dict[str, str]:
        """What somebody sends along; each time as one who signed in just now: some sign themselves out."""
        person = PEOPLE[who]
        if person is None:
            return {}
        token, _ = self._tokens.mint(person, now_ms() + 5_000)
        return {"authorization": f"Bearer {token}"}

    def existing(self, parameters: Mapping[str, object], pick: int) -> dict[str, object]:
        """A path's parameters, where they could be ids as ids of what there is."""
        known = [row for row in self._known if row.keys() >= parameters.keys()]
        if not known:
            return dict(parameters)
        row = known[pick % len(known)]
        return {
            name: row[name] if re.fullmatch(PARAMETER, str(value)) else value
            for name, value in parameters.items()
        }

    async def _furnish(self) -> None:
        engine = open_sql(Settings(data_dir=self._folder).sql_url)
        office = BackOffice(engine, self._folder / "provider.sqlite")
        await office.seed()
        to_ship, on_the_way, received, returning = [await office.sold(*two_lines()) for _ in range(4)]
        await office.ship(on_the_way, tracking="T1")
        for order in (received, returning):
            await office.ship(order)
            await office.receive(order)
        back = await office.ask_back(returning)
        schedule = SqlSchedule(engine)
        shows = await schedule.shows_between(0, now_ms() + 30 * DAY_MS)
        segments = await schedule.segments_of([show.room for show in shows])
        goods = await SqlCatalog(engine).products_of(HOUSE)
        self._known = [
            *({"order": str(order)} for order in (to_ship, on_the_way, received)),
            {"order": returning, "return_id": back.return_id},
            *({"room": str(show.room)} for show in shows),
            *({"segment": str(segment.segment)} for segment in segments),
            *({"shop": str(shop)} for shop in (BRAND, SHOP)),
            *(
                {"shop": HOUSE, "product": product.product, "sku": sku.sku}
                for product in goods
                for sku in product.skus
            ),
            {"provider": "sandbox"},
            *({"owner": str(owner)} for owner in (HOUSE, HOST)),
        ]
        await office.close()
        await engine.dispose()
