"""Viewers who come back as browsers do, and remember all that they were told and what was missing."""

from __future__ import annotations

import time
from random import Random
from typing import Any

from loadtests.audience.witness import Offsets
from loadtests.crowd import join_frame
from loadtests.deployment import Deployment, Show
from loadtests.people import Person
from loadtests.sink import Line, Message, Sink, SinkFailed, Stage, text_frame

TEND_SECONDS = 0.02
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 4.0


class Follower:
    """One person at one screen."""

    def __init__(self, line: Line, person: Person) -> None:
        self.line = line
        self.person = person
        self.place = Offsets()
        self.events: dict[int, str] = {}
        """Offset → what happened there, in the present epoch."""
        self.orders: dict[str, tuple[int, str]] = {}
        """Order → version and state."""
        self.viewers = 0
        self.comments: list[str] = []
        self.sale: Message = {}
        """The one that opened last."""
        self.wrong: list[str] = []
        self.hints: list[int] = []
        self.fresh = self.resumed = self.lost = 0
        self.answers: dict[int, Message] = {}
        self.attempt = 0
        self.back_at: float | None = None

    @property
    def inside(self) -> bool:
        """Whether it is in the room."""
        return self.line.stage is Stage.OPEN

    def told(self) -> dict[str, str]:
        """Order → state, as far as it has heard."""
        return {order: state for order, (_, state) in self.orders.items()}

    def hear(self, message: Message) -> None:
        """Takes a message to heart."""
        kind = message["t"]
        if kind in ("snapshot", "resync"):
            self._begin(message)
        elif kind == "resumed":
            self.resumed += 1
            self.attempt = 0
        elif kind == "reconnect":
            self.hints.append(message["after_ms"])
            self.back_at = time.monotonic() + message["after_ms"] / 1000
        elif kind == "order":
            self._learn(message["order"])
        elif kind == "viewers":
            self.viewers = message["n"]
        elif kind == "comments":
            self.comments += [comment["text"] for comment in message["comments"]]
        elif "id" in message:
            self._answered(message)
        elif "offset" in message:
            self._advance(kind, message["offset"])
            if kind == "sale.opened":
                self.sale = message["sale"]

    def _begin(self, message: Message) -> None:
        self.fresh += 1
        self.attempt = 0
        if message["epoch"] != self.place.epoch:
            self.events.clear()
        self.place.start(message["epoch"], message["offset"])

    def _advance(self, kind: str, offset: int) -> None:
        wrong = self.place.advance(offset)
        if wrong:
            self.wrong.append(wrong)
        if self.events.setdefault(offset, kind) != kind:
            self.wrong.append(f"{kind} came at offset {offset}, where {self.events[offset]} was")

    def _answered(self, message: Message) -> None:
        self.answers[message["id"]] = message
        if message["t"] == "ok" and message.get("order"):
            self._learn(message["order"])

    def _learn(self, order: Message) -> None:
        known = self.orders.get(order["order"], (0, ""))
        self.orders[order["order"]] = max(known, (order["v"], order["state"]))


class Followers:
    """A room's host and viewers, over one sink; all come back whenever they are lost."""

    def __init__(self, deployment: Deployment, show: Show, viewers: int) -> None:
        self.sink = Sink(("127.0.0.1", deployment.port), show.path, self._hear)
        self._random = Random(7)
        self.host = self._seat(0, show.host)
        self.viewers = [self._seat(number + 1, deployment.person("Viewer")) for number in range(viewers)]
        self.everyone = [self.host, *self.viewers]
        self._by_line = {follower.line.number: follower for follower in self.everyone}
        self._questions = 0

    def _seat(self, number: int, person: Person) -> Follower:
        return Follower(Line(number, join_frame(person), sampled=True), person)

    def _hear(self, line: Line, message: Message) -> None:
        self._by_line[line.number].hear(message)

    def enter(self) -> None:
        """All come in, and come back from now on."""
        self.sink.open([follower.line for follower in self.everyone])
        self.sink.every(TEND_SECONDS, self.tend)

    def tend(self) -> None:
        """Brings back who was lost, when it is time."""
        now = time.monotonic()
        for follower in self.everyone:
            if follower.line.stage is not Stage.LOST:
                continue
            if follower.back_at is None:
                follower.lost += 1
                longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**follower.attempt)
                follower.back_at = now + self._random.uniform(0, longest)
                follower.attempt += 1
            elif now >= follower.back_at:
                self._come_back(follower)

    def _come_back(self, follower: Follower) -> None:
        follower.back_at = None
        place = follower.place
        follower.line.join = join_frame(follower.person, place.epoch, place.offset)
        try:
            self.sink.reopen(follower.line)
        except SinkFailed:
            return  # nobody listens; the next turn of tending waits again

    # ------------------------------------------------------------ what they do

    def ask(self, follower: Follower, **message: Any) -> int:
        """Says something that wants an answer, if it is in the room; the number of the question."""
        self._questions += 1
        if follower.inside:
            self.sink.send(follower.line, text_frame({"id": self._questions, **message}))
        return self._questions

    def answer(self, follower: Follower, **message: Any) -> Message:
        """Asks, and waits for the answer."""
        number = self.ask(follower, **message)
        self.sink.run_until(lambda: number in follower.answers)
        return follower.answers[number]

    def all_inside(self) -> bool:
        """Whether all are in the room."""
        return all(follower.inside for follower in self.everyone)

    def all_at(self, offset: int) -> bool:
        """Whether all are in the room and have heard everything up to an offset."""
        return self.all_inside() and all(follower.place.offset >= offset for follower in self.everyone)

    def wrongs(self) -> list[str]:
        """All that is missing or contradictory in what anybody was told."""
        return [f"{one.person.person}: {wrong}" for one in self.everyone for wrong in one.wrong]

    def at(self, peers: set[tuple[str, int]]) -> list[Follower]:
        """Those whose connections come from some addresses."""
        return [one for one in self.everyone if one.inside and one.line.sock.getsockname() in peers]

    def close(self) -> None:
        """All hang up."""
        self.sink.close()
