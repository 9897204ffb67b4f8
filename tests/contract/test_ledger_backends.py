"""Every ledger keeps the contract, on the real thing."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import livecommerce
from livecommerce.adapters.ledger_sqlite import open_sqlite
from livecommerce.adapters.ledgers import LEDGERS, late_ledger, open_ledger
from livecommerce.adapters.sql_connection import open_sql
from livecommerce.ledger import contract
from livecommerce.ledger.backend import (
    ENTRY_POINT_GROUP,
    LedgerAway,
    LedgerBackend,
    Outcome,
    UnknownLedger,
    find_opener,
)
from livecommerce.ledger.entries import entries_of
from tests.orders import an_order
from tests.servers import NatsServer


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'ledger.sqlite'}"


@pytest.fixture(params=["sqlite_url", "postgres_url"])
def sql_ledger_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
def nats_url(tmp_path: Path) -> Iterator[str]:
    server = NatsServer(tmp_path / "nats")
    server.start()
    yield server.url
    server.stop()


@pytest.fixture(params=["sqlite_url", "postgres_url", "nats_url"])
def ledger_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param)
    return url


@pytest.fixture
async def ledger(ledger_url: str) -> AsyncIterator[LedgerBackend]:
    backend = await open_ledger(ledger_url)
    yield backend
    await backend.aclose()


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
async def test_keeps_the_contract(check: contract.Check, ledger: LedgerBackend) -> None:
    await check(ledger)


async def test_a_ledger_opened_again_still_knows_its_entries(ledger_url: str) -> None:
    entry = contract.sample_entry()
    first = await open_ledger(ledger_url)
    await first.post([entry])
    await first.aclose()
    second = await open_ledger(ledger_url)
    assert list(await second.lookup(entry.order)) == [entry]
    assert [posted.outcome for posted in await second.post([entry])] == [Outcome.DUPLICATE]
    await second.aclose()


async def test_an_entry_that_the_database_refuses_holds_up_no_other(postgres_url: str) -> None:
    ledger = await open_ledger(postgres_url)
    good, *_ = entries_of([an_order(order="good")])
    entries = entries_of([replace(an_order(order="bad"), creator="x" * 130)])
    bad = next(entry for entry in entries if any(len(one.account) > 120 for one in entry.postings))
    posted = await ledger.post([bad, good])
    assert [answer.outcome for answer in posted] == [Outcome.REJECTED, Outcome.APPLIED]
    assert [answer.outcome for answer in await ledger.post([good])] == [Outcome.DUPLICATE]
    await ledger.aclose()


async def test_nobody_can_change_what_was_booked(sql_ledger_url: str) -> None:
    ledger = await open_ledger(sql_ledger_url)
    await ledger.post([contract.sample_entry()])
    await ledger.aclose()
    engine = open_sql(sql_ledger_url)
    for statement in ("UPDATE ledger_postings SET debit_minor = 0", "DELETE FROM ledger_entries"):
        with pytest.raises(DBAPIError, match="append only"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
    await engine.dispose()


async def test_a_ledger_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_text("this is no database, whatever its name says")
    with pytest.raises(LedgerAway, match="not a database"):
        await open_ledger(f"sqlite:{tmp_path / 'ledger.sqlite'}")


async def test_an_unknown_scheme_names_the_known_ones() -> None:
    with pytest.raises(UnknownLedger, match="sqlite"):
        await open_ledger("carrier-pigeon:coop")


async def test_a_late_ledger_takes_entries_as_soon_as_it_can_be_opened(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_text("this is no database, whatever its name says")
    entry = contract.sample_entry()
    ledger = late_ledger(f"sqlite:{file}")
    assert [posted.outcome for posted in await ledger.post([entry])] == [Outcome.RETRY]
    assert not (await ledger.health()).healthy
    with pytest.raises(LedgerAway):
        await ledger.lookup(entry.order)
    file.unlink()
    assert [posted.outcome for posted in await ledger.post([entry])] == [Outcome.APPLIED]
    assert list(await ledger.recent(1)) == [entry]
    assert (await ledger.health()).healthy
    await ledger.aclose()


async def test_installed_packages_offer_ledgers(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
    offer = EntryPoint("pigeon", "livecommerce.adapters.ledger_sqlite:open_sqlite", ENTRY_POINT_GROUP)
    monkeypatch.setattr("livecommerce.ledger.backend.entry_points", lambda **_: [offer])
    assert find_opener("pigeon:coop", {}) is open_sqlite


def test_our_own_ledgers_are_offered_like_those_of_others() -> None:
    project = tomllib.loads((Path(livecommerce.__file__).parents[1] / "pyproject.toml").read_text("utf-8"))
    offered = project["project"]["entry-points"][ENTRY_POINT_GROUP]
    found = {name: EntryPoint(name, value, ENTRY_POINT_GROUP).load() for name, value in offered.items()}
    assert found == dict(LEDGERS)
