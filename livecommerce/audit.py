"""The audit trail: who did what to which subject, and what it was before and after."""

from __future__ import annotations

from typing import Any, Protocol

from msgspec import Struct


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One command of a host, moderator, merchant or operator; ids only, no personal data."""

    id: str
    at_ms: int
    actor: str
    """A person id, or the name of a process such as ``worker``."""
    action: str
    """``segment.accept``, ``show.create`` …"""
    subject: str
    before: Any = None
    """JSON; empty where the subject is new."""
    after: Any = None
    request: str = ""


class Audit(Protocol):
    """Append only: nothing here changes or removes an entry."""

    async def record(self, entry: AuditEntry) -> None:
        """Adds an entry; the same id twice counts once."""
        ...

    async def of_subject(self, subject: str, limit: int = 100) -> list[AuditEntry]:
        """What was done to a subject, newest first."""
        ...
