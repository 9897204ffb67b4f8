"""Wishes that are repeated, with the same key, until somebody answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from loadtests.room_socket import Message

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 4.0
MOST_TRIES = 20


@dataclass
class Wish:
    """Something that must be answered."""

    name: str
    message: Message
    on_answer: Callable[[Message], None] | None = None
    tries: int = 0

    @property
    def pause_seconds(self) -> float:
        """Before the next try."""
        return float(min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self.tries))


class Insistence:
    """One person's open wishes. ``ask`` sends one now; ``after`` plans a repetition."""

    def __init__(
        self,
        ask: Callable[[Wish, Callable[[Message], None]], None],
        after: Callable[[float, Callable[[], None]], None],
    ) -> None:
        self._ask = ask
        self._after = after
        self._open: list[Wish] = []

    def begin(self, wish: Wish) -> None:
        """Asks, and goes on asking."""
        self._open.append(wish)
        self._try(wish)

    def resume(self) -> None:
        """Back in the room: what was asked over the lost connection is asked again."""
        for wish in list(self._open):
            self._try(wish)

    def forget(self) -> None:
        """Another person, other wishes."""
        self._open.clear()

    def _try(self, wish: Wish) -> None:
        wish.tries += 1
        self._ask(wish, lambda answer: self._answered(wish, answer))

    def _answered(self, wish: Wish, answer: Message) -> None:
        if wish not in self._open:
            return
        if answer.get("temporary") and wish.tries < MOST_TRIES:
            self._after(wish.pause_seconds, lambda: self._again(wish))
            return
        self._open.remove(wish)
        if wish.on_answer is not None:
            wish.on_answer(answer)

    def _again(self, wish: Wish) -> None:
        if wish in self._open:
            self._try(wish)
