"""The four lanes of a room: one guarantee cannot fit a like and an order."""

from __future__ import annotations

from enum import IntEnum


class Lane(IntEnum):
    """What a message is promised. Higher lanes are given up first when a viewer is slow."""

    CONTROL = 0
    """Ordered, gap-free, recoverable by offset; flushed at once."""
    PERSONAL = 1
    """The current version always arrives; flushed at once."""
    STATE = 2
    """The latest wins; coalesced at the tick."""
    CROWD = 3
    """Best effort; batched at the tick, sampled under flood."""


SKIP_ABOVE_BYTES = 64 * 1024
"""Past this backlog a viewer gets no state and no crowd."""

CLOSE_ABOVE_BYTES = 256 * 1024
"""Past this backlog a viewer is disconnected with a code that means reconnect."""
