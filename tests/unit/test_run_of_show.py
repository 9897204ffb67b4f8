"""The run of show: what plan, room and clock demand."""

from __future__ import annotations

from msgspec.structs import replace

from livecommerce.ids import PersonId
from livecommerce.room import room as room_rules
from livecommerce.room import run_of_show as rules
from livecommerce.room.cards import PersonCard, RoomState
from livecommerce.room.plan import segment_card
from livecommerce.room.room import fold
from livecommerce.schedule.segment import Segment
from tests.rooms import a_product, a_room
from tests.schedules import MINUTE, a_segment


def segment(name: str = "a", starts: int = 10, ends: int = 20, state: str = "confirmed") -> Segment:
    return a_segment(name, starts, ends, products=(f"p-{name}",), state=state)


def showing(shown: Segment, state: RoomState | None = None) -> RoomState:
    card = segment_card(shown, {"en": "Brand"}, shown.starts_ms, shown.ends_ms)
    return replace(state or a_room(), segment=card)


def pinned(*names: str) -> RoomState:
    """A room in which these products were pinned, the first of them first."""
    state = a_room()
    for at_ms, name in enumerate(names):
        state = fold(state, room_rules.pin(state, a_product(name), at_ms))
    return state


def pins(state: RoomState) -> list[str]:
    return [card.product.product for card in state.pins]


# ---------------------------------------------------------------- what is due


def test_nothing_is_due_before_the_time() -> None:
    assert rules.due([segment()], a_room(), 10 * MINUTE - 1) == []


def test_a_confirmed_segment_goes_on_air_at_its_time() -> None:
    [command] = rules.due([segment(), segment("b", 30, 40)], a_room(), 10 * MINUTE + 900)
    assert command == rules.PutOnAir(segment=segment(), starts_ms=10 * MINUTE, ends_ms=20 * MINUTE)


def test_a_segment_that_begins_late_keeps_its_length() -> None:
    [command] = rules.due([segment()], a_room(), 17 * MINUTE)
    assert command == rules.PutOnAir(segment=segment(), starts_ms=17 * MINUTE, ends_ms=27 * MINUTE)


def test_nothing_goes_on_air_before_the_show_or_after_it() -> None:
    for phase in ("scheduled", "ended"):
        assert rules.due([segment()], a_room(phase), 15 * MINUTE) == []


def test_a_segment_that_nobody_accepted_never_goes_on_air() -> None:
    for state in ("requested", "declined", "canceled", "done"):
        assert rules.due([segment(state=state)], a_room(), 15 * MINUTE) == []


def test_what_is_on_air_stays_until_its_end_whatever_waits() -> None:
    plan = [segment(state="on_air"), segment("b", 15, 25)]
    assert rules.due(plan, showing(plan[0]), 20 * MINUTE - 1) == []


def test_the_next_segment_takes_the_place_of_the_one_that_is_over() -> None:
    plan = [segment(state="on_air"), segment("b", 20, 30)]
    [command] = rules.due(plan, showing(plan[0]), 20 * MINUTE)
    assert isinstance(command, rules.PutOnAir)
    assert (command.segment.segment, command.leaving) == ("b", plan[0])


def test_without_a_next_segment_the_room_is_the_hosts_again() -> None:
    on_air = segment(state="on_air")
    assert rules.due([on_air], showing(on_air), 20 * MINUTE) == [rules.TakeOff(segment=on_air)]


def test_more_time_reaches_the_room() -> None:
    extended = segment(ends=25, state="on_air")
    assert rules.due([extended], showing(segment()), 19 * MINUTE) == [rules.Retime(segment=extended)]


def test_a_worker_that_died_after_the_room_notes_it_in_the_plan() -> None:
    [command] = rules.due([segment()], showing(segment()), 12 * MINUTE)
    assert command == rules.NoteOnAir(segment=segment(), starts_ms=10 * MINUTE, ends_ms=20 * MINUTE)


