"""What the sandbox remembers: payments, their captures and refunds. The rules of a provider."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import Connection, Row, connect
from threading import Lock

from msgspec import Struct

from livecommerce.errors import Conflict, NotFound
from livecommerce.gateway.sandbox.refunds import (
    Refund,
    Refunded,
    RefundFault,
    add_refund,
    find_refund,
    take_fault,
)

_SCHEMA = Path(__file__).with_name("schema.sql").read_text("utf-8")


class Payment(Struct, frozen=True, kw_only=True):
    """A merchant's request for money."""

    payment: str
    merchant: str
    order: str
    amount_minor: int
    currency: str
    description: str
    deadline_ms: int
    notify_url: str
    return_url: str


class Account(Struct, frozen=True, kw_only=True):
    """A payment as it stands."""

    payment: Payment
    state: str
    """pending, captured, failed, closed."""
    transaction: str = ""
    captured_ms: int = 0
    refunded_minor: int = 0
    fault: str = ""
    """How its callback will misbehave."""


class Book:
    """The provider's database, a SQLite file that several processes may share.

    Calls block: use a thread. Those of one process take turns on one connection, opened at the first of them;
    the owner disposes of it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._opened: Connection | None = None

    def dispose(self) -> None:
        """Lets go of the file."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def create(self, payment: Payment, now_ms: int) -> Account:
        """Registers a payment; the same again is the same one.

        Raises:
            Conflict: ``deadline_passed``, or another payment has this id (``id_reused``).
        """
        with self._write() as sql:
            known = _find(sql, payment.payment)
            if known is not None:
                if known.payment != payment:
                    raise Conflict("id_reused")
                return known
            if payment.deadline_ms <= now_ms:
                raise Conflict("deadline_passed")
            values = [getattr(payment, name) for name in Payment.__struct_fields__]
            sql.execute(
                f"INSERT INTO payments ({_COLUMNS}, state, created_ms) "  # noqa: S608 - our own names
                f"VALUES ({', '.join('?' * len(values))}, 'pending', ?)",
                [*values, now_ms],
            )
            return Account(payment=payment, state="pending")

    def find(self, payment: str, now_ms: int) -> Account:
        """A payment as it stands; one whose deadline has passed is closed.

        Raises:
            NotFound: there is none.
        """
        with self._write() as sql:
            return _current(sql, payment, now_ms)

    def close(self, payment: str, now_ms: int) -> Account:
        """Ends a payment that nobody made; one that was made stays captured."""
        with self._write() as sql:
            if _current(sql, payment, now_ms).state == "pending":
                _set(sql, payment, state="closed")
            return _current(sql, payment, now_ms)

    def decline(self, payment: str, now_ms: int) -> Account:
        """The buyer, or their bank, said no."""
        with self._write() as sql:
            if _current(sql, payment, now_ms).state == "pending":
                _set(sql, payment, state="failed")
            return _current(sql, payment, now_ms)

    def arm(self, payment: str, fault: str, now_ms: int) -> Account:
        """Chooses how a payment will misbehave."""
        with self._write() as sql:
            _current(sql, payment, now_ms)
            _set(sql, payment, fault=fault)
            return _current(sql, payment, now_ms)

    def capture(
        self, payment: str, transaction: str, now_ms: int, fault: str = "", *, even_closed: bool = False
    ) -> Account:
        """Takes the buyer's money, and chooses a fault; money that has been taken is not taken again.

        Raises:
            Conflict: ``payment_closed``: its time is over, or the merchant has closed it.
        """
        with self._write() as sql:
            account = _current(sql, payment, now_ms)
            if account.state == "captured":
                return account
            if account.state != "pending" and not even_closed:
                raise Conflict("payment_closed")
            chosen = fault or account.fault
            _set(sql, payment, state="captured", transaction_id=transaction, captured_ms=now_ms, fault=chosen)
            return _current(sql, payment, now_ms)

    def refund(
        self, payment: str, refund: Refund, provider_refund: str, now_ms: int, slow_ms: int
    ) -> tuple[Refunded, RefundFault | None]:
        """Gives money back, once per id; answers how the refund stands, and a new one's fault.

        Raises:
            Conflict: ``not_captured``, ``refund_too_large`` or ``id_reused``.
        """
        with self._write() as sql:
            known = find_refund(sql, refund.refund, now_ms)
            if known is not None:
                if (known.payment, known.refund.amount_minor) != (payment, refund.amount_minor):
                    raise Conflict("id_reused")
                return known, None
            account = _current(sql, payment, now_ms)
            if account.state != "captured" or refund.currency != account.payment.currency:
                raise Conflict("not_captured")
            if not 0 < refund.amount_minor <= account.payment.amount_minor - account.refunded_minor:
                raise Conflict("refund_too_large")
            fault = take_fault(sql, payment)
            return add_refund(sql, payment, refund, provider_refund, now_ms, slow_ms, fault), fault

    def find_refund(self, payment: str, refund: str, now_ms: int) -> Refunded:
        """A refund as it stands.

        Raises:
            NotFound: there is none of this payment.
        """
        with self._write() as sql:
            found = find_refund(sql, refund, now_ms)
        if found is None or found.payment != payment:
            raise NotFound("refund_not_found")
        return found

    def arm_refund(self, payment: str, fault: str) -> None:
        """Chooses how a payment's next refund will misbehave."""
        with self._write() as sql:
            if _find(sql, payment) is None:
                raise NotFound("payment_not_found")
            sql.execute("INSERT OR REPLACE INTO refund_faults VALUES (?, ?)", [payment, fault])

    def bill(self, from_ms: int, to_ms: int) -> list[dict[str, str | int]]:
        """Every capture and refund of a time span, oldest first."""
        with self._write() as sql:
            rows = sql.execute(
                "SELECT 'capture' AS kind, payment, order_id AS 'order', amount_minor, currency,"
                " transaction_id AS id, captured_ms AS at_ms FROM payments"
                " WHERE state = 'captured' AND captured_ms BETWEEN ? AND ?"
                " UNION ALL SELECT 'refund', r.payment, p.order_id, r.amount_minor, r.currency,"
                " r.provider_refund, r.created_ms FROM refunds r JOIN payments p USING (payment)"
                " LEFT JOIN refund_progress s USING (refund)"
                " WHERE coalesce(s.state, 'done') = 'done' AND r.created_ms BETWEEN ? AND ? ORDER BY at_ms",
                [from_ms, to_ms, from_ms, to_ms],
            )
            return [dict(row) for row in rows]

    def arm_creation(self, milliseconds: int) -> None:
        """Makes the next request for a payment take so long, as a network would."""
        with self._write() as sql:
            sql.execute("INSERT INTO slow_creations (milliseconds) VALUES (?)", [milliseconds])

    def disarm_creation(self) -> int:
        """How long this request for a payment shall take; 0 as a rule."""
        with self._read() as sql:
            if sql.execute("SELECT 1 FROM slow_creations LIMIT 1").fetchone() is None:
                return 0
        with self._write() as sql:
            row = sql.execute(
                "DELETE FROM slow_creations WHERE number = (SELECT min(number) FROM slow_creations)"
                " RETURNING milliseconds"
            ).fetchone()
            return 0 if row is None else int(row[0])

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        """The connection, for this thread alone."""
        with self._lock:
            if self._opened is None:
                self._opened = _open(self._path)
            yield self._opened

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        """One transaction, alone with the file; rolled back where it raises."""
        with self._read() as sql:
            sql.execute("BEGIN IMMEDIATE")
            try:
                yield sql
            except BaseException:
                sql.execute("ROLLBACK")
                raise
            sql.execute("COMMIT")


