"""What stands in ``REDIS_URL``: a server, or some servers of a cluster."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig

from livecommerce.adapters.redis_cluster import Cluster
from livecommerce.adapters.redis_connection import Connection

QUEUE_SECONDS = 5.0
"""How long a command waits for a free connection."""

CLUSTER = "+cluster://"


def connect(url: str, *, timeout_seconds: float = 5.0, max_connections: int = 64) -> Connection:
    """A client that raises instead of repeating; nothing is sent until its first use.

    ``redis+cluster://one:7000,two:7000`` (or ``rediss+cluster``) names some servers of a cluster, which know
    the others. More commands at once than connections wait their turn. The caller closes it (``aclose``). A
    command that runs into the time-out has an unknown outcome.
    """
    if CLUSTER in url:
        return Cluster([_open(seed, timeout_seconds, max_connections) for seed in seeds_of(url)])
    return _open(url, timeout_seconds, max_connections)


def seeds_of(url: str) -> list[str]:
    """The addresses of a cluster's servers that were given, each as that of one server."""
    scheme, _, rest = url.partition(CLUSTER)
    where, slash, options = rest.partition("/")
    sign_in, at, hosts = where.rpartition("@")
    return [f"{scheme}://{sign_in}{at}{host}{slash}{options}" for host in hosts.split(",")]


def _open(url: str, timeout_seconds: float, max_connections: int) -> Connection:
    pool = BlockingConnectionPool.from_url(
        url,
        timeout=QUEUE_SECONDS,
        protocol=3,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout_seconds,
        socket_connect_timeout=5.0,
        max_connections=max_connections,
        client_name="livecommerce",
        # With them on, the pool would hand out connections that the server has closed.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
    )
    return Connection.over(pool)