def test_a_segment_that_left_the_room_is_noted_as_done() -> None:
    on_air = segment(state="on_air")
    for state in (a_room(), a_room("ended"), showing(segment("b", 20, 30))):
        assert rules.due([on_air], state, 12 * MINUTE) == [rules.NoteDone(segment=on_air)]


# ---------------------------------------------------------------- what the room does


def test_products_of_a_segment_are_pinned_in_order_and_leave_with_it() -> None:
    shown = [a_product("one"), a_product("two")]
    on_air = replace(segment(), products=("p-one", "p-two"))
    card = segment_card(on_air, {"en": "Brand"}, 1, 2)
    before = pinned("umbrella")
    during = fold(before, rules.put_on_air(before, card, shown, None, None, 5))
    assert pins(during) == ["p-one", "p-two", "p-umbrella"]
    after = fold(during, rules.take_off(during, on_air, 9))
    assert (pins(after), after.segment) == (["p-umbrella"], None)


def test_full_pins_make_place_the_oldest_first() -> None:
    before = pinned("old", "newer", "newest")
    card = segment_card(segment(), {"en": "Brand"}, 1, 2)
    after = fold(before, rules.put_on_air(before, card, [a_product("one"), a_product("two")], None, None, 5))
    assert pins(after) == ["p-one", "p-two", "p-newest"]


def test_of_many_products_the_first_ones_are_pinned() -> None:
    card = segment_card(segment(), {"en": "Brand"}, 1, 2)
    names = ("one", "two", "three", "four")
    after = fold(
        a_room(), rules.put_on_air(a_room(), card, [a_product(name) for name in names], None, None, 5)
    )
    assert pins(after) == ["p-one", "p-two", "p-three"]


def test_a_product_in_both_segments_stays() -> None:
    before = pinned("one", "two")
    earlier = replace(segment("a"), products=("p-one", "p-two"))
    card = segment_card(segment("b"), {"en": "Brand"}, 1, 2)
    after = fold(before, rules.put_on_air(before, card, [a_product("two")], None, earlier, 5))
    assert pins(after) == ["p-two"]


def test_a_product_that_is_pinned_already_moves_to_the_front() -> None:
    before = pinned("one", "two", "three")
    card = segment_card(segment("b"), {"en": "Brand"}, 1, 2)
    after = fold(before, rules.put_on_air(before, card, [a_product("one")], None, None, 5))
    assert pins(after) == ["p-one", "p-three", "p-two"]


def test_a_guest_of_two_segments_in_a_row_keeps_the_seat_and_another_one_gets_it() -> None:
    ann, bo = (PersonCard(person=name, name=name, role="brand") for name in ("ann", "bo"))
    first, second = (replace(segment(name), requested_by=PersonId("ann")) for name in ("a", "b"))
    third = replace(segment("c"), requested_by=PersonId("bo"))
    state = a_room()
    for one, leaving, guest in ((first, None, ann), (second, first, ann), (third, second, bo)):
        card = segment_card(one, {"en": "Brand"}, 1, 2)
        state = fold(state, rules.put_on_air(state, card, [], guest, leaving, 5))
        assert [seat.person for seat in state.seats] == [guest]
    assert fold(state, rules.take_off(state, third, 9)).seats == ()


def test_putting_on_air_twice_changes_nothing() -> None:
    card = segment_card(segment(), {"en": "Brand"}, 1, 2)
    state = fold(a_room(), rules.put_on_air(a_room(), card, [a_product("one")], None, None, 5))
    assert rules.put_on_air(state, card, [a_product("one")], None, None, 6) == ()


def test_only_what_is_shown_is_taken_off_or_retimed() -> None:
    state = showing(segment("b"))
    assert rules.take_off(state, segment(), 5) == ()
    assert rules.retime(state, segment(ends=30), 5) == ()
    [event] = rules.retime(state, segment("b", ends=30), 5)
    changed = fold(state, [event]).segment
    assert changed is not None
    assert changed.ends_ms == 30 * MINUTE
