"""The ledgers that come with the package, by the scheme of their address."""

from __future__ import annotations

from collections.abc import Mapping

from livecommerce.adapters.ledger_postgresql import open_postgresql
from livecommerce.adapters.ledger_sqlite import open_sqlite
from livecommerce.ledger.backend import Opener

LEDGERS: Mapping[str, Opener] = {
    "sqlite": open_sqlite,
    "postgresql": open_postgresql,
}
