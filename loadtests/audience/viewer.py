"""Somebody who watches: comes, stays a while, loses the network now and then, leaves."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

import gevent
from gevent.pool import Group
from locust import FastHttpUser, task
from locust.exception import StopUser

from loadtests import distributions as people_do
from loadtests.agenda import Agenda, Deed
from loadtests.audience.insistence import Insistence, Wish
from loadtests.audience.recording import record
from loadtests.audience.stage import Invitation, stage_of
from loadtests.audience.visit import Visit
from loadtests.people import Person, sign_in
from loadtests.room_socket import ConnectionLost, Message

T = TypeVar("T", bound=float | str)

LOOK_UP_SECONDS = 0.5
"""How often somebody who only waits notices that the show is over."""
PING_SECONDS = 10.0
LONGEST_AWAY_SECONDS = 5.0
"""Most that is waited between two attempts to come back."""
OWN_NETWORK = 0
"""The reason for a loss that this side made up."""
INVITED = 0.6
"""How likely a newcomer is somebody's friend, as long as there are invitations."""


class Viewer(FastHttpUser):
    """Watches; what others do in addition, they plan in ``settle_in`` and hear in ``heard``."""

    weight = 6
    network_timeout = connection_timeout = 15.0

    def __init__(self, environment: Any) -> None:
        super().__init__(environment)
        self.stage = stage_of(environment)
        self.agenda = Agenda()
        self.errands = Group()
        """What goes on beside watching; leaving the room waits for it."""
        self.number = 0
        self.random = Random()
        self.person: Person
        self.visit: Visit
        self._insistence = Insistence(
            lambda wish, on_answer: self.visit.ask(wish.name, on_answer, **wish.message), self.after
        )
        self._watching = False

    # ------------------------------------------------------------ coming and going

    def on_start(self) -> None:
        """Comes with the crowd."""
        self.number = self.stage.next_number()
        self.random = self.stage.random_for(self.number)
        self._pause(self.draw(people_do.ARRIVAL))

    @task
    def come_and_go(self) -> None:
        """One visit, from the link to leaving; the seat's next visit is another person's."""
        if self.stage.closing:
            raise StopUser
        self.person = self.newcomer()
        self.visit = self._visit(self.person, self._invitation())
        self.agenda.clear()
        self._insistence.forget()
        self._plan_watching()
        self.settle_in()
        try:
            self._watch()
        finally:
            self.stage.inside.discard(self.visit)
        self.visit.leave()
        self.errands.join()
        self._pause(self.draw(people_do.RETURNING))
        self.number = self.stage.next_number()
        self.random = self.stage.random_for(self.number)

    def newcomer(self) -> Person:
        """Who sits down."""
        return sign_in(self.stage.secret, f"{type(self).__name__} {self.number}")

    def _invitation(self) -> Invitation | None:
        if self.stage.invitations and self.random.random() < INVITED:
            return self.stage.invitations.popleft()
        return None

    def _visit(self, person: Person, invitation: Invitation | None) -> Visit:
        grant, device = (invitation.grant, invitation.device) if invitation else ("", "")
        visit = Visit(
            self.stage.url,
            self.stage.room,
            person,
            self.stage.witness,
            self.record,
            number=self.number,
            grant=grant,
            device=device or f"phone-{self.number}",
        )
        visit.storms = self.stage.storms
        return visit

    def _plan_watching(self) -> None:
        self._watching = True
        self.after(self.draw(people_do.WATCHING), self._stop_watching)
        self.after(self.draw(people_do.DROPPING), self._lose_network)
        self.again(people_do.LIKING, self._like)
        self.after(self.random.uniform(0, PING_SECONDS), self._ping)

    def settle_in(self) -> None:
        """What this kind of person plans to do in the room."""

    def _watch(self) -> None:
        attempt = 0
        while self._watching and not self.stage.closing:
            try:
                self.visit.enter()
                self.stage.inside.add(self.visit)
                self._follow()
            except ConnectionLost as loss:
                attempt = 0 if self.visit.let_in else attempt + 1
                self.visit.drop()
                self.stage.witness.outcomes[f"connections lost: {_reason(loss)}"] += 1
                if not loss.may_return:
                    self.thrown_out(loss)
                    return
                self._pause(self._away_seconds(attempt))

    def _away_seconds(self, attempt: int) -> float:
        """How long somebody who lost the room stays away: as a gateway hinted, or as clients back off."""
        hinted, self.visit.back_after_seconds = self.visit.back_after_seconds, None
        if hinted is not None:
            self.stage.witness.outcomes["drain hints followed"] += 1
            return hinted
        return min(LONGEST_AWAY_SECONDS, self.draw(people_do.RECONNECTING) * (1 + attempt))

    def _follow(self) -> None:
        while self._watching and not self.stage.closing:
            look_up = time.monotonic() + LOOK_UP_SECONDS
            message = self.visit.listen(self.agenda.next_at(look_up) if self.visit.let_in else look_up)
            if message is not None:
                self.heard(message)
                if message["t"] in ("resumed", "snapshot"):
                    self._insistence.resume()
            if self.visit.storms < self.stage.storms:
                self.visit.storms = self.stage.storms
                raise ConnectionLost(OWN_NETWORK)
            self._do_what_is_due()

    def _do_what_is_due(self) -> None:
        """Nobody does anything while the door is still shut."""
        if self.visit.let_in:
            for deed in self.agenda.take_due(time.monotonic()):
                deed()

    def heard(self, message: Message) -> None:
        """A message from the room."""

    def thrown_out(self, loss: ConnectionLost) -> None:
        """The server lets this person come back no more, which nobody here deserves."""
        self.record("answer", "thrown out", 0, str(loss))

    # ------------------------------------------------------------ small deeds

    def _stop_watching(self) -> None:
        self._watching = False

    def _lose_network(self) -> None:
        self.after(self.draw(people_do.DROPPING), self._lose_network)
        raise ConnectionLost(OWN_NETWORK)

    def _like(self) -> None:
        self.visit.tell(t="like", n=1 + self.draw(people_do.HEARTS))

    def _ping(self) -> None:
        self.after(PING_SECONDS, self._ping)
        self.visit.ask("ping", t="ping")

    # ------------------------------------------------------------ for all kinds of people

    def after(self, seconds: float, deed: Deed) -> None:
        """Plans a deed."""
        self.agenda.plan(time.monotonic() + seconds, deed)

    def insist(self, name: str, on_answer: Callable[[Message], None] | None = None, **message: Any) -> None:
        """Asks for something that must be answered; it has a key, so that repeating it is harmless."""
        self._insistence.begin(Wish(name, message, on_answer))

    def draw(self, distribution: people_do.Distribution[T]) -> T:
        """What this person does, by chance; kept for the report."""
        value = distribution.draw(self.random)
        self.stage.witness.drew(people_do.name_of(distribution), value)
        return value

    def again(self, pauses: people_do.Exponential, deed: Deed) -> None:
        """Plans a deed that is repeated after random pauses."""

        def do_and_plan() -> None:
            self.again(pauses, deed)
            deed()

        self.after(self.draw(pauses), do_and_plan)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.stage.closing and time.monotonic() < until:
            gevent.sleep(min(LOOK_UP_SECONDS, max(0.0, until - time.monotonic())))

    def record(self, kind: str, name: str, milliseconds: float, failure: str | None) -> None:
        """Adds a measurement to locust's statistics."""
        record(self.environment, kind, name, milliseconds, failure)


def _reason(loss: ConnectionLost) -> str:
    return "the viewer's network" if loss.code == OWN_NETWORK else f"closed with {loss.code}"
