"""Collects the wishes of one loop turn, so that they go to the inventory together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from livecommerce.checkout import Held, Wish
from livecommerce.clock import Clock
from livecommerce.errors import DomainError
from livecommerce.gateway.background import Background

MAX_BATCH = 500
"""Wishes in one round trip; more wait for the next, so that no answer waits for thousands."""


class Desk(Protocol):
    """Where wishes become holds."""

    async def buy(self, wishes: Sequence[Wish], at_ms: int) -> list[Held | DomainError]:
        """Answers each wish by itself, in order."""
        ...


class HoldBatch:
    """One pipeline per loop turn instead of one round trip per buyer."""

    def __init__(self, desk: Desk, background: Background, clock: Clock) -> None:
        self._desk = desk
        self._background = background
        self._clock = clock
        self._waiting: list[tuple[Wish, asyncio.Future[Held]]] = []

    async def buy(self, wish: Wish) -> Held:
        """Takes units, or says why not.

        A caller that is cancelled leaves its wish in the batch: the hold may be made.

        Raises:
            DomainError: the wish was refused.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Held] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._send)
        self._waiting.append((wish, answer))
        return await answer

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        for start in range(0, len(waiting), MAX_BATCH):
            self._background.spawn(self._settle(waiting[start : start + MAX_BATCH]))

    async def _settle(self, batch: Sequence[tuple[Wish, asyncio.Future[Held]]]) -> None:
        try:
            answers = await self._desk.buy([wish for wish, _ in batch], self._clock())
        except BaseException as error:
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
            if not isinstance(error, DomainError):
                raise
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, DomainError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
