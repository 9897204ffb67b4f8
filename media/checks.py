"""The trial connections of one process: they carry nothing, are few, and end by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from media.endpoint.peer import Peer
from media.errors import Overloaded

CHECK_SECONDS = 20.0
"""Longer than any browser tries to connect."""
MAX_OPEN = 100


@dataclass(frozen=True, slots=True)
class Check:
    """One trial; nobody listens to its peer, so that whatever it sends is dropped."""

    id: str
    peer: Peer
    expires_at: float


class Checks:
    """Those that are open; `close_peer` lets go of one's peer."""

    def __init__(self, close_peer: Callable[[Peer], None], clock: Callable[[], float]) -> None:
        self._close_peer = close_peer
        self._clock = clock
        self._open: dict[str, Check] = {}

    def __len__(self) -> int:
        return len(self._open)

    def require_room(self) -> None:
        """Raise `Overloaded` where as many are open as there may be."""
        if len(self._open) >= MAX_OPEN:
            raise Overloaded("too many connections are being tried; wait some seconds")

    def add(self, check_id: str, peer: Peer) -> Check:
        """Return a new one."""
        check = Check(check_id, peer, self._clock() + CHECK_SECONDS)
        self._open[check.id] = check
        return check

    def find(self, check_id: str) -> Check | None:
        """Return an open one."""
        return self._open.get(check_id)

    def end(self, check: Check) -> None:
        """End one; ending it twice does nothing."""
        if self._open.pop(check.id, None) is not None:
            self._close_peer(check.peer)

    def tick(self, now: float) -> None:
        """End those whose time is over."""
        for check in [check for check in self._open.values() if check.expires_at <= now]:
            self.end(check)

    def close(self) -> None:
        """End all."""
        for check in list(self._open.values()):
            self.end(check)
