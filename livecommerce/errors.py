"""Errors that a caller can act on.

DomainError
├── NotFound            the subject does not exist, or is not visible to the caller
├── Forbidden           the caller may not do this
├── Unauthenticated     nobody is signed in, or the token is no longer good
├── Invalid             the request itself is wrong
├── Conflict            the state does not allow it (sold out, double booking, stale version)
├── TooMany             a rate or size limit
└── Unavailable         a part is away; the same request may succeed later

Each carries a machine-readable ``code`` and parameters; the client translates. Only the gateway
knows how they look on the wire.
"""

from __future__ import annotations


class DomainError(Exception):
    """A refusal with a stable code and parameters for its translation."""

    temporary = False

    def __init__(self, code: str, **params: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class NotFound(DomainError):
    """The subject does not exist, or is not visible to the caller."""


class Forbidden(DomainError):
    """The caller may not do this."""


class Unauthenticated(DomainError):
    """Nobody is signed in, or the token is no longer good."""


class Invalid(DomainError):
    """The request itself is wrong."""


class Conflict(DomainError):
    """The state does not allow it."""


class TooMany(DomainError):
    """A rate or size limit was reached."""

    temporary = True


class Unavailable(DomainError):
    """A part of the system is away; the same request may succeed later."""

    temporary = True
