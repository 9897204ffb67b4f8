"""A UDP relay between a browser and a media process that loses packets, or delays them, both ways."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator

MAX_DATAGRAM = 2048
BUFFER_BYTES = 4 << 20
IDLE_SECONDS = 0.1

Address = tuple[str, int]


class Relay:
    """One socket faces the clients, and one for each of them the server, which tells them apart."""

    def __init__(self, server_port: int, loss: float, delay_seconds: float, seed: int = 1) -> None:
        self._loss = loss
        self._delay_seconds = delay_seconds
        self._delayed: deque[tuple[float, socket.socket, bytes, Address]] = deque()
        self._chance = random.Random(seed)
        self._server: Address = ("127.0.0.1", server_port)
        self._front = _bound()
        self._backs: dict[Address, socket.socket] = {}
        self._clients: dict[socket.socket, Address] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._front, selectors.EVENT_READ)
        self._stopping = threading.Event()
        self.port: int = self._front.getsockname()[1]

    def run(self) -> None:
        """Carry packets until `stop`."""
        while not self._stopping.is_set():
            for key, _ in self._selector.select(self._pause()):
                assert isinstance(key.fileobj, socket.socket)
                self._drain(key.fileobj)
            self._send_due()

    def stop(self) -> None:
        """Let `run` return."""
        self._stopping.set()

    def close(self) -> None:
        """Close every socket."""
        for one in (self._front, *self._backs.values()):
            one.close()
        self._selector.close()

    def _drain(self, ready: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, sender = ready.recvfrom(MAX_DATAGRAM)
                if self._chance.random() < self._loss:
                    continue
                if ready is self._front:
                    self._delay(self._back_of(sender), data, self._server)
                else:
                    self._delay(self._front, data, self._clients[ready])

    def _delay(self, sender: socket.socket, data: bytes, target: Address) -> None:
        self._delayed.append((time.monotonic() + self._delay_seconds, sender, data, target))

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            _, sender, data, target = self._delayed.popleft()
            sender.sendto(data, target)

    def _pause(self) -> float:
        """Return how long nothing is due."""
        due = self._delayed[0][0] - time.monotonic() if self._delayed else IDLE_SECONDS
        return min(max(due, 0.0), IDLE_SECONDS)

    def _back_of(self, client: Address) -> socket.socket:
        back = self._backs.get(client)
        if back is None:
            back = self._backs[client] = _bound()
            self._clients[back] = client
            self._selector.register(back, selectors.EVENT_READ)
        return back


@contextlib.contextmanager
def relay(server_port: int, *, loss: float = 0.0, delay_seconds: float = 0.0) -> Iterator[int]:
    """Run a relay beside the caller, and yield its port."""
    running = Relay(server_port, loss, delay_seconds)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield running.port
    finally:
        running.stop()
        thread.join()
        running.close()


def _bound() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    udp.setblocking(False)
    udp.bind(("127.0.0.1", 0))
    return udp
