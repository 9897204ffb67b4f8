"""Why a socket was closed: 4000–4499 mean "connect again", 4500–4999 "do not"."""

from __future__ import annotations

from enum import IntEnum


class Close(IntEnum):
    """Codes beyond those of RFC 6455."""

    DRAINING = 4000
    """This gateway is leaving."""
    TOO_SLOW = 4001
    """The viewer's backlog grew too large, or stood still."""
    NO_PONG = 4002
    """No sign of life."""
    NOT_JOINED = 4003
    """No ``join`` in time."""
    TOKEN_EXPIRED = 4004
    """Get a new token and come back."""
    UNAVAILABLE = 4005
    """The room cannot be loaded now."""
    BAD_MESSAGE = 4500
    """Not a message of the vocabulary."""
    FORBIDDEN = 4501
    """The token is not good, or the room is not for this person."""
    NO_SUCH_ROOM = 4502
    """There is no such room."""
    FLOOD = 4503
    """Far too many messages."""
    BANNED = 4504
    """Those who moderate the room do not want this person in it, for now."""
    SIGNED_OUT = 4505
    """The person was signed out everywhere."""
