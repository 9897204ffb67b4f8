"""Wishes are repeated until they are answered, and answered once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from loadtests.audience.insistence import MOST_TRIES, Insistence, Wish

Message = dict[str, Any]
AWAY: Message = {"t": "error", "code": "redis_away", "temporary": True}
OK: Message = {"t": "ok"}


class Counter:
    """Where wishes go: remembers what was asked, and what was planned."""

    def __init__(self) -> None:
        self.asked: list[Callable[[Message], None]] = []
        self.planned: list[Callable[[], None]] = []
        self.answers: list[Message] = []
        self.insistence = Insistence(self._ask, lambda _seconds, deed: self.planned.append(deed))
        self.insistence.begin(Wish("buy", {"t": "buy", "key": "k"}, self.answers.append))

    def _ask(self, wish: Wish, on_answer: Callable[[Message], None]) -> None:
        assert wish.message["key"] == "k"
        self.asked.append(on_answer)


def test_a_temporary_refusal_is_asked_again_later() -> None:
    counter = Counter()
    counter.asked[0](AWAY)
    assert (len(counter.asked), counter.answers) == (1, [])
    counter.planned[0]()
    counter.asked[1](OK)
    assert counter.answers == [OK]


def test_what_was_asked_over_a_lost_connection_is_asked_again() -> None:
    counter = Counter()
    counter.insistence.resume()
    assert len(counter.asked) == 2
    counter.asked[1](OK)
    counter.asked[0](OK)
    counter.insistence.resume()
    assert counter.answers == [OK]
    assert len(counter.asked) == 2


def test_at_last_a_temporary_refusal_is_an_answer() -> None:
    counter = Counter()
    for _ in range(MOST_TRIES):
        counter.asked[-1](AWAY)
        if counter.planned:
            counter.planned.pop()()
    assert counter.answers == [AWAY]


def test_the_next_person_inherits_no_wishes() -> None:
    counter = Counter()
    counter.asked[0](AWAY)
    counter.insistence.forget()
    counter.planned[0]()
    counter.insistence.resume()
    assert len(counter.asked) == 1
