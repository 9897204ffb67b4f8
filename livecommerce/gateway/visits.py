"""Watches who came through a friend's link, and whether they stay."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from livecommerce.clock import Clock
from livecommerce.errors import DomainError
from livecommerce.gateway.background import Background
from livecommerce.gateway.session import Session
from livecommerce.gateway.timing_wheel import TimingWheel

log = logging.getLogger(__name__)

Judge = Callable[[str, str, str, str, int], Awaitable[object]]
"""(room, person, device, grant, time) → what became of the visit."""


class Arrivals(Protocol):
    """Judges visits by the rules of sharing."""

    async def arrived(self, room: str, person: str, device: str, grant: str, at_ms: int) -> object:
        """A person with an account joined, through a link or (empty) without one.

        Remembers the first touch and whose device this is.
        """
        ...

    async def stayed(self, room: str, person: str, device: str, grant: str, at_ms: int) -> object:
        """The visit has lasted long enough to count."""
        ...


class Visits:
    """Visits through links, while they last; a visit that ends early is forgotten."""

    def __init__(
        self,
        arrivals: Arrivals,
        wheel: TimingWheel,
        background: Background,
        clock: Clock,
        stay_seconds: float,
    ) -> None:
        self._arrivals = arrivals
        self._wheel = wheel
        self._background = background
        self._clock = clock
        self._stay_ms = int(stay_seconds * 1000)
        self._present: set[Session] = set()

    def entered(self, session: Session) -> None:
        """A person with an account joined."""
        if session.grant or session.device:
            self._judge(self._arrivals.arrived, session, session.joined_ms)
        if session.grant:
            self._present.add(session)
            self._wheel.add(_Stay(self.look, session), self._stay_ms / 1000)

    def left(self, session: Session) -> None:
        """The person's connection ended."""
        self._present.discard(session)

    def look(self, session: Session) -> float | None:
        """Judges a visit that has lasted long enough; answers the seconds that are missing otherwise."""
        if session not in self._present:
            return None
        now_ms = self._clock()
        missing_ms = session.joined_ms + self._stay_ms - now_ms
        if missing_ms > 0:
            return missing_ms / 1000
        self._present.discard(session)
        self._judge(self._arrivals.stayed, session, now_ms)
        return None

    def _judge(self, judge: Judge, session: Session, at_ms: int) -> None:
        self._background.spawn(_report(judge, session, at_ms))


class _Stay:
    """One visit's time on the wheel."""

    def __init__(self, look: Callable[[Session], float | None], session: Session) -> None:
        self._look = look
        self._session = session

    def on_time(self, now: float) -> float | None:  # noqa: ARG002 - visits are timed by the clock of their joins
        """The time may be over."""
        return self._look(self._session)


async def _report(judge: Judge, session: Session, at_ms: int) -> None:
    room, person = session.served.live.room, session.person.person
    try:
        await judge(room, person, session.device, session.grant, at_ms)
    except DomainError as refusal:
        log.info("a visit does not count: %s", refusal)
