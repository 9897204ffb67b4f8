"""The road between provider and product: honest as a rule, and a mess on demand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from loadtests.chaos.helper import Helper

SEED = 7
CALLBACKS = 12
PATIENCE_SECONDS = 15.0


class Product(BaseHTTPRequestHandler):
    """Takes callbacks down."""

    heard: list[str] = []  # noqa: RUF012 - one server a test

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.heard.append(f"{body} {self.headers.get('webhook-id')}")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def road() -> Iterator[tuple[Helper, str]]:
    """The road, and where it begins."""
    Product.heard = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Product)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    helper = Helper("loadtests.chaos.callbacks", server.server_address[1], SEED)
    yield helper, f"http://127.0.0.1:{helper.read()}"
    helper.close()
    server.shutdown()
    server.server_close()


def send(url: str, number: int) -> int:
    headers = {"webhook-id": f"id-{number}"}
    path = f"{url}/api/payments/sandbox/callback"
    return httpx.post(
        path, content=str(number), headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
    ).status_code


def send_all(url: str) -> list[int]:
    """All callbacks, each as soon as it can."""
    answers: list[int] = []
    senders = [
        threading.Thread(target=lambda number=number: answers.append(send(url, number)))
        for number in range(CALLBACKS)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    return answers


def test_an_honest_road_passes_each_callback_on_once(road: tuple[Helper, str]) -> None:
    assert send(road[1], 1) == 204
    assert Product.heard == ["1 id-1"]


def test_a_shuffled_road_loses_none_repeats_some_and_keeps_no_order(road: tuple[Helper, str]) -> None:
    helper, url = road
    helper.order("shuffle")
    assert send_all(url) == [204] * CALLBACKS
    assert {one.split()[0] for one in Product.heard} == {str(number) for number in range(CALLBACKS)}
    assert len(Product.heard) > CALLBACKS
    firsts = list(dict.fromkeys(Product.heard))
    assert firsts != sorted(firsts, key=lambda one: int(one.split()[0]))
    helper.order("")
    heard = len(Product.heard)
    assert send(url, 99) == 204
    assert "99 id-99" in Product.heard[heard:]
