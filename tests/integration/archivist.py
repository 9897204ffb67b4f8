"""A worker process that may be killed while it puts rooms away.

``python -m tests.integration.archivist REDIS SQL``
"""

from __future__ import annotations

import asyncio
import sys

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.sql_connection import open_sql
from tests.over import archivist


async def main(redis_url: str, sql_url: str) -> None:
    """Puts away what is due."""
    redis, sql = connect(redis_url), open_sql(sql_url)
    await archivist(redis, sql).step()
    await sql.dispose()
    await redis.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:3]))
