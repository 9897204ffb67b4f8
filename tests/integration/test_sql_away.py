"""A database that goes away at the worst moment is away, not a fault of ours."""

from __future__ import annotations

import pytest
from asyncpg import CannotConnectNowError, InterfaceError  # type: ignore[import-untyped]
from sqlalchemy.ext.asyncio import AsyncEngine

from livecommerce.adapters.sql_transactions import reads, writes
from livecommerce.errors import Unavailable


@pytest.mark.parametrize("error", [InterfaceError, CannotConnectNowError])
@pytest.mark.parametrize("transaction", [reads, writes])
async def test_what_the_driver_raises_while_a_connection_is_prepared_means_away(
    sql: AsyncEngine, transaction: type, error: type[Exception]
) -> None:
    """SQLAlchemy hands these on as they are where PostgreSQL is killed just when somebody connects."""
    with pytest.raises(Unavailable, match="sql_away"):
        async with transaction(sql):
            raise error("connection is closed")
