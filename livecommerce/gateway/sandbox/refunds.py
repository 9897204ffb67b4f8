"""Refunds in the sandbox's database; a slow one ends by itself when its time has come."""

from __future__ import annotations

from enum import StrEnum
from sqlite3 import Connection

from msgspec import Struct


class RefundFault(StrEnum):
    """How a refund can misbehave."""

    NONE = ""
    SLOW = "slow"
    """Pending for a while, then done and told."""
    LOST = "lost"
    """The same, but no callback tells."""
    FAILED = "failed"
    """Pending for a while, then refused, as where the buyer's account is closed."""
    DUPLICATE = "duplicate"
    """Done at once, and told twice."""


_SLOW = (RefundFault.SLOW, RefundFault.LOST, RefundFault.FAILED)


class Refund(Struct, frozen=True, kw_only=True):
    """Money that goes back."""

    refund: str
    amount_minor: int
    currency: str
    reason: str


class Refunded(Struct, frozen=True, kw_only=True):
    """A refund as it stands."""

    payment: str
    refund: Refund
    provider_refund: str
    state: str
    """pending, done, failed."""


def add_refund(
    sql: Connection,
    payment: str,
    refund: Refund,
    provider_refund: str,
    now_ms: int,
    slow_ms: int,
    fault: RefundFault,
) -> Refunded:
    """Books a refund; its amount counts as given until it has failed."""
    sql.execute(
        "INSERT INTO refunds VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            refund.refund,
            payment,
            refund.amount_minor,
            refund.currency,
            refund.reason,
            provider_refund,
            now_ms,
        ],
    )
    state = "pending" if fault in _SLOW else "done"
    ending = "failed" if fault is RefundFault.FAILED else "done"
    sql.execute(
        "INSERT INTO refund_progress VALUES (?, ?, ?, ?)", [refund.refund, state, ending, now_ms + slow_ms]
    )
    _count(sql, payment, refund.amount_minor)
    return Refunded(payment=payment, refund=refund, provider_refund=provider_refund, state=state)


def find_refund(sql: Connection, refund: str, now_ms: int) -> Refunded | None:
    """A refund, after what was due has happened to it."""
    row = sql.execute(
        "SELECT r.*, coalesce(s.state, 'done') AS state, coalesce(s.ending, 'done') AS ending,"
        " coalesce(s.ends_ms, 0) AS ends_ms FROM refunds r LEFT JOIN refund_progress s USING (refund)"
        " WHERE r.refund = ?",
        [refund],
    ).fetchone()
    if row is None:
        return None
    state = row["state"]
    if state == "pending" and row["ends_ms"] <= now_ms:
        state = row["ending"]
        sql.execute("UPDATE refund_progress SET state = ? WHERE refund = ?", [state, refund])
        if state == "failed":
            _count(sql, row["payment"], -row["amount_minor"])
    return Refunded(
        payment=row["payment"],
        refund=Refund(
            refund=refund, amount_minor=row["amount_minor"], currency=row["currency"], reason=row["reason"]
        ),
        provider_refund=row["provider_refund"],
        state=state,
    )


def take_fault(sql: Connection, payment: str) -> RefundFault:
    """How the payment's next refund shall misbehave; it does so once."""
    row = sql.execute("DELETE FROM refund_faults WHERE payment = ? RETURNING fault", [payment]).fetchone()
    return RefundFault(row["fault"]) if row is not None else RefundFault.NONE


def _count(sql: Connection, payment: str, amount_minor: int) -> None:
    sql.execute(
        "UPDATE payments SET refunded_minor = refunded_minor + ? WHERE payment = ?", [amount_minor, payment]
    )
