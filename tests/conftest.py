"""Fixtures of every tier: real servers once a session, clean data for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from livecommerce.adapters.redis_connection import Connection, connect, load_library
from tests.servers import ValkeyServer


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """One real, durable Valkey for the whole session."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Connection]:
    """A connection to an empty server with our functions loaded."""
    connection = connect(valkey.url)
    await connection.flushall()
    await load_library(connection)
    yield connection
    await connection.aclose()
