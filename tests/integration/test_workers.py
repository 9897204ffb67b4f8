"""Gateways that share a port leave, crash and lose their Valkey during a show: nobody misses anything."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from loadtests.deployment import Show, plan_show
from loadtests.followers import TEND_SECONDS, Follower, Followers
from tests.servers import ValkeyServer
from tests.site import GatewayProcess, Site

VIEWERS = 200
PIN_SECONDS, TAP_SECONDS = 0.15, 0.05


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A Valkey of this module's own, to be killed."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, server: ValkeyServer) -> Iterator[Site]:
    """Two gateways on one port."""
    site = Site(tmp_path_factory.mktemp("site"), server.url)
    try:
        site.start()
        yield site
    finally:
        site.stop()


@pytest.fixture(scope="module")
def show(site: Site) -> Show:
    """The show of the demo's host."""
    return plan_show(site.deployment)


class Floor:
    """A full room: a host who pins, buyers who tap, one after the other."""

    def __init__(self, site: Site, show: Show) -> None:
        self.site = site
        self.show = show
        self.crowd = Followers(site.deployment, show, VIEWERS)
        self._pinned = ""
        self._taps = iter(self.crowd.viewers)
        self.wish: dict[str, Any] = {}
        """A unit of the sale, at its price."""

    def open(self) -> None:
        """Everybody comes in, and a sale begins."""
        self.crowd.enter()
        self.crowd.answer(self.crowd.host, t="show.start")
        self._open_sale()
        self.crowd.sink.every(PIN_SECONDS, self._turn_pin)
        self.crowd.sink.every(TAP_SECONDS, self._tap)

    def _open_sale(self) -> None:
        shelf = httpx.get(
            f"{self.site.deployment.url}/api/rooms/{self.show.room}/shelf",
            headers=self.show.host.authorization,
            trust_env=False,
        ).json()["products"]
        on_hand = {row["sku"]: row["on_hand"] for product in shelf for row in product["stock"]}
        sku, stock = max(on_hand.items(), key=lambda pair: pair[1])
        opened = self.crowd.answer(
            self.crowd.host,
            t="sale.open",
            sku=sku,
            price_minor=1_000,
            stock=min(stock, VIEWERS),
            limit=1,
            seconds=600,
            key=secrets.token_hex(8),
        )
        assert opened["t"] == "ok", opened
        self.crowd.sink.run_until(lambda: bool(self.crowd.host.sale))
        sale = self.crowd.host.sale
        self.wish = {name: sale[name] for name in ("sale", "version", "price_minor")}

    def _turn_pin(self) -> None:
        if self._pinned:
            self.crowd.ask(self.crowd.host, t="unpin", product=self._pinned)
            self._pinned = ""
        else:
            self._pinned = self.show.products[0]
            self.crowd.ask(self.crowd.host, t="pin", product=self._pinned)

    def _tap(self) -> None:
        buyer = next(self._taps, None)
        if buyer is not None:
            self.crowd.ask(buyer, t="buy", key=secrets.token_hex(8), **self.wish)

    def quiet(self) -> None:
        """Nothing new happens; returns when everybody has heard everything."""
        self.crowd.sink.agenda.clear()
        self.crowd.sink.every(TEND_SECONDS, self.crowd.tend)
        self.crowd.sink.run_until(self.crowd.all_inside)
        last = self.last_offset()
        self.crowd.sink.run_until(lambda: self.crowd.all_at(last))

    def last_offset(self) -> int:
        """Where the room's log ends."""
        mark = self.crowd.answer(self.crowd.host, t="delete", comment="00" + "0" * 26)
        assert mark["t"] == "ok", mark
        self.crowd.sink.run(0.2)
        return max(follower.place.offset for follower in self.crowd.everyone)

    def orders_of(self, buyer: Follower) -> dict[str, str]:
        """What the server says a buyer has."""
        self.crowd.sink.run(0.001)  # answers pings: asking for everybody takes long on a busy machine
        rows = httpx.get(
            f"{self.site.deployment.url}/api/orders", headers=buyer.person.authorization, trust_env=False
        ).json()["orders"]
        return {row["order"]: row["state"] for row in rows}

    def close(self) -> None:
        """Ends the sale; whoever was given up for silent while a test looked elsewhere comes back first."""
        self.crowd.sink.agenda.clear()
        if self.wish:
            self.crowd.sink.every(TEND_SECONDS, self.crowd.tend)
            self.crowd.sink.run(0.5)
            self.crowd.sink.run_until(lambda: self.crowd.host.inside)
            self.crowd.answer(self.crowd.host, t="sale.close", sale=self.wish["sale"], version=1)
        self.crowd.close()


@pytest.fixture
def floor(site: Site, show: Show) -> Iterator[Floor]:
    """A room that is on and full."""
    floor = Floor(site, show)
    try:
        floor.open()
        yield floor
    finally:
        floor.close()


