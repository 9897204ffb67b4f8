"""Statements of the ledger, for those whom they are about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from livecommerce.accounts import Person
from livecommerce.clock import Clock, TimeMs, known_zone
from livecommerce.errors import Forbidden, Invalid, Unavailable
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer, query
from livecommerce.gateway.http.operation import SIGNED_IN, MediaType, Resource
from livecommerce.ledger.backend import LedgerAway, LedgerBackend
from livecommerce.ledger.statement import Statement, make_statement
from livecommerce.ledger.statement_page import Reader, as_csv, as_html
from livecommerce.localized import in_language
from livecommerce.shop import Shops

MONTH_MS = 31 * 24 * 3_600_000
"""The span of a statement that says no other."""


class StatementQuery(Struct, frozen=True, kw_only=True):
    """Of which time, and in which form."""

    from_ms: TimeMs | None = None
    """Without one a month before the end."""
    to_ms: TimeMs | None = None
    """Without one now."""
    format: Literal["json", "csv", "html"] = "json"
    lang: Annotated[str, Meta(max_length=35)] = "zh-CN"
    """Of table and page."""
    time_zone: Annotated[str, Meta(max_length=64)] = "UTC"
    """IANA name; in which table and page show times, and name it."""


def statement_routes(ledger: LedgerBackend, shops: Shops, door: Door, clock: Clock) -> list[BaseRoute]:
    """``GET /api/statements/{owner}``."""

    async def name_of(owner: str, person: Person, lang: str) -> str:
        if owner == person.person:
            return person.name
        names = await shops.names_of([owner])
        return in_language(names[owner], lang) if owner in names else ""

    async def show_statement(request: Request) -> Response:
        """What was booked for somebody: as JSON, as CSV, or as a page to print.

        A creator reads their own, a merchant and a guest brand their shop's, an operator everybody's.
        """
        owner, person = request.path_params["owner"], await door.signed_in(request)
        _check(person, owner)
        asked = query(request, StatementQuery)
        zone = _known_zone(asked.time_zone)
        to_ms = clock() if asked.to_ms is None else asked.to_ms
        from_ms = max(0, to_ms - MONTH_MS) if asked.from_ms is None else asked.from_ms
        if from_ms > to_ms:
            raise Invalid("bad_time")
        try:
            statement = await make_statement(ledger.scan(owner), owner, from_ms, to_ms)
        except LedgerAway as error:
            raise Unavailable("ledger_away", reason=str(error)) from error
        name = await name_of(owner, person, asked.lang)
        return _FORMATS[asked.format](statement, Reader(lang=asked.lang, zone=zone, owner_name=name))

    return [
        Resource("merchant", SIGNED_IN).operation(
            "GET",
            "/api/statements/{owner}",
            show_statement,
            MediaType("text/csv"),
            also=(Statement, MediaType("text/html")),
            query=StatementQuery,
            refuses={
                Forbidden: ["role_required"],
                Invalid: ["bad_time", "bad_time_zone"],
                Unavailable: ["ledger_away"],
            },
        )
    ]


def _check(person: Person, owner: str) -> None:
    mine = owner == person.person and not person.guest
    if not (mine or person.has_role("merchant", owner) or person.has_role("brand", owner)):
        raise Forbidden("role_required", role="merchant")


def _known_zone(name: str) -> str:
    try:
        return known_zone(name)
    except ValueError as error:
        raise Invalid("bad_time_zone") from error


def _csv(statement: Statement, reader: Reader) -> Response:
    day = reader.time(statement.from_ms).split()[0]
    headers = {
        "content-disposition": f'attachment; filename="statement-{day}.csv"',
        "cache-control": "no-store",
    }
    return Response(as_csv(statement, reader), headers=headers, media_type="text/csv; charset=utf-8")


def _html(statement: Statement, reader: Reader) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(as_html(statement, reader), headers=headers, media_type="text/html")


_FORMATS: dict[str, Callable[[Statement, Reader], Response]] = {
    "json": lambda statement, _: answer(statement),
    "csv": _csv,
    "html": _html,
}
