"""Who opens a session, for the limits: a person, or guests by the line they call from."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.requests import Request

from media.client_address import Network, client_address
from media.limits import GUEST_BURST, GUESTS_PER_SECOND, SessionLimit, line_of
from media.tokens import Pass


class SessionLimits:
    """One limit for people, one for guests, who could be somebody new each time."""

    def __init__(self, trusted_proxies: Sequence[Network], clock: Callable[[], float]) -> None:
        self._trusted = trusted_proxies
        self._people = SessionLimit(clock)
        self._guests = SessionLimit(clock, GUESTS_PER_SECOND, GUEST_BURST)

    def take(self, token: Pass, request: Request) -> str:
        """Count one session and return the guest's line, or nothing; raise `TooManyRequests`."""
        if not token.is_guest:
            self._people.take(token.person)
            return ""
        line = line_of(client_address(request, self._trusted))
        self._guests.take(line)
        return line
