"""Session descriptions (RFC 8866): media sections and their attributes, read no further than asked.

Written by hand: an offer of a browser has two hundred lines, of which a dozen matter, and reading it
with a general parser cost a viewer's join more than all else but the handshake.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Attributes = dict[str, list[str]]

_MEDIA = re.compile(r"m=(\S+) (\d{1,5}) ([A-Z/]+) (\S.*)", re.ASCII)
_RTPMAP = re.compile(r"(\d{1,3}) ([^/\s]+)/\d+", re.ASCII)
MAX_SECTIONS = 32
"""Each is looked at together with all that the session says: many are worse than long ones."""
_RTCP_TYPES = range(72, 77)
"""With the marker bit these would look like RTCP on the same port (RFC 5761 §4)."""


@dataclass(frozen=True, slots=True)
class Codec:
    """One format of a media section; its name is in lower case."""

    payload_type: int
    name: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class MediaSection:
    """One `m=` line and what follows it; where it does not say, the session speaks for it."""

    kind: str
    port: int
    profile: str
    formats: str
    attributes: Attributes
    session: Attributes

    @property
    def mid(self) -> str:
        """The name of the section, or nothing."""
        return self.get("mid") or ""

    def get(self, name: str) -> str | None:
        """Return the value of an attribute, the last where it is repeated; a bare one has an empty value."""
        values = self.attributes.get(name) or self.session.get(name)
        return values[-1] if values else None

    def values(self, name: str) -> Sequence[str]:
        """Return every value of an attribute, the session's first."""
        return self.session.get(name, []) + self.attributes.get(name, [])

    def codecs(self, *names: str) -> Iterator[Codec]:
        """Yield the codecs of these names, in the order they are listed; raise ValueError."""
        formats = dict(value.partition(" ")[::2] for value in self.attributes.get("fmtp", []))
        for value in self.attributes.get("rtpmap", []):
            found = _RTPMAP.match(value)
            if found is None:
                raise ValueError(f"rtpmap:{value}")
            name = found[2].lower()
            if name in names:
                yield Codec(_payload_type(found[1]), name, _parameters(formats.get(found[1], "")))

    def feedback(self, payload_type: int) -> frozenset[str]:
        """Return the RTCP feedback that is offered for a format (RFC 4585 §4.2)."""
        lines = (value.partition(" ") for value in self.attributes.get("rtcp-fb", []))
        return frozenset(what.strip() for whose, _, what in lines if whose in ("*", str(payload_type)))

    def extensions(self) -> dict[str, int]:
        """Return the number of each header extension by its URI (RFC 8285 §8); raise ValueError."""
        numbers = {}
        for value in self.attributes.get("extmap", []):
            number, uri, *_ = value.split()
            numbers[uri] = int(number.partition("/")[0])
        return numbers


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """What one side says of itself."""

    attributes: Attributes
    sections: Sequence[MediaSection]

    @classmethod
    def parse(cls, text: str) -> SessionDescription:
        """Read one; raise ValueError where it is none."""
        lines = text.splitlines()
        if not lines or not lines[0].startswith("v="):
            raise ValueError("no version")
        session: Attributes = {}
        sections: list[MediaSection] = []
        current = session
        for line in lines:
            if line.startswith("a="):
                name, _, value = line[2:].partition(":")
                current.setdefault(name, []).append(value)
            elif line.startswith("m="):
                if len(sections) == MAX_SECTIONS:
                    raise ValueError(f"more than {MAX_SECTIONS} media sections")
                sections.append(_media_section(line, session))
                current = sections[-1].attributes
        return cls(session, sections)

    def bundled(self) -> set[str]:
        """Return the names of the sections that share one transport (RFC 9143)."""
        groups = (value.split() for value in self.attributes.get("group", []))
        return {mid for group in groups if group[:1] == ["BUNDLE"] for mid in group[1:]}


def _media_section(line: str, session: Attributes) -> MediaSection:
    found = _MEDIA.fullmatch(line)
    if found is None:
        raise ValueError(line)
    return MediaSection(found[1], int(found[2]), found[3], found[4], {}, session)


def _parameters(text: str) -> dict[str, str]:
    pairs = (item.partition("=") for item in text.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


def _payload_type(text: str) -> int:
    number = int(text)
    if number > 127 or number in _RTCP_TYPES:
        raise ValueError(f"payload type {number}")
    return number
