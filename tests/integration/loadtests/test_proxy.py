"""The nemesis' proxy spoils a link in each way it says, and heals it again."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from loadtests.chaos.helper import Helper

PATIENCE_SECONDS = 10.0
SHORT_SECONDS = 0.3


class Echo(socketserver.BaseRequestHandler):
    """Says everything back, and remembers it."""

    heard: list[bytes] = []  # noqa: RUF012 - one server a test

    def handle(self) -> None:
        while said := self.request.recv(1024):
            self.heard.append(said)
            self.request.sendall(said)


@pytest.fixture
def link() -> Iterator[tuple[Helper, int]]:
    """A proxy in front of an echo, and its port."""
    Echo.heard = []
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        proxy = Helper("loadtests.chaos.proxy")
        yield proxy, proxy.order({"open": "echo", "to": str(server.server_address[1])})
        proxy.close()
        server.shutdown()


def dial(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)


def says_back(line: socket.socket, said: bytes) -> bool:
    """Whether what was said comes back whole; ``False`` where the connection ends instead."""
    try:
        line.sendall(said)
        heard = b""
        while len(heard) < len(said) and (piece := line.recv(1024)):
            heard += piece
    except ConnectionError:
        return False
    return heard == said


def test_a_healthy_link_passes_everything_on(link: tuple[Helper, int]) -> None:
    with dial(link[1]) as line:
        assert says_back(line, b"hello")


def test_a_stalled_link_loses_nothing(link: tuple[Helper, int]) -> None:
    proxy, port = link
    with dial(port) as line:
        proxy.order({"fault": "echo", "kind": "stall"})
        line.sendall(b"hello")
        line.settimeout(SHORT_SECONDS)
        with pytest.raises(TimeoutError):
            line.recv(1024)
        proxy.order({"fault": "echo", "kind": ""})
        line.settimeout(PATIENCE_SECONDS)
        assert line.recv(1024) == b"hello"


def test_a_cut_link_ends_connections_and_takes_no_more(link: tuple[Helper, int]) -> None:
    proxy, port = link
    with dial(port) as line:
        assert says_back(line, b"hello")
        proxy.order({"fault": "echo", "kind": "cut"})
        assert not says_back(line, b"are you there?")
    with dial(port) as line:
        assert not says_back(line, b"and now?")
    proxy.order({"fault": "echo", "kind": ""})
    with dial(port) as line:
        assert says_back(line, b"again")


def test_lost_answers_are_answers_to_questions_that_arrived(link: tuple[Helper, int]) -> None:
    proxy, port = link
    proxy.order({"fault": "echo", "kind": "lose"})
    with dial(port) as line:
        assert not says_back(line, b"hello")
    assert Echo.heard == [b"hello"]


def test_a_slow_link_is_only_slow(link: tuple[Helper, int]) -> None:
    proxy, port = link
    proxy.order({"fault": "echo", "kind": "delay"})
    with dial(port) as line:
        assert says_back(line, b"hello")
