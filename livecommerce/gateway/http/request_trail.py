"""Writes what was done over HTTP into the audit trail."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request

from livecommerce.accounts import Person
from livecommerce.audit import Audit, AuditEntry
from livecommerce.clock import Clock
from livecommerce.ids import new_id

MAX_REQUEST_ID = 64


def request_id(request: Request) -> str:
    """What a proxy calls the request, else a fresh id."""
    return request.headers.get("x-request-id", new_id())[:MAX_REQUEST_ID]


class RequestTrail:
    """The audit trail as HTTP handlers use it."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def note(
        self,
        request: Request,
        person: Person,
        action: str,
        subject: str,
        *,
        before: Any = None,
        after: Any = None,
    ) -> None:
        """Adds what a person has done; see ``request_id``."""
        entry = AuditEntry(
            id=new_id(),
            at_ms=self._clock(),
            actor=person.person,
            action=action,
            subject=subject,
            before=msgspec.to_builtins(before),
            after=msgspec.to_builtins(after),
            request=request_id(request),
        )
        await self._audit.record(entry)
