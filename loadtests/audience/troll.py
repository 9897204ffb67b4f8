"""Somebody who means harm: rubbish, floods, other people's commands. None of it may work."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from functools import partial

from loadtests import distributions as people_do
from loadtests.audience.viewer import Viewer
from loadtests.distributions import Mischief
from loadtests.handshake import HandshakeFailed
from loadtests.people import Person, sign_in
from loadtests.room_socket import ConnectionLost, Message, RoomSocket

FIRST_NUMBER = 4_000_000
"""Trolls come from addresses of their own, so that only they run into limits by address."""
RUBBISH_BYTES, HUGE_BYTES = 200, 9_000
FLOOD = 40
PATIENCE_SECONDS = 5.0
WRONG_SECRET = "x" * 32


class Troll(Viewer):
    """Watches like others, and does mischief."""

    weight = 1

    def on_start(self) -> None:
        """Comes from where nobody else comes from."""
        super().on_start()
        self._mischief: dict[Mischief, Callable[[], None]] = {
            Mischief.RUBBISH: partial(self._send_and_see, Mischief.RUBBISH, RUBBISH_BYTES),
            Mischief.HUGE: partial(self._send_and_see, Mischief.HUGE, HUGE_BYTES),
            Mischief.WRONG_TOKEN: self._come_as_somebody_else,
            Mischief.FLOOD: self._flood,
            Mischief.HOSTS_COMMANDS: self._command,
        }

    def newcomer(self) -> Person:
        """Signed in like everybody."""
        self.number += FIRST_NUMBER if self.number < FIRST_NUMBER else 0
        return super().newcomer()

    def settle_in(self) -> None:
        """Mischief, again and again."""
        self.again(people_do.TROLLING, self._act)

    def _act(self) -> None:
        self._mischief[Mischief(self.draw(people_do.MISCHIEF))]()

    # ------------------------------------------------------------ over another socket

    def _send_and_see(self, what: Mischief, size: int) -> None:
        self.errands.spawn(self._over_own_socket, what, self.person.token, secrets.token_bytes(size))

    def _come_as_somebody_else(self) -> None:
        forged = sign_in(WRONG_SECRET, "Forger").token
        self.errands.spawn(self._over_own_socket, Mischief.WRONG_TOKEN, forged, b"")

    def _over_own_socket(self, what: Mischief, token: str, rubbish: bytes) -> None:
        try:
            socket = RoomSocket(self.stage.url, self.stage.room, self.number)
        except (OSError, HandshakeFailed, ConnectionLost):
            return
        try:
            socket.send(t="join", token=token)
            if rubbish:
                socket.send_rubbish(rubbish)
            self._see(what, socket)
        except ConnectionLost as loss:
            self._note(what, f"closed with {loss.code}")
        finally:
            socket.cut()

    def _see(self, what: Mischief, socket: RoomSocket) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while (message := socket.receive(until)) is not None:
            if what is Mischief.WRONG_TOKEN and message["t"] == "snapshot":
                self.stage.witness.contradictions.append("a forged token was let in")
            if message["t"] == "error":
                self._note(what, message["code"])
                return
        self._note(what, "ignored")

    # ------------------------------------------------------------ over the common one

    def _flood(self) -> None:
        for number in range(FLOOD):
            self.visit.ask("troll's comment", self._hear_verdict, t="comment", text=f"spam {number}")

    def _hear_verdict(self, answer: Message) -> None:
        self._note(Mischief.FLOOD, str(answer.get("result") or answer.get("code")))

    def thrown_out(self, loss: ConnectionLost) -> None:
        """Who floods twice in a row has it coming."""
        self._note(Mischief.FLOOD, f"closed with {loss.code}")

    def _command(self) -> None:
        wish = {"t": "show.end", "key": secrets.token_hex(8)}
        self.visit.ask("troll's command", self._hear_of_command, **wish)

    def _hear_of_command(self, answer: Message) -> None:
        if answer["t"] == "ok":
            self.stage.witness.contradictions.append("a stranger ended the show")
        self._note(Mischief.HOSTS_COMMANDS, str(answer.get("code", answer["t"])))

    def _note(self, what: Mischief, became: str) -> None:
        self.stage.witness.outcomes[f"troll: {what.value} → {became}"] += 1
