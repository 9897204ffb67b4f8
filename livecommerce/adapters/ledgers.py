"""The ledgers that come with the package, and opening the one at an address."""

from __future__ import annotations

from collections.abc import Mapping

from livecommerce.adapters.ledger_https import open_https
from livecommerce.adapters.ledger_postgresql import open_postgresql
from livecommerce.adapters.ledger_sqlite import open_sqlite
from livecommerce.ledger.backend import LedgerAway, LedgerBackend, Opener, find_opener
from livecommerce.ledger.late import LateLedger


async def open_nats(url: str) -> LedgerBackend:
    """Opens the ledger in NATS, whose client is an optional dependency.

    Raises:
        LedgerAway: it cannot be reached, or the client is not installed.
    """
    try:
        from livecommerce.adapters import ledger_nats
    except ImportError as error:
        raise LedgerAway("the NATS client is missing: pip install 'livecommerce[nats]'") from error
    return await ledger_nats.open_nats(url)


LEDGERS: Mapping[str, Opener] = {
    "http": open_https,
    "https": open_https,
    "nats": open_nats,
    "sqlite": open_sqlite,
    "postgresql": open_postgresql,
}
"""The same as the entry points of this package, for a source tree that was never installed."""


async def open_ledger(url: str) -> LedgerBackend:
    """Opens the ledger at an address.

    Raises:
        UnknownLedger: nobody offers the scheme.
        LedgerAway: the ledger cannot be opened now.
    """
    return await find_opener(url, LEDGERS)(url)


def late_ledger(url: str) -> LedgerBackend:
    """The ledger at an address, opened when it is first used; the caller closes it.

    Raises:
        UnknownLedger: nobody offers the scheme.
    """
    opener = find_opener(url, LEDGERS)
    return LateLedger(url.partition(":")[0], lambda: opener(url))
