"""A peer as the benchmark sees it: how it is started, and what it says of itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from loadtests.framing import UNMASKED, Opcode, client_frame
from loadtests.peers.nchan_room import MODULE
from loadtests.processes import SERVER_CORE, Process

FOLDER = Path(__file__).parent
SOCKET_IO_PATH = "/socket.io/?EIO=4&transport=websocket"
SOCKET_IO_JOIN = client_frame(Opcode.TEXT, b"40", UNMASKED)
"""What a socket.io client says to be let into the default namespace."""


class Absent(Exception):
    """A peer is not installed; one sentence on how to get it."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to do it."""

    name: str
    settings: str
    """What was chosen for it, for the reader to judge whether it is fair."""
    words: Sequence[str]
    path: str = "/"
    join: bytes = b""
    tells_pid: bool = False
    """The work is done by another process, whose id follows the port."""


PEERS = (
    Peer(
        "websockets.broadcast",
        "uvloop, no compression, no pings",
        (sys.executable, "-m", "loadtests.peers.websockets_room"),
    ),
    Peer(
        "Starlette on uvicorn",
        "uvloop, websockets-sansio, no compression, send_text in a loop",
        (sys.executable, "-m", "loadtests.peers.starlette_room"),
    ),
    Peer("ws (Node)", "no compression, send in a loop", ("node", str(FOLDER / "ws.mjs"))),
    Peer(
        "socket.io (Node)",
        "WebSocket only, no compression, io.emit",
        ("node", str(FOLDER / "socket_io.mjs")),
        SOCKET_IO_PATH,
        SOCKET_IO_JOIN,
    ),
    Peer(
        "nchan (nginx)",
        "one worker, messages published by HTTP, memory store",
        (sys.executable, "-m", "loadtests.peers.nchan_room"),
        tells_pid=True,
    ),
)


class RunningPeer:
    """A started peer."""

    def __init__(self, peer: Peer, popen: subprocess.Popen[str]) -> None:
        self._popen = popen
        self.port = int(self.read())
        self.process = Process(int(self.read()) if peer.tells_pid else popen.pid)
        self.process.pin(SERVER_CORE)

    def order(self, count: int, size: int, interval: float) -> None:
        """A broadcast of so many messages; ``read`` answers when it is done."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(f"{count} {size} {interval}\n")
        self._popen.stdin.flush()

    def read(self) -> str:
        """The next line that it says."""
        assert self._popen.stdout is not None
        return self._popen.stdout.readline().strip()


@contextmanager
def running(peer: Peer) -> Iterator[RunningPeer]:
    """Starts a peer on the server's core, and ends it with the block.

    Raises:
        Absent: it is not installed.
    """
    _require(peer)
    popen = subprocess.Popen(peer.words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield RunningPeer(peer, popen)
    finally:
        assert popen.stdin is not None
        popen.stdin.close()
        try:
            popen.wait(5)
        except subprocess.TimeoutExpired:
            popen.terminate()
            popen.wait()


def _require(peer: Peer) -> None:
    if "nchan" in peer.name and not MODULE.exists():
        raise Absent("apt-get install nginx-light libnginx-mod-nchan")
    if "Node" in peer.name and not (shutil.which("node") and (FOLDER / "node_modules").is_dir()):
        raise Absent("npm ci in loadtests/peers, with Node 20 or newer")


def versions() -> dict[str, str]:
    """What runs here, for the record."""
    found = {name: version(name) for name in ("websockets", "starlette", "uvicorn", "uvloop")}
    found["node"] = _says("node", "--version")
    found["nginx"] = _says("/usr/sbin/nginx", "-v").rpartition("/")[2]
    found["nchan"] = _debian("libnginx-mod-nchan")
    for name in ("ws", "socket.io"):
        file = FOLDER / "node_modules" / name / "package.json"
        found[name] = _version_in(file)
    return {name: what for name, what in found.items() if what}


def _says(*words: str) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return (done.stdout + done.stderr).strip()


def _debian(package: str) -> str:
    return _says("dpkg-query", "-W", "-f=${Version}", package)


def _version_in(file: Path) -> str:
    found = re.search(r'"version": "([^"]+)"', file.read_text()) if file.is_file() else None
    return found[1] if found else ""
