"""Contract tests of drivers run on one server and on a cluster."""

from __future__ import annotations

import pytest

from livecommerce.adapters.redis_connection import Connection


@pytest.fixture(params=["redis", "redis_cluster"])
def anywhere(request: pytest.FixtureRequest) -> Connection:
    """A connection to one empty server, then to an empty cluster, with our functions loaded."""
    connection: Connection = request.getfixturevalue(request.param)
    return connection
