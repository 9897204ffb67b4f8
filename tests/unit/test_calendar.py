"""Calendar feeds keep to RFC 5545."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from livecommerce.localized import in_language
from livecommerce.schedule.calendar import FOLD_AT, Appointment, feed, fold
from livecommerce.schedule.segment import move
from tests.schedules import MINUTE, a_segment


def appointment(state: str = "confirmed", summary: str = "Tea; first flush, 50% off") -> Appointment:
    return Appointment(
        segment=a_segment("seg1", 10, 20, state=state),
        summary=summary,
        description="Evening\nshow",
        url="http://127.0.0.1:8000/schedule",
    )


def lines(*appointments: Appointment) -> list[str]:
    return feed("Brand", "example.org", appointments).replace("\r\n ", "").split("\r\n")


def test_a_segment_is_an_event_with_its_times_in_utc() -> None:
    text = lines(appointment())
    assert text[0] == "BEGIN:VCALENDAR"
    assert text[-2:] == ["END:VCALENDAR", ""]
    for line in (
        "UID:seg1@example.org",
        "DTSTAMP:19700101T000000Z",
        "DTSTART:19700101T001000Z",
        "DTEND:19700101T002000Z",
        "SEQUENCE:0",
        "STATUS:CONFIRMED",
        "SUMMARY:Tea\\; first flush\\, 50% off",
        "DESCRIPTION:Evening\\nshow",
    ):
        assert line in text


def test_a_segment_that_moved_is_the_same_event_in_a_later_version() -> None:
    moved = replace(appointment(), segment=move(appointment().segment, 5 * MINUTE))
    text = lines(moved)
    assert {"UID:seg1@example.org", "SEQUENCE:1", "DTSTART:19700101T001500Z"} <= set(text)


@pytest.mark.parametrize(
    ("state", "status"),
    [("requested", "TENTATIVE"), ("declined", "CANCELLED"), ("canceled", "CANCELLED"), ("done", "CONFIRMED")],
)
def test_what_may_still_change_is_said_so(state: str, status: str) -> None:
    assert f"STATUS:{status}" in lines(appointment(state))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=300))
def test_folding_loses_nothing_and_keeps_lines_short(text: str) -> None:
    first, *others = fold(text)
    assert first + "".join(other[1:] for other in others) == text
    assert all(len(line.encode()) <= FOLD_AT for line in (first, *others))
    assert all(other.startswith(" ") for other in others)


@given(st.text(max_size=100))
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    expected = len(lines(appointment(summary="x")))
    assert len(lines(appointment(summary=text.encode("utf-8", "ignore").decode()))) == expected


def test_a_text_is_read_in_the_nearest_language() -> None:
    text = {"zh-CN": "雨伞", "en": "Umbrella"}
    assert in_language(text, "en") == "Umbrella"
    assert in_language(text, "zh-TW") == "雨伞"
    assert in_language(text, "fr") == "雨伞"
    assert in_language({}, "fr") == ""
