"""Guests' seats and the layout over real sockets, on two gateways."""

from __future__ import annotations

from livecommerce.room.cards import StreamCard
from livecommerce.room.stage import show_stream
from tests.fakes import FakeBus, FakeRooms
from tests.gateway import running_gateway
from tests.rooms import HOST, a_room

ANN = "zz" + "A" * 26
BO = "zz" + "B" * 26


async def test_the_host_gives_a_seat_arranges_the_pictures_and_takes_it_back() -> None:
    bus = FakeBus()
    store = FakeRooms(bus)
    async with (
        running_gateway(store, bus, "one") as one,
        running_gateway(store, bus, "two") as two,
        one.viewer(one.token(HOST, "Mei")) as host,
        two.viewer(two.token(ANN, "Ann")) as ann,
    ):
        assert (await host.ask(t="seat.give", person=ANN, name="Ann"))["t"] == "ok"
        given = await ann.until("seat.given")
        assert given["seat"] == {
            "seat": "guest-1",
            "person": {"person": ANN, "name": "Ann", "role": "viewer"},
        }
        assert (await host.ask(t="layout", layout="side-by-side"))["t"] == "ok"
        assert (await ann.until("layout"))["layout"] == "side-by-side"
        assert (await host.ask(t="layout", layout="upside-down"))["code"] == "layout_unknown"
        assert (await host.ask(t="seat.vacate", seat="guest-1"))["t"] == "ok"
        assert (await ann.until("seat.vacated"))["seat"] == "guest-1"
        assert (await ann.until("layout"))["layout"] == "single"


async def test_guests_leave_their_own_seat_and_no_other() -> None:
    bus = FakeBus()
    store = FakeRooms(bus)
    async with (
        running_gateway(store, bus, "one") as one,
        one.viewer(one.token(HOST, "Mei")) as host,
        one.viewer(one.token(ANN, "Ann")) as ann,
        one.viewer(one.token(BO, "Bo")) as bo,
    ):
        for person, name in ((ANN, "Ann"), (BO, "Bo")):
            await host.ask(t="seat.give", person=person, name=name)
        assert (await bo.ask(t="seat.vacate", seat="guest-1"))["code"] == "host_only"
        assert (await bo.ask(t="seat.give", person=BO, name="Bo"))["code"] == "host_only"
        assert (await bo.ask(t="layout", layout="side-by-side"))["code"] == "host_only"
        assert (await ann.ask(t="seat.vacate", seat="guest-1"))["t"] == "ok"
        served = await one.rooms.get(a_room().room)
        assert [card.seat for card in served.live.state.seats] == ["guest-2"]
        assert one.closed_seats == ["guest-1"]
        await served.live.command(
            lambda state: show_stream(state, StreamCard(seat="guest-1", stream="late", since_ms=1), 1)
        )
        assert served.live.state.streams == ()
