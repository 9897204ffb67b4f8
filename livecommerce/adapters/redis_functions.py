"""Calls of the function library, and its refusals as errors.

A function that may refuse answers ``{"ok", …}`` or ``{"no", code, name, value, …}``.
"""

from __future__ import annotations

from typing import Any

from livecommerce.adapters.redis_connection import Connection, served, tag
from livecommerce.errors import Conflict, DomainError, NotFound
from livecommerce.ids import Shard, shard_of
from livecommerce.room.live import Stale

Argument = str | bytes | int


async def call(redis: Connection, shard: Shard, function: str, *args: Argument) -> Any:
    """One function's answer.

    Raises:
        Unavailable: the outcome is unknown; the same call may be repeated.
    """
    with served():
        return await redis.fcall(function, 1, tag(shard), *args)


async def ask(redis: Connection, function: str, subject: str, *args: Argument) -> list[Any]:
    """What follows ``ok`` in the answer of a function whose first argument is an id.

    Raises:
        DomainError: the function refused.
        Stale: it refused because the room has moved on.
        Unavailable: the outcome is unknown; the same call may be repeated.
    """
    answer: list[Any] = await call(redis, shard_of(subject), function, subject, *args)
    if answer[0] == b"no":
        raise refusal(answer[1:])
    return answer[1:]


def refusal(parts: list[Any]) -> DomainError | Stale:
    """What a function said after ``no``."""
    code = parts[0].decode()
    if code == "stale":
        return Stale()
    params = {parts[index].decode(): _value(parts[index + 1]) for index in range(1, len(parts), 2)}
    return NotFound(code, **params) if code.endswith("_not_found") else Conflict(code, **params)


def _value(part: bytes | int) -> str | int:
    return part.decode() if isinstance(part, bytes) else part
