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
        """Adds what a person has done; a proxy's ``X-Request-Id`` is kept, else the request gets one."""
        entry = AuditEntry(
            id=new_id(),
            at_ms=self._clock(),
            actor=person.person,
            action=action,
            subject=subject,
            before=msgspec.to_builtins(before),
            after=msgspec.to_builtins(after),
            request=request.headers.get("x-request-id", new_id())[:MAX_REQUEST_ID],
        )
        await self._audit.record(entry)
