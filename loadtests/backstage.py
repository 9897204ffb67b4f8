"""Before and after the show, by HTTP: signing the host in, choosing the room, reading the books."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from loadtests.audit.evidence import BillLine, LedgerEntry
from loadtests.loopback import require_loopback
from loadtests.people import Person, provider_key

HTTP_SECONDS = 15.0
COOKIE = "session"
LEDGER_PAGE = 1_000_000


class NoShow(Exception):
    """There is nothing to put load on; one sentence for the person at the terminal."""


class NoBooks(Exception):
    """The provider's bill or the ledger cannot be read: nothing is proved."""


class Backstage:
    """The demo's host and operator, and the payment provider's merchant, at one server."""

    def __init__(self, url: str, secret: str) -> None:
        require_loopback(url)
        self._http = httpx.Client(base_url=url, timeout=HTTP_SECONDS, trust_env=False)
        self._secret = secret

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: TracebackType | type[BaseException] | BaseException | None) -> None:
        self._http.close()

    # ------------------------------------------------------------ before

    def sign_in(self, role: str) -> Person:
        """One of the demo's people.

        Raises:
            NoShow: nobody answers, or it is not a demo.
        """
        try:
            response = self._http.post("/api/session/demo", json={"role": role})
        except httpx.TransportError as error:
            raise NoShow(f"{self._http.base_url} does not answer; start it with 'make run'") from error
        if response.is_error:
            raise NoShow(f"{self._http.base_url} has no demo accounts: {response.text}")
        token = response.cookies[COOKIE]
        self._http.cookies.clear()  # from here on tokens travel in a header
        described = response.json()["person"]
        return Person(described["person"], described["name"], token)

    def open_room(self, host: Person) -> str:
        """The host's own show that is on or can be started; a new one where there is none."""
        rooms = self._get("/api/rooms", host)["rooms"]
        mine = [room for room in rooms if room["host"]["person"] == host.person]
        for phase in ("live", "scheduled"):
            ready = [room["room"] for room in mine if room["phase"] == phase and _is_due(room)]
            if ready:
                return str(ready[0])
        return self.new_room(host, "Swarm")

    def new_room(self, host: Person, title: str) -> str:
        """A show of the host's that starts now."""
        show = {
            "title": {"en": title, "zh-CN": title},
            "starts_ms": int(time.time() * 1000) + 1_000,
            "time_zone": "Asia/Shanghai",
        }
        response = self._http.post("/api/rooms", json=show, headers=host.authorization)
        if response.is_error:
            raise NoShow(f"no show could be planned: {response.text}")
        return str(response.json()["room"])

    def shop_of(self, room: str) -> str:
        """Whose show it is."""
        return str(self._get(f"/api/rooms/{room}")["shop"])

    def products(self, room: str) -> list[str]:
        """What stands on its shelf."""
        return [product["product"] for product in self._get(f"/api/rooms/{room}/shelf")["products"]]

    def _get(self, path: str, person: Person | None = None, **query: int) -> Any:
        headers = person.authorization if person else {}
        return _books(self._http.get(path, params=query, headers=headers))

    # ------------------------------------------------------------ after

    def bill(self, from_ms: int) -> list[BillLine]:
        """What the payment provider captured and gave back since then; only what was also captured since."""
        headers = {"Authorization": f"Bearer {provider_key(self._secret)}"}
        response = self._http.get("/sandbox/api/bill", params={"from_ms": from_ms}, headers=headers)
        entries = _books(response)["entries"]
        captured = {entry["order"] for entry in entries if entry["kind"] == "capture"}
        names = ("kind", "payment", "order", "amount_minor", "currency")
        return [
            BillLine(**{name: entry[name] for name in names})
            for entry in entries
            if entry["order"] in captured
        ]

    def ledger(self, file: Path) -> list[LedgerEntry]:
        """All entries: from the ledger's file where it is on this machine, else as the operator sees them."""
        if file.is_file():
            return _read_file(file)
        operator = self.sign_in("operator")
        entries = self._get("/api/console/ledger", operator, limit=LEDGER_PAGE)["entries"]
        return [_entry(entry, entry["lines"]) for entry in entries]


def _books(response: httpx.Response) -> Any:
    if response.is_error:
        raise NoBooks(f"{response.request.url.path} answers {response.status_code}: {response.text}")
    return response.json()


def _is_due(room: dict[str, Any]) -> bool:
    """Whether a show can be started without keeping a later one from its hour."""
    return bool(room["phase"] == "live" or room["starts_ms"] < (time.time() + 3600) * 1000)


def _read_file(file: Path) -> list[LedgerEntry]:
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as sql:
        rows = sql.execute("SELECT document FROM ledger_entries ORDER BY number").fetchall()
    documents = [json.loads(row[0]) for row in rows]
    return [_entry(document, document["postings"]) for document in documents]


def _entry(entry: dict[str, Any], postings: list[dict[str, Any]]) -> LedgerEntry:
    currency = entry.get("currency") or postings[0]["currency"]
    return LedgerEntry(
        entry=entry["entry"],
        order=entry["order"],
        kind=entry["kind"],
        currency=currency,
        postings=tuple(
            (posting["account"], posting.get("debit_minor", 0), posting.get("credit_minor", 0))
            for posting in postings
        ),
    )
