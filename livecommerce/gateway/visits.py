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


class Arrivals(Protocol):
    """Judges visits by the rules of sharing."""

    async def arrived(self, room: str, person: str, device: str, grant: str, at_ms: int) -> object:
        """A person with an account came through a link; remembers the first touch."""
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
        self._stay_seconds = stay_seconds
        self._present: set[Session] = set()

    def entered(self, session: Session) -> None:
        """A person with an account joined."""
        if session.grant:
            self._present.add(session)
            self._background.spawn(self._judge(self._arrivals.arrived, session))
            self._wheel.add(_Stay(self._over, session), self._stay_seconds)

    def left(self, session: Session) -> None:
        """The person's connection ended."""
        self._present.discard(session)

    def _over(self, session: Session) -> None:
        if session in self._present:
            self._present.discard(session)
            self._background.spawn(self._judge(self._arrivals.stayed, session))

    async def _judge(
        self, judge: Callable[[str, str, str, str, int], Awaitable[object]], session: Session
    ) -> None:
        try:
            await judge(
                session.served.live.room,
                session.person.person,
                session.device,
                session.grant,
                self._clock(),
            )
        except DomainError as refusal:
            log.info("a visit does not count: %s", refusal)


class _Stay:
    """One visit's time on the wheel."""

    def __init__(self, over: Callable[[Session], None], session: Session) -> None:
        self._over = over
        self._session = session

    def on_time(self, now: float) -> float | None:  # noqa: ARG002 - the wheel tells the time to all
        """The time is over."""
        self._over(self._session)
        return None