def restart(floor: Floor, gateway: GatewayProcess) -> None:
    """As a deployment does: asks it to leave, and starts the next when it is gone."""
    sink = floor.crowd.sink
    gateway.leave()
    sink.run_until(lambda: not gateway.running)
    gateway.start()
    sink.run_until(gateway.listens)


def assert_nothing_is_missing(floor: Floor) -> None:
    crowd = floor.crowd
    assert crowd.wrongs() == []
    told: dict[int, str] = {}
    for viewer in crowd.viewers:
        assert list(viewer.events) == list(range(min(viewer.events), crowd.host.place.offset + 1))
        assert all(told.setdefault(offset, kind) == kind for offset, kind in viewer.events.items())
    owned = {viewer.person.person: floor.orders_of(viewer) for viewer in crowd.viewers}
    crowd.sink.run_until(crowd.all_inside)
    crowd.sink.run_until(lambda: {one.person.person: one.told() for one in crowd.viewers} == owned)


def test_a_rolling_restart_loses_no_control_event_and_no_personal_record(floor: Floor) -> None:
    crowd, (one, two) = floor.crowd, floor.site.gateways
    assert len(crowd.at(one.peers())) + len(crowd.at(two.peers())) == len(crowd.everyone)
    assert crowd.at(one.peers())
    assert crowd.at(two.peers())
    restart(floor, one)
    crowd.sink.run_until(crowd.all_inside)
    restart(floor, two)
    floor.quiet()
    assert_nothing_is_missing(floor)
    assert all(viewer.hints for viewer in crowd.viewers)
    assert all(viewer.resumed and viewer.fresh == 1 for viewer in crowd.viewers)
    hints = sorted(hint for viewer in crowd.viewers for hint in viewer.hints)
    assert hints[0] < 500 < 1_500 < hints[-1]
    assert sum(bool(viewer.orders) for viewer in crowd.viewers) > 20


def test_a_gateway_that_is_killed_takes_nothing_with_it(floor: Floor) -> None:
    crowd, (one, two) = floor.crowd, floor.site.gateways
    gone = crowd.at(one.peers())
    stayed = crowd.at(two.peers())
    assert gone
    assert stayed
    one.kill()
    crowd.sink.run_until(lambda: all(follower.lost for follower in gone) and crowd.all_inside())
    assert not any(follower.lost for follower in stayed)
    one.start()
    crowd.sink.run_until(one.listens)
    floor.quiet()
    assert_nothing_is_missing(floor)
    crowd.sink.run_until(lambda: all(viewer.viewers == len(crowd.everyone) for viewer in crowd.viewers))


def test_viewers_of_a_killed_gateway_stop_counting_after_two_silent_beats(site: Site, show: Show) -> None:
    crowd = Followers(site.deployment, show, 40)
    try:
        crowd.sink.open([follower.line for follower in crowd.everyone])
        one, two = site.gateways
        stayed = crowd.at(two.peers())
        crowd.sink.run_until(lambda: all(viewer.viewers == len(crowd.everyone) for viewer in stayed))
        one.kill()
        crowd.sink.run_until(lambda: all(viewer.viewers == len(stayed) for viewer in stayed))
        one.start()
        crowd.sink.run_until(one.listens)
    finally:
        crowd.close()


def test_while_valkey_is_away_viewers_stay_and_talk_and_money_waits(
    floor: Floor, server: ValkeyServer
) -> None:
    crowd = floor.crowd
    crowd.sink.run(0.5)
    epoch = crowd.host.place.epoch
    server.kill()
    crowd.sink.agenda.clear()
    speaker, *_ = crowd.viewers
    near = next(
        crowd.at(gateway.peers()) for gateway in floor.site.gateways if speaker in crowd.at(gateway.peers())
    )
    pinned = crowd.answer(crowd.host, t="pin", product=floor.show.products[1])
    bought = crowd.answer(speaker, t="buy", key=secrets.token_hex(8), **floor.wish)
    assert (pinned["t"], pinned["temporary"]) == (bought["t"], bought["temporary"]) == ("error", True)
    assert floor.site.degraded().keys() == {"redis", "bus"}
    said = crowd.answer(speaker, t="comment", text="is anybody there?")
    assert said["result"] == "delivered"
    crowd.sink.run_until(lambda: all("is anybody there?" in one.comments for one in near))
    assert crowd.all_inside()
    server.start()
    crowd.sink.run_until(lambda: not floor.site.degraded())
    crowd.sink.run_until(
        lambda: crowd.answer(crowd.host, t="pin", product=floor.show.products[1])["t"] == "ok"
    )
    floor.quiet()
    assert_nothing_is_missing(floor)
    assert crowd.host.place.epoch == epoch
    assert not any(follower.lost for follower in crowd.everyone)
    again = crowd.answer(crowd.viewers[-1], t="buy", key=secrets.token_hex(8), **floor.wish)
    assert again["t"] == "ok"


def test_whichever_gateway_is_asked_answers_for_both(site: Site) -> None:
    for _ in range(4):
        text = site.metrics()
        assert all(f'livecommerce_connections{{gateway="{one.name}"}}' in text for one in site.gateways)
    assert site.degraded() == {}
