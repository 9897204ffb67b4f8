"""The load generator's socket, against a server that says what a test wants."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from websockets.frames import Frame, Opcode

from loadtests.handshake import JSON, accept_of
from loadtests.room_socket import ConnectionLost, RoomSocket

PATIENCE_SECONDS = 10.0


@contextmanager
def a_server_that_says(said: bytes) -> Iterator[str]:
    """Lets one client in and says everything in one piece; its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            client, _ = listening.accept()
            with client:
                head = client.recv(65_536).decode()
                key = next(line for line in head.splitlines() if line.lower().startswith("sec-websocket-key"))
                opened = (
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    f"Sec-WebSocket-Accept: {accept_of(key.partition(': ')[2])}\r\n"
                    f"Sec-WebSocket-Protocol: {JSON}\r\n\r\n"
                )
                client.sendall(opened.encode() + said)
                client.recv(65_536)

        serving = threading.Thread(target=serve)
        serving.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving.join()


def test_what_came_in_one_piece_with_a_close_is_heard_before_it() -> None:
    hint = Frame(Opcode.TEXT, b'[{"t":"reconnect","after_ms":700}]').serialize(mask=False)
    close = Frame(Opcode.CLOSE, (4000).to_bytes(2)).serialize(mask=False)
    with a_server_that_says(hint + close) as url:
        room = RoomSocket(url, "room")
        until = time.monotonic() + PATIENCE_SECONDS
        assert room.receive(until) == {"t": "reconnect", "after_ms": 700}
        with pytest.raises(ConnectionLost) as lost:
            room.receive(until)
        assert lost.value.code == 4000
        room.cut()
