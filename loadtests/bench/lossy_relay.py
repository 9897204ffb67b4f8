"""A UDP relay that loses packets both ways: between a browser and a media process."""

from __future__ import annotations

import contextlib
import random
import selectors
import socket
import threading
from collections.abc import Iterator

MAX_DATAGRAM = 2048
BUFFER_BYTES = 4 << 20

Address = tuple[str, int]


class LossyRelay:
    """One socket faces the clients, and one for each of them the server, which tells them apart."""

    def __init__(self, server_port: int, loss: float, seed: int = 1) -> None:
        self._loss = loss
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
            for key, _ in self._selector.select(0.1):
                assert isinstance(key.fileobj, socket.socket)
                self._drain(key.fileobj)

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
                    self._back_of(sender).sendto(data, self._server)
                else:
                    self._front.sendto(data, self._clients[ready])

    def _back_of(self, client: Address) -> socket.socket:
        back = self._backs.get(client)
        if back is None:
            back = self._backs[client] = _bound()
            self._clients[back] = client
            self._selector.register(back, selectors.EVENT_READ)
        return back


@contextlib.contextmanager
def lossy_relay(server_port: int, loss: float) -> Iterator[int]:
    """Run a relay beside the caller, and yield its port."""
    relay = LossyRelay(server_port, loss)
    thread = threading.Thread(target=relay.run)
    thread.start()
    try:
        yield relay.port
    finally:
        relay.stop()
        thread.join()
        relay.close()


def _bound() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    udp.setblocking(False)
    udp.bind(("127.0.0.1", 0))
    return udp
