"""A room on nginx with nchan: one worker process; messages are published by HTTP, as an application would.

Prints port and the worker's process id; takes the same orders as the other peers.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]

from loadtests.peers.orders import obey

CONFIGURATION = """
load_module {module};
worker_processes 1;
worker_rlimit_nofile 20000;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  nchan_shared_memory_size 256M;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    keepalive_requests 1000000;
    location / {{ nchan_subscriber websocket; nchan_channel_id room; nchan_subscriber_first_message newest; }}
    location /publish {{ nchan_publisher; nchan_channel_id room; nchan_message_buffer_length 10; }}
  }}
}}
"""
MODULE = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


async def main() -> None:
    """Serves until its input ends."""
    with tempfile.TemporaryDirectory(prefix="nchan-") as name:
        port = _free_port()
        file = _configure(Path(name), port)
        process = subprocess.Popen(["nginx", "-c", str(file)], stderr=sys.stderr)  # noqa: ASYNC220 - before anything runs
        try:
            await _serve(port, process)
        finally:
            process.terminate()
            process.wait()


async def _serve(port: int, process: subprocess.Popen[bytes]) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        while not (workers := psutil.Process(process.pid).children()):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.05)
        print(port, flush=True)
        print(workers[0].pid, flush=True)

        async def publish(message: str) -> None:
            (await http.post("/publish", content=message)).raise_for_status()

        await obey(publish)


def _configure(folder: Path, port: int) -> Path:
    folder.chmod(0o755)  # the worker runs as another user
    file = folder / "nginx.conf"
    file.write_text(CONFIGURATION.format(module=MODULE, folder=folder, port=port))
    return file


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    os.environ["PATH"] += ":/usr/sbin"
    asyncio.run(main())
