"""Fixtures of every tier: real servers once a session, clean data for each test."""

from __future__ import annotations

import faulthandler
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key
from hypothesis import HealthCheck, settings
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_connection import Connection
from livecommerce.adapters.redis_library import load_library
from livecommerce.adapters.sql_connection import migrate, open_sql
from tests.cluster import ValkeyCluster, running_cluster
from tests.servers import PostgresServer, ValkeyServer

settings.register_profile("laws", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")  # how long an example takes says nothing about the law


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """Watch the end of a failed test too: pytest's own watch stops at the failure."""
    faulthandler.dump_traceback_later(
        float(item.config.getini("faulthandler_timeout")),
        exit=True,
        file=item.config.stash[fault_handler_stderr_fd_key],
    )
    return (yield)


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """One real, durable Valkey for the whole session."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyCluster]:
    """One real cluster of three primaries for the whole session; started by the first test that wants it."""
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
async def redis(valkey: ValkeyServer) -> AsyncIterator[Connection]:
    """A connection to an empty server with our functions loaded."""
    connection = connect(valkey.url)
    await connection.flushall()
    await load_library(connection)
    yield connection
    await connection.aclose()


@pytest.fixture
async def redis_cluster(cluster: ValkeyCluster) -> AsyncIterator[Connection]:
    """A connection to an empty cluster with our functions loaded."""
    connection = connect(cluster.url)
    for server in await connection.servers():
        await server.flushall()
    await load_library(connection)
    yield connection
    await connection.aclose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One real PostgreSQL for the whole session."""
    with TemporaryDirectory(
        ignore_cleanup_errors=True
    ) as folder:  # short: a socket's path has few characters
        server = PostgresServer(Path(folder) / "pg")
        server.start()
        yield server
        server.stop()


@pytest.fixture
async def postgres_url(postgres: PostgresServer) -> AsyncIterator[str]:
    """The address of an empty database of its own."""
    name = f"t{uuid4().hex}"
    engine = open_sql(postgres.url).execution_options(isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    yield make_url(postgres.url).set(database=name).render_as_string(hide_password=False)
    async with engine.connect() as connection:
        await connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    await engine.dispose()


@pytest.fixture
async def sql(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    """An empty SQLite database of the newest schema."""
    url = f"sqlite:{tmp_path / 'livecommerce.sqlite'}"
    await migrate(url)
    engine = open_sql(url)
    yield engine
    await engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'livecommerce.sqlite'}"
    address: str = request.getfixturevalue("postgres_url")
    return address


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[AsyncEngine]:
    """An empty database of the newest schema, of each kind in turn."""
    await migrate(database_url)
    engine = open_sql(database_url)
    yield engine
    await engine.dispose()
