"""Sessions end with their tokens: clients are told in time to renew, and closed where they did not."""

from __future__ import annotations

from collections.abc import Set
from itertools import islice

from livecommerce.clock import Clock
from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.messages import to_client
from livecommerce.gateway.websocket import RoomProtocol

AHEAD_MS = 5 * 60_000
"""How long before its token ends a client is told."""
LOOK_SECONDS = 5.0
AT_ONCE = 500
"""How many are told at a look, so that a crowd that came together does not renew together."""


class TokenWatch:
    """Looks at all joined connections now and then; none has a timer or a place in a queue of its own."""

    def __init__(self, joined: Set[RoomProtocol], clock: Clock) -> None:
        self._joined = joined
        self._clock = clock

    def on_time(self, _now: float) -> float:
        """Tells those whose tokens end soon, and closes those whose tokens have ended."""
        now_ms = self._clock()
        due = (connection for connection in self._joined if _is_due(connection, now_ms))
        for connection in list(islice(due, AT_ONCE)):
            _act(connection, now_ms)
        return LOOK_SECONDS


def _is_due(connection: RoomProtocol, now_ms: int) -> bool:
    session = connection.session
    if session is None:
        return False
    return session.expires_ms <= (now_ms if session.expiring else now_ms + AHEAD_MS)


def _act(connection: RoomProtocol, now_ms: int) -> None:
    session = connection.session
    assert session is not None  # noqa: S101 - it was due
    left_ms = session.expires_ms - now_ms
    if left_ms <= 0:
        connection.send_messages(to_client.Error(code="token_expired"))
        connection.close(Close.TOKEN_EXPIRED)
        return
    session.expiring = True
    connection.send_messages(to_client.Expiring(in_ms=left_ms))
