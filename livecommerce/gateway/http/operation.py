"""A route of the HTTP API, and all that its document says of it.

A resource lists operations instead of plain routes. The handler's docstring is the summary, the types of
bodies and queries are their forms; ``gateway.openapi`` makes the document.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar, Unpack, overload

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from livecommerce.errors import DomainError, Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from livecommerce.gateway.http.json import Answer

T = TypeVar("T")

Handler = Callable[[Request], Awaitable[Response]]
Refusals = Mapping[type[DomainError], Sequence[str]]
"""Kind of error, which is its status → the codes that it may have."""

PARAMETER = "[0-9A-Za-z_-]{1,64}"
"""What a path may name; anything else is not found before a handler sees it."""

BAD_TOKEN = ("bad_token", "token_expired", "signed_out")


class MediaType(Struct, frozen=True):
    """A body that is not described by a type of ours."""

    name: str


class Caller(Struct, frozen=True, kw_only=True):
    """Who may ask, how they show who they are, and how others are refused."""

    words: str
    schemes: tuple[str, ...] = ()
    """Security schemes of the document; one of them is needed."""
    is_optional: bool = False
    """None of them is fine, too."""
    refuses: Refusals = {}


SESSION = ("cookie", "bearer")

ANYBODY = Caller(words="Anybody; it does not matter who asks.")
VISITOR = Caller(
    words="Anybody; who is signed in may see more.",
    schemes=SESSION,
    is_optional=True,
    refuses={Unauthenticated: BAD_TOKEN},
)
SIGNED_IN = Caller(
    words="Somebody with an account.",
    schemes=SESSION,
    refuses={Unauthenticated: ("sign_in_required", *BAD_TOKEN)},
)


def in_role(role: str, of: str = "") -> Caller:
    """Somebody who holds a role, of something; operators hold every role."""
    return Caller(
        words=f"Somebody with the role `{role}`{of and f' of {of}'}.",
        schemes=SESSION,
        refuses={**SIGNED_IN.refuses, Forbidden: ("role_required",)},
    )


def signed_by(whom: str) -> Caller:
    """A system that signs what it says."""
    return Caller(
        words=f"{whom}, by a signature.", schemes=("signature",), refuses={Forbidden: ("bad_signature",)}
    )


class Details(TypedDict, total=False):
    """What may be said of an operation beside its answer."""

    status: int | tuple[int, ...]
    """Of a good answer, the usual one first; 200 where nothing is said, 204 without a body."""
    also: tuple[type[Any] | MediaType, ...]
    """Other forms of a good answer."""
    query: type[Any]
    """What ``json.query`` reads."""
    takes: type[Any] | MediaType
    """What ``json.read`` reads."""
    caller: Caller
    refuses: Refusals
    """Codes of errors that follow neither from the caller nor from path, query and body."""


class Operation(Route):
    """One method of one path."""

    def __init__(
        self,
        method: str,
        path: str,
        handler: Handler,
        returns: type[Any] | MediaType | None,
        *,
        tag: str,
        **details: Unpack[Details],
    ) -> None:
        super().__init__(path, handler, methods=[method])
        status = details.get("status", 200 if returns else 204)
        self.method = method
        self.tag = tag
        self.returns = returns
        self.statuses = status if isinstance(status, tuple) else (status,)
        self.also = details.get("also", ())
        self.query = details.get("query")
        self.takes = details.get("takes")
        self.caller = details.get("caller", ANYBODY)
        self._refuses = details.get("refuses", {})

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As ``Route``; but what cannot be an id is nowhere."""
        match, found = super().matches(scope)
        named = found.get("path_params", {}).values()
        return (match, found) if all(re.fullmatch(PARAMETER, one) for one in named) else (Match.NONE, {})

    @property
    def refuses(self) -> dict[type[DomainError], list[str]]:
        """Every way in which it may be refused."""
        codes: dict[type[DomainError], list[str]] = {}
        for refusals in (self._refuses, self.caller.refuses, self._refuses_by_form(), _STORES):
            for kind, more in refusals.items():
                codes[kind] = list(dict.fromkeys((*codes.get(kind, ()), *more)))
        return codes

    def _refuses_by_form(self) -> Refusals:
        refusals: dict[type[DomainError], Sequence[str]] = {}
        if self.param_convertors:
            refusals[NotFound] = ("not_found",)
        if self.caller.schemes == SESSION and self.method != "GET":
            refusals[Forbidden] = ("foreign_origin",)
        if self.takes is not None:
            refusals[Invalid] = ("bad_request", "request_too_large")
        elif self.query is not None:
            refusals[Invalid] = ("bad_request",)
        return refusals


_STORES: Refusals = {Unavailable: ("sql_away", "redis_away")}


class Resource:
    """Operations under one heading, and what holds for all of them where one says nothing else."""

    def __init__(self, tag: str, caller: Caller) -> None:
        self._tag = tag
        self._caller = caller

    @overload
    def operation(
        self,
        method: str,
        path: str,
        handler: Callable[[Request], Awaitable[Answer[T]]],
        returns: type[T],
        **details: Unpack[Details],
    ) -> Operation: ...

    @overload
    def operation(
        self,
        method: str,
        path: str,
        handler: Handler,
        returns: MediaType | None = ...,
        **details: Unpack[Details],
    ) -> Operation: ...

    def operation(
        self,
        method: str,
        path: str,
        handler: Handler,
        returns: type[Any] | MediaType | None = None,
        **details: Unpack[Details],
    ) -> Operation:
        """A route whose handler answers what is named; without anything named, 204 and no body."""
        details.setdefault("caller", self._caller)
        return Operation(method, path, handler, returns, tag=self._tag, **details)
