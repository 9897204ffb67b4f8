"""Writes commands into the audit trail; one counts as done only when it is written down."""

from __future__ import annotations

from typing import Any

from livecommerce.audit import Audit, AuditEntry
from livecommerce.clock import Clock
from livecommerce.gateway.session import Session
from livecommerce.ids import new_id


class Trail:
    """The audit trail as the room's commands use it."""

    def __init__(self, audit: Audit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def note(self, session: Session, action: str, subject: str, after: dict[str, Any]) -> None:
        """Adds what a person in a room has done."""
        entry = AuditEntry(
            id=new_id(),
            at_ms=self._clock(),
            actor=session.person.person,
            action=action,
            subject=subject,
            after=after,
            request=session.served.live.room,
        )
        await self._audit.record(entry)
