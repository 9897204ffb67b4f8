"""A brand's segments as an iCalendar feed (RFC 5545, with the refresh hint of RFC 7986)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from msgspec import Struct

from livecommerce.schedule.segment import Segment

FOLD_AT = 75
"""Octets of a content line before it is folded, the line break not counted."""

_STATUS = {"requested": "TENTATIVE", "declined": "CANCELLED", "canceled": "CANCELLED"}


class Appointment(Struct, frozen=True, kw_only=True):
    """A segment in words."""

    segment: Segment
    summary: str
    description: str
    url: str


def feed(name: str, domain: str, appointments: Iterable[Appointment]) -> str:
    """The whole feed; a segment that moved keeps its UID and raises its SEQUENCE: calendars follow."""
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//livecommerce//schedule//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        f"NAME:{_escape(name)}",
        f"X-WR-CALNAME:{_escape(name)}",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "X-PUBLISHED-TTL:PT15M",
        *(line for one in appointments for line in _event(one, domain)),
        "END:VCALENDAR",
    ]
    return "".join(f"{folded}\r\n" for line in lines for folded in fold(line))


def fold(line: str) -> Iterator[str]:
    """The physical lines of a content line; no character is torn apart."""
    part, size = "", 0
    for character in line:
        width = len(character.encode())
        if size + width > FOLD_AT:
            yield part
            part, size = " ", 1
        part, size = part + character, size + width
    yield part


def _event(appointment: Appointment, domain: str) -> list[str]:
    segment = appointment.segment
    return [
        "BEGIN:VEVENT",
        f"UID:{segment.segment}@{domain}",
        f"DTSTAMP:{_instant(segment.created_ms)}",
        f"SEQUENCE:{segment.version - 1}",
        f"DTSTART:{_instant(segment.starts_ms)}",
        f"DTEND:{_instant(segment.ends_ms)}",
        f"STATUS:{_STATUS.get(segment.state, 'CONFIRMED')}",
        f"SUMMARY:{_escape(appointment.summary)}",
        f"DESCRIPTION:{_escape(appointment.description)}",
        f"URL:{appointment.url}",
        "END:VEVENT",
    ]


def _instant(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")


def _escape(text: str) -> str:
    """TEXT values of section 3.3.11; control characters are not allowed in them."""
    for raw, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\n"), ("\n", "\\n")):
        text = text.replace(raw, escaped)
    return "".join(character for character in text if character == "\t" or character >= " ")
