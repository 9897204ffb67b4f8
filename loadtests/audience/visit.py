"""One viewer's presence in the room, across lost connections; measures what the socket says."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from loadtests.audience.witness import Offsets, Witness
from loadtests.handshake import HandshakeFailed
from loadtests.people import Person
from loadtests.room_socket import ConnectionLost, Message, RoomSocket

Record = Callable[[str, str, float, str | None], None]
"""Takes kind, name, milliseconds, and the error code of what failed."""

ANSWER, NEWS = "answer", "news"
"""Kinds of measurement: from question to answer, and from the server's time stamp to the viewer."""

COUPON_DOES_NOT_FIT = frozenset(
    {"coupon_not_for_this", "coupon_threshold", "coupon_reserved", "coupon_spent", "coupon_expired"}
)
"""Refusals after which a buyer taps again without the coupon."""

TROLLS = "troll's "
"""Questions named so are meant to be refused."""

EXPECTED = frozenset(
    {"sold_out", "limit_reached", "sale_closed", "sale_not_open", "price_changed", "sale_changed"}
    | {"coupons_gone", "coupon_limit_reached", "drop_over"}
    | COUPON_DOES_NOT_FIT
)
"""Refusals that are part of a good show."""


class Visit:
    """A socket, what was asked over it, and the place in the room's log."""

    def __init__(
        self,
        url: str,
        room: str,
        person: Person,
        witness: Witness,
        record: Record,
        *,
        number: int = 0,
        grant: str = "",
        device: str = "",
    ) -> None:
        self._url = url
        self._room = room
        self._person = person
        self._witness = witness
        self._record = record
        self._number = number
        self._join = {"token": person.token, "grant": grant, "device": device}
        self._asked: dict[int, tuple[str, float, Callable[[Message], None] | None]] = {}
        self._next_id = 1
        self._socket: RoomSocket | None = None
        self._joining = 0.0
        self._offsets = Offsets()
        self._replayed_to = 0
        self.let_in = False
        """Whether the server let it into the room over the present connection."""
        self.back_after_seconds: float | None = None
        """When a gateway that leaves wants it back."""
        self.storms = 0
        """Losses of everybody's network that this one took part in."""

    def __str__(self) -> str:
        return f"viewer {self._person.person}"

    @property
    def offset(self) -> int:
        """How far in the room's log it has heard everything."""
        return self._offsets.offset

    def enter(self) -> None:
        """Connects and asks to be let in; the answer comes as a message. Resumes where it was let in before.

        Raises:
            ConnectionLost: no socket was opened.
        """
        started = time.monotonic()
        self.let_in = False
        try:
            self._socket = RoomSocket(self._url, self._room, self._number)
        except (OSError, HandshakeFailed) as error:
            self._record(ANSWER, "connect", _ms_since(started), type(error).__name__)
            raise ConnectionLost from error
        self._record(ANSWER, "connect", _ms_since(started), None)
        self._asked.clear()
        self._joining = time.monotonic()
        self._socket.send(t="join", epoch=self._offsets.epoch, offset=self._offsets.offset, **self._join)

    def ask(self, name: str, on_answer: Callable[[Message], None] | None = None, **message: Any) -> None:
        """Sends a message whose answer is measured under a name and handed on."""
        number, self._next_id = self._next_id, self._next_id + 1
        self._asked[number] = (name, time.monotonic(), on_answer)
        self._send(id=number, **message)

    def tell(self, **message: Any) -> None:
        """Sends a message that wants no answer."""
        self._send(**message)

    def _send(self, **message: Any) -> None:
        if self._socket is None:
            raise ConnectionLost
        self._socket.send(**message)

    def listen(self, until: float) -> Message | None:
        """The next message, measured and checked, or ``None`` when the time has come.

        Raises:
            ConnectionLost: the connection is gone; ``enter`` comes back to the same place.
        """
        if self._socket is None:
            raise ConnectionLost
        message = self._socket.receive(until)
        if message is not None:
            self._note(message)
        return message

    def _note(self, message: Message) -> None:
        kind = message["t"]
        if kind in ("snapshot", "resumed", "resync"):
            self._let_in(kind, message)
        elif "id" in message:
            self._answered(message)
        elif kind == "reconnect":
            self.back_after_seconds = message["after_ms"] / 1000
        elif kind == "comments":
            self._record(NEWS, "comments", _age_ms(message["comments"][0]["at_ms"]), None)
        elif "offset" in message:
            self._control(message)

    def _let_in(self, kind: str, message: Message) -> None:
        if self._joining:
            self._record(ANSWER, f"join → {kind}", _ms_since(self._joining), None)
            self._joining = 0.0
        self.let_in = True
        self._replayed_to = message["offset"]
        if kind != "resumed":
            self._offsets.start(message["epoch"], message["offset"])
            for sale in message["room"]["sales"]:
                self._witness.sale_opened(sale)

    def _control(self, message: Message) -> None:
        self._witness.saw((self._offsets.epoch, message["offset"]), message["t"])
        if message["offset"] > self._replayed_to:
            self._record(NEWS, message["t"], _age_ms(message["at_ms"]), None)
        wrong = self._offsets.advance(message["offset"])
        if wrong:
            self._witness.contradictions.append(f"viewer {self._person.person}: {wrong}")
        if message["t"] == "sale.opened":
            self._witness.sale_opened(message["sale"])

    def _answered(self, message: Message) -> None:
        name, asked_at, on_answer = self._asked.pop(message["id"], ("", 0.0, None))
        if not name:
            return
        if message["t"] == "error":
            code = message["code"]
            unexpected = None if code in EXPECTED or name.startswith(TROLLS) else code
            self._record(ANSWER, f"{name} → {code}", _ms_since(asked_at), unexpected)
        else:
            self._record(ANSWER, name, _ms_since(asked_at), None)
        if on_answer is not None:
            on_answer(message)

    def leave(self) -> None:
        """Hangs up politely."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def drop(self) -> None:
        """Loses the network."""
        if self._socket is not None:
            self._socket.cut()
            self._socket = None


def _ms_since(started: float) -> float:
    return (time.monotonic() - started) * 1000


def _age_ms(at_ms: int) -> float:
    """From the server's time stamp to now, on the one clock of this machine."""
    return max(0.0, time.time() * 1000 - at_ms)
