"""Whichever gateway of a host is asked, it answers for all of them."""

from __future__ import annotations

from pathlib import Path

from livecommerce.gateway.metrics_board import SILENT_SECONDS, MetricsBoard


class Gateway:
    def __init__(self, folder: Path, name: str) -> None:
        self.at_ms = 0
        self.connections = 0.0
        self.board = MetricsBoard(
            folder, name, lambda: {"livecommerce_connections": self.connections}, lambda: self.at_ms
        )


def test_each_gateway_answers_for_all(tmp_path: Path) -> None:
    one, two = Gateway(tmp_path, "gateway-1"), Gateway(tmp_path, "gateway-2")
    one.connections, two.connections = 3, 5
    one.board.write()
    two.board.write()
    expected = (
        "# TYPE livecommerce_connections gauge\n"
        'livecommerce_connections{gateway="gateway-1"} 3\n'
        'livecommerce_connections{gateway="gateway-2"} 5\n'
    )
    assert one.board.render() == two.board.render() == expected


def test_its_own_numbers_are_those_of_this_moment(tmp_path: Path) -> None:
    one = Gateway(tmp_path, "gateway-1")
    one.board.write()
    one.connections = 9
    assert 'gateway="gateway-1"} 9' in one.board.render()


def test_a_gateway_that_is_silent_is_left_out(tmp_path: Path) -> None:
    one, two = Gateway(tmp_path, "gateway-1"), Gateway(tmp_path, "gateway-2")
    two.board.write()
    one.at_ms = int(SILENT_SECONDS * 1000) + 1
    assert "gateway-2" not in one.board.render()


def test_half_a_file_is_nobodys_trouble(tmp_path: Path) -> None:
    (tmp_path / "gateway-2.json").write_text('{"at_ms": 1, "gau')
    assert "gateway-2" not in Gateway(tmp_path, "gateway-1").board.render()
