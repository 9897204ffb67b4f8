"""Statements of the ledger, for those whom they are about."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.accounts import Person
from livecommerce.clock import Clock
from livecommerce.errors import Forbidden, Invalid, Unavailable
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer, query_number
from livecommerce.ledger.backend import LedgerAway, LedgerBackend
from livecommerce.ledger.statement import Statement, as_csv, as_html, make_statement

MONTH_MS = 31 * 24 * 3_600_000
"""The span of a statement that says no other."""


def statement_routes(ledger: LedgerBackend, door: Door, clock: Clock) -> list[BaseRoute]:
    """``GET /api/statements/{owner}?from_ms=…&to_ms=…``: JSON, or by ``format`` csv, or html to print.

    A creator reads their own, a merchant and a guest brand their shop's, an operator everybody's.
    """

    async def show(request: Request) -> Response:
        owner = request.path_params["owner"]
        _check(await door.signed_in(request), owner)
        to_ms = query_number(request, "to_ms", clock())
        from_ms = query_number(request, "from_ms", max(0, to_ms - MONTH_MS))
        if not 0 <= from_ms <= to_ms:
            raise Invalid("bad_request", reason="from_ms is after to_ms")
        render = _FORMATS.get(request.query_params.get("format", "json"))
        if render is None:
            raise Invalid("bad_request", reason="format is json, csv or html")
        try:
            statement = await make_statement(ledger.scan(owner), owner, from_ms, to_ms)
        except LedgerAway as error:
            raise Unavailable("ledger_away", reason=str(error)) from error
        return render(statement, request.query_params.get("lang", "zh-CN"))

    return [Route("/api/statements/{owner}", show, methods=["GET"])]


def _check(person: Person, owner: str) -> None:
    mine = owner == person.person and not person.guest
    if not (mine or person.has_role("merchant", owner) or person.has_role("brand", owner)):
        raise Forbidden("role_required", role="merchant")


def _csv(statement: Statement) -> Response:
    day = datetime.fromtimestamp(statement.from_ms / 1000, UTC).date()
    headers = {
        "content-disposition": f'attachment; filename="statement-{day}.csv"',
        "cache-control": "no-store",
    }
    return Response(as_csv(statement), headers=headers, media_type="text/csv; charset=utf-8")


def _html(statement: Statement, lang: str) -> Response:
    return Response(as_html(statement, lang), headers={"cache-control": "no-store"}, media_type="text/html")


_FORMATS: dict[str, Callable[[Statement, str], Response]] = {
    "json": lambda statement, _: answer(statement),
    "csv": lambda statement, _: _csv(statement),
    "html": _html,
}
