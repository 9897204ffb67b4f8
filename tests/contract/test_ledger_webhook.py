"""The webhook ledger against the documentation's receiver, and against receivers in trouble."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from livecommerce.adapters.ledger_https import STOPPED_MS, open_https, retry_after_ms
from livecommerce.adapters.ledgers import open_ledger
from livecommerce.ledger import contract
from livecommerce.ledger.backend import CannotTell, LedgerAway, LedgerBackend, Outcome

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "webhook_receiver.py"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """An app on a free port of loopback; its address."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    listener = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    server.should_exit = True
    await serving
    listener.close()


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ASGIApp]:
    monkeypatch.setenv("LEDGER", str(tmp_path / "received.sqlite"))
    monkeypatch.setenv("SECRET", SECRET)
    spec = importlib.util.spec_from_file_location("webhook_receiver", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module.app
    module.db.close()


@pytest.fixture
async def ledger(receiver: ASGIApp) -> AsyncIterator[LedgerBackend]:
    async with served(receiver) as url:
        backend = await open_ledger(f"{url}#secret={SECRET}&allow_private=1")
        yield backend
        await backend.aclose()


class Moody:
    """A receiver that answers what the test says."""

    def __init__(self, answer: Callable[[], Response]) -> None:
        self.answer = answer
        self.ids: list[str] = []

    def app(self) -> ASGIApp:
        return Starlette(routes=[Route("/", self._receive, methods=["POST"])])

    async def _receive(self, request: Request) -> Response:
        self.ids.append(request.headers["webhook-id"])
        return self.answer()


@asynccontextmanager
async def moody(answer: Callable[[], Response]) -> AsyncIterator[tuple[Moody, LedgerBackend]]:
    receiver = Moody(answer)
    async with served(receiver.app()) as url:
        backend = await open_https(f"{url}#secret={SECRET}&allow_private=1")
        yield receiver, backend
        await backend.aclose()


@pytest.mark.parametrize("check", contract.POSTING_CHECKS, ids=lambda check: check.__name__)
async def test_keeps_the_contract(check: contract.Check, ledger: LedgerBackend) -> None:
    await check(ledger)


async def test_a_receiver_checks_who_sends(receiver: ASGIApp) -> None:
    async with served(receiver) as url:
        other = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
        backend = await open_https(f"{url}#secret={other}&allow_private=1")
        (posted,) = await backend.post([contract.sample_entry()])
        assert (posted.outcome, posted.reason) == (Outcome.RETRY, "it answered 401")
        assert not (await backend.health()).healthy
        await backend.aclose()


async def test_a_webhook_cannot_be_asked(ledger: LedgerBackend) -> None:
    for question in (ledger.lookup("order"), ledger.recent(1), ledger.trial_balance()):
        with pytest.raises(CannotTell):
            await question
    with pytest.raises(CannotTell):
        _ = [entry async for entry in ledger.scan()]


async def test_retry_after_is_honoured() -> None:
    async with moody(lambda: Response(status_code=429, headers={"retry-after": "7"})) as (_, backend):
        (posted,) = await backend.post([contract.sample_entry()])
        assert (posted.outcome, posted.retry_after_ms) == (Outcome.RETRY, 7_000)


async def test_gone_stops_it_for_good() -> None:
    async with moody(lambda: Response(status_code=410)) as (receiver, backend):
        first = await backend.post([contract.sample_entry()])
        second = await backend.post([contract.sample_entry()])
        assert [first[0].retry_after_ms, second[0].retry_after_ms] == [STOPPED_MS, STOPPED_MS]
        assert len(receiver.ids) == 1
        assert "410" in (await backend.health()).detail


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = {"location": "http://127.0.0.1:1/"}
    async with moody(lambda: Response(status_code=307, headers=elsewhere)) as (_, backend):
        (posted,) = await backend.post([contract.sample_entry()])
        assert posted.reason == "it answered 307"


async def test_the_id_is_the_same_on_every_attempt() -> None:
    async with moody(lambda: Response(status_code=503)) as (receiver, backend):
        entry = contract.sample_entry()
        await backend.post([entry])
        await backend.post([entry])
        assert receiver.ids == [entry.entry, entry.entry]


async def test_once_it_cannot_be_reached_the_rest_is_not_tried() -> None:
    backend = await open_https(f"http://127.0.0.1:1/#secret={SECRET}&allow_private=1")
    posted = await backend.post([contract.sample_entry() for _ in range(50)])
    assert {one.outcome for one in posted} == {Outcome.RETRY}
    assert not (await backend.health()).healthy
    await backend.aclose()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "10.1.2.3", "[::1]", "[::ffff:192.168.1.1]", "169.254.169.254"]
)
async def test_private_addresses_are_refused(host: str) -> None:
    backend = await open_https(f"https://{host}/#secret={SECRET}")
    (posted,) = await backend.post([contract.sample_entry()])
    assert posted.outcome is Outcome.RETRY
    assert "not public" in posted.reason
    await backend.aclose()


@pytest.mark.parametrize("url", ["http://ledger.example/#secret=" + SECRET, "https://ledger.example/"])
async def test_an_unusable_address_says_why(url: str) -> None:
    with pytest.raises(LedgerAway, match=r"allow_private|secret"):
        await open_https(url)


def test_retry_after_may_be_a_date() -> None:
    now = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    assert retry_after_ms("Fri, 01 May 2026 12:00:09 GMT", now) == 9_000
    assert retry_after_ms("Fri, 01 May 2026 11:00:00 GMT", now) == 0
    assert retry_after_ms("soon", now) == 0
