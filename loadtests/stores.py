"""Valkey and SQL of a server on this machine, read beside its doors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from redis.exceptions import RedisError

from loadtests.audit.evidence import Stores
from loadtests.processes import supervised
from loadtests.sql_books import CannotRead, SqlBooks, journal_event, stored_order
from loadtests.valkey_books import ValkeyBooks


class StoresAway(Exception):
    """Valkey or SQL cannot be read just now; one sentence."""


class StoresReader:
    """Reads what an audit needs; the caller closes it."""

    def __init__(self, redis_url: str, sql_url: str) -> None:
        self._valkey = ValkeyBooks(redis_url)
        self._sql = SqlBooks(sql_url)

    def read(self, room: str, sales: Iterable[str]) -> Stores:
        """The books of a room, as of now.

        Raises:
            StoresAway: they cannot be read.
        """
        try:
            sql = self._sql.read(room)
            return Stores(
                stock=self._valkey.stock(sales),
                budgets=self._valkey.budgets(),
                campaigns=dict(sql["campaigns"]),
                orders=[stored_order(row) for row in sql["orders"]],
                journal=[journal_event(row) for row in sql["journal"]],
            )
        except (RedisError, OSError, CannotRead) as error:
            raise StoresAway(f"the stores cannot be read: {error}") from error

    def close(self) -> None:
        """Hangs up."""
        self._valkey.close()
        self._sql.close()


@contextmanager
def stores_of(data_dir: Path) -> Iterator[StoresReader | None]:
    """The stores of the server that works in a directory; ``None`` where it is not on this machine."""
    addresses = _addresses(data_dir)
    if addresses is None:
        yield None
        return
    with closing(StoresReader(*addresses)) as reader:
        yield reader


def _addresses(data_dir: Path) -> tuple[str, str] | None:
    """Of Valkey and SQL, as the supervisor told them to a gateway."""
    gateways = [process for name, process in supervised(data_dir).items() if name.startswith("gateway")]
    try:
        entries = Path(f"/proc/{gateways[0].pid}/environ").read_bytes().decode().split("\0")
    except (OSError, IndexError):
        return None
    environ = dict(entry.split("=", 1) for entry in entries if entry)
    sql_url = environ.get("DATABASE_URL") or f"sqlite:{(data_dir / 'livecommerce.sqlite').resolve()}"
    return environ["REDIS_URL"], sql_url
