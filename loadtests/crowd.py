"""A full room for benchmarks: viewers who only listen, and a few who give them something to hear."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle

from loadtests.deployment import Deployment, Show, plan_show
from loadtests.people import Person
from loadtests.processes import allow_descriptors
from loadtests.sink import Line, Message, Sink, SinkFailed, Stage, text_frame

MODERATORS = 8
"""They may comment without a pause; together up to 160 comments a second."""
SAMPLE_EVERY = 50
"""One viewer in so many reads what it receives."""
TEXT = "这个颜色好看, 什么时候开抢? How long is delivery?"
SPARE_DESCRIPTORS = 200
FIRST_TALKER, FIRST_VIEWER = 0, 1_000
"""Line numbers, from which their addresses follow."""


class Crowd:
    """The lines of one room; ``delays_ms`` are the ages of events and comments at the sampled viewers."""

    def __init__(self, deployment: Deployment, show: Show) -> None:
        self._deployment = deployment
        self._show = show
        self.sink = Sink(("127.0.0.1", deployment.port), show.path, self._hear)
        self.viewers: list[Line] = []
        self.offsets: dict[int, int] = {}
        """Where sampled viewers are in the room's log, by line number."""
        self.epoch = ""
        self.delays_ms: list[float] = []
        self.said = 0
        """Comments that sampled viewers made; the benchmark counts them."""
        self.verdicts: Counter[str] = Counter()
        """What sampled viewers were told of their comments."""
        self.on_delay: Callable[[Line, str, float], None] = lambda *delay: self.delays_ms.append(delay[-1])
        self.count = 0
        """How many are watching, as the viewers were told last."""
        self._moderators = [
            Line(
                FIRST_TALKER + 1 + number,
                join_frame(deployment.person("Moderator", ("moderator", show.shop))),
            )
            for number in range(MODERATORS)
        ]
        self._host = Line(FIRST_TALKER, join_frame(show.host), sampled=True)
        self.path = show.path
        self._products = cycle(show.products)
        self._pinned = ""
        self._numbers = 0
        self.answers: Counter[str] = Counter()
        """What the host was answered: ``ok``, or an error's code."""

    def open(self) -> None:
        """The host and the moderators come; the show begins."""
        self.sink.open([self._host, *self._moderators])
        self.ask(t="show.start")
        self.sink.run(0.5)

    def seat(self, count: int, port: int | None = None) -> list[Line]:
        """More viewers come; through another gateway, if a port is given."""
        address = None if port is None else ("127.0.0.1", port)
        first = FIRST_VIEWER + len(self.viewers)
        more = [
            Line(
                number,
                join_frame(self._deployment.person("Viewer")),
                sampled=(number - FIRST_VIEWER) % SAMPLE_EVERY == 0,
                address=address,
            )
            for number in range(first, first + count)
        ]
        allow_descriptors(len(self.viewers) + count + SPARE_DESCRIPTORS)
        self.sink.open(more)
        self.viewers += more
        return more

    def _hear(self, line: Line, message: Message) -> None:
        kind = message["t"]
        if line is self._host:
            if kind in ("ok", "error"):
                self.answers[str(message.get("code", kind))] += 1
            return
        if kind in ("snapshot", "resumed"):
            self.epoch = message["epoch"]
            if kind == "snapshot":
                self.offsets[line.number] = message["offset"]
        elif kind == "comments":
            self.on_delay(line, kind, _age_ms(message["comments"][0]["at_ms"]))
        elif kind == "viewers":
            self.count = message["n"]
        elif kind == "verdict":
            self.verdicts[message["result"]] += 1
        elif "offset" in message:
            self.offsets[line.number] = message["offset"]
            self.on_delay(line, kind, _age_ms(message["at_ms"]))

    # ------------------------------------------------------------ what there is to hear

    def ask(self, **message: object) -> None:
        """The host does something."""
        self._numbers += 1
        self.sink.send(self._host, text_frame({"id": self._numbers, **message}))

    def talk(self, per_second: float) -> None:
        """Moderators comment, evenly, from now on."""
        speakers = cycle(self._moderators)
        frame = text_frame({"t": "comment", "text": TEXT})
        self.sink.every(1 / per_second, lambda: self.sink.send(next(speakers), frame))

    def pin_and_unpin(self, every_seconds: float) -> None:
        """The host shows one product after the other: a control event each time."""
        self.sink.every(every_seconds, self.turn_pin)

    def turn_pin(self) -> None:
        """One product is shown, or taken away again."""
        if self._pinned:
            self.ask(t="unpin", product=self._pinned)
            self._pinned = ""
        else:
            self._pinned = next(self._products)
            self.ask(t="pin", product=self._pinned)

    def like(self, every_seconds: float) -> None:
        """Hearts from the host, so that the count goes on changing."""
        frame = text_frame({"t": "like", "n": 3})
        self.sink.every(every_seconds, lambda: self.sink.send(self._host, frame))

    def delete_comments(self, every_seconds: float) -> None:
        """Small control events, as many as one wants: comments that nobody made are taken back."""
        frame = text_frame({"t": "delete", "comment": "00" + "0" * 26})
        speakers = cycle(self._moderators)
        self.sink.every(every_seconds, lambda: self.sink.send(next(speakers), frame))

    def quiet(self) -> None:
        """Nobody says anything any more; waits until what is under way has arrived."""
        self.sink.agenda.clear()
        self.sink.run(1.5)

    def require_all(self) -> None:
        """Makes sure that nobody was lost."""
        if self.sink.lost:
            codes = Counter(line.counter.close_code for line in self.viewers if line.stage is Stage.LOST)
            raise SinkFailed(f"{self.sink.lost} lines were lost; viewers' close codes: {dict(codes)}")


def join_frame(person: Person, epoch: str = "", offset: int = 0) -> bytes:
    """The first message of a line."""
    return text_frame({"t": "join", "token": person.token, "epoch": epoch, "offset": offset})


@contextmanager
def full_room(deployment: Deployment, viewers: int) -> Iterator[Crowd]:
    """A show that is on, watched by so many; everything is pinned to its core while it lasts."""
    cores = os.sched_getaffinity(0)
    deployment.pin()
    crowd = Crowd(deployment, plan_show(deployment))
    try:
        crowd.open()
        crowd.seat(viewers)
        crowd.quiet()
        yield crowd
    finally:
        crowd.sink.close()
        os.sched_setaffinity(0, cores)


def _age_ms(at_ms: int) -> float:
    return time.time() * 1000 - at_ms