def _open(path: Path) -> Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    sql = connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    sql.row_factory = Row
    sql.execute("PRAGMA journal_mode = WAL")
    sql.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";\n"):
        sql.execute(statement)
    sql.execute("COMMIT")
    return sql


_COLUMNS = (
    "payment, merchant, order_id, amount_minor, currency, description, deadline_ms, notify_url, return_url"
)


def _set(sql: Connection, payment: str, **values: str | int) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    sql.execute(
        f"UPDATE payments SET {assignments} WHERE payment = ?",  # noqa: S608 - names are ours
        [*values.values(), payment],
    )


def _find(sql: Connection, payment: str) -> Account | None:
    row = sql.execute("SELECT * FROM payments WHERE payment = ?", [payment]).fetchone()
    if row is None:
        return None
    fields = {name: row[name] for name in Payment.__struct_fields__ if name != "order"}
    return Account(
        payment=Payment(order=row["order_id"], **fields),
        state=row["state"],
        transaction=row["transaction_id"],
        captured_ms=row["captured_ms"],
        refunded_minor=row["refunded_minor"],
        fault=row["fault"],
    )


def _current(sql: Connection, payment: str, now_ms: int) -> Account:
    account = _find(sql, payment)
    if account is None:
        raise NotFound("payment_not_found")
    if account.state == "pending" and account.payment.deadline_ms <= now_ms:
        _set(sql, payment, state="closed")
        account = Account(payment=account.payment, state="closed", fault=account.fault)
    return account
