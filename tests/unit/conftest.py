"""Unit tests open no socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def no_sockets() -> Iterator[None]:
    """Any attempt to open a network socket fails the test; event loops keep their own pair."""
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
