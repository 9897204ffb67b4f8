"""``livecommerce up``: the whole product on one machine, with nothing to configure."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
from redis.exceptions import RedisError
from rich.console import Console

from livecommerce.adapters.embedded_valkey import server_command
from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_connection import AWAY
from livecommerce.adapters.sql_connection import migrate
from livecommerce.app.demo import seed_demo
from livecommerce.doctor.place import REDIS_FILE
from livecommerce.gateway.current_rates import rates_at_start
from livecommerce.gateway.server import LEAVE_SECONDS
from livecommerce.processes import Command, Supervisor
from livecommerce.settings import Settings, environment_of

VALKEY_START_SECONDS = 60.0
READY_SECONDS = 60.0
POLL_SECONDS = 0.05
GATEWAY_MARGIN_SECONDS = 5.0
"""What a gateway is given beyond the time that its viewers take to leave."""
MEDIA_PORTS = {"MEDIA_PORT": 8001, "MEDIA_UDP_PORT": 8002}
"""The media process's variables and their defaults."""

console = Console(highlight=False)


class CannotStart(Exception):
    """Why nothing was started, in one sentence for the person at the terminal."""


def run(settings: Settings, *, demo: bool, workers: int) -> int:
    """Runs everything until SIGINT or SIGTERM; returns the exit code."""
    media_here = f"http://{settings.host}:{_media_port('MEDIA_PORT')}"
    settings = msgspec.structs.replace(
        settings,
        demo=demo,
        workers=workers,
        media_url=os.environ.get("MEDIA_URL") or media_here,
        media_control_url=settings.media_control_url or media_here,
    )
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    rates_at_start(settings.rates_file, optional=settings.rates is None)
    with _alone(settings.data_dir):
        _require_free_ports(settings)
        settings = _with_secret(settings)
        asyncio.run(_run(settings))
    return 0


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with _supervisor(settings) as supervisor:
        starting = asyncio.create_task(_start(settings, supervisor))
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([starting, stopping], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
        else:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)


async def _start(settings: Settings, supervisor: Supervisor) -> None:
    if not settings.redis_url:
        settings = await _start_valkey(settings, supervisor)
    _say("Preparing the database")
    await migrate(settings.sql_url)
    if settings.demo:
        _say("Seeding the demo show")
        await seed_demo(settings)
    for command in _commands(settings):
        _say(f"Starting {command.name}")
        await supervisor.start(command)
    await _until_ready(settings)
    _welcome(settings)


@asynccontextmanager
async def _supervisor(settings: Settings) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(settings.data_dir / "processes.json", _say)
    try:
        yield supervisor
    finally:
        _say("Stopping")
        await supervisor.stop()


async def _start_valkey(settings: Settings, supervisor: Supervisor) -> Settings:
    port = _free_port()
    url = f"redis://127.0.0.1:{port}/0"
    _say("Starting the embedded Valkey (every write is on disk before it is answered)")
    await supervisor.start(Command("valkey", server_command(settings.data_dir / "valkey", port)))
    redis = connect(url)
    try:
        async with asyncio.timeout(VALKEY_START_SECONDS):
            while not await _answers(redis):  # noqa: ASYNC110 - another process; it tells nobody
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError as error:
        raise CannotStart("The embedded Valkey did not start; its messages are above.") from error
    finally:
        await redis.aclose()
    _note_address(settings.data_dir / REDIS_FILE, url)
    return msgspec.structs.replace(settings, redis_url=url)


def _note_address(file: Path, url: str) -> None:
    """For commands of another terminal, which do not know which port was free."""
    file.write_text(url)


async def _answers(redis) -> bool:  # type: ignore[no-untyped-def]
    try:
        return bool(await redis.ping())
    except (*AWAY, RedisError):  # a server that still loads its data answers with an error
        return False


def _commands(settings: Settings) -> list[Command]:
    environ = environment_of(settings)
    python = [sys.executable, "-m"]
    gateways = [
        Command(
            f"gateway-{number + 1}",
            [*python, "livecommerce.cli", "gateway"],
            {**environ, "GATEWAY_NAME": f"gateway-{number + 1}"},
            stop_seconds=LEAVE_SECONDS + GATEWAY_MARGIN_SECONDS,
        )
        for number in range(settings.workers)
    ]
    return [
        Command("worker", [*python, "livecommerce.cli", "worker"], environ),
        *gateways,
        *_media_commands(settings, environ),
    ]


def _media_commands(settings: Settings, environ: dict[str, str]) -> list[Command]:
    if settings.has_engine:
        return []
    hook = f"http://{settings.host}:{settings.port}/api/media/hooks"
    ports = _media_ports(settings)
    siblings = ",".join(f"http://{_media_host()}:{http}" for http, _ in ports) if len(ports) > 1 else ""
    return [
        Command(
            f"media-{place + 1}" if siblings else "media",
            [sys.executable, "-m", "media"],
            {
                **environ,
                "MEDIA_HOOK_URL": hook,
                "MEDIA_PORT": str(http),
                "MEDIA_UDP_PORT": str(udp),
                "MEDIA_SIBLINGS": siblings,
                "MEDIA_PROCESS": str(place),
            },
        )
        for place, (http, udp) in enumerate(ports)
    ]


def _media_ports(settings: Settings) -> list[tuple[int, int]]:
    """Each process's port for HTTP and for media: the named ones, and every second after them."""
    first = _media_port("MEDIA_PORT"), _media_port("MEDIA_UDP_PORT")
    return [(first[0] + 2 * place, first[1] + 2 * place) for place in range(settings.media_processes)]


def _media_host() -> str:
    return os.environ.get("MEDIA_HOST") or "127.0.0.1"


async def _until_ready(settings: Settings) -> None:
    """Waits for the gateway's port; the supervisor says if something goes wrong on the way."""
    async with asyncio.timeout(READY_SECONDS):
        while True:
            try:
                _, writer = await asyncio.open_connection(settings.host, settings.port)
            except OSError:
                await asyncio.sleep(POLL_SECONDS)
                continue
            writer.close()
            await writer.wait_closed()
            return


# ---------------------------------------------------------------- before anything starts


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    with (data_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(f"Another 'livecommerce up' already runs on {data_dir}.") from error
        yield


def _require_free_ports(settings: Settings) -> None:
    wanted = [(socket.SOCK_STREAM, settings.port, "PORT")]
    if not settings.has_engine:
        for http, media in _media_ports(settings):
            wanted += [
                (socket.SOCK_STREAM, http, "MEDIA_PORT"),
                (socket.SOCK_DGRAM, media, "MEDIA_UDP_PORT"),
                (socket.SOCK_STREAM, media, "MEDIA_UDP_PORT"),
            ]
    for kind, port, variable in wanted:
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError as error:
                raise CannotStart(
                    f"Port {port} on {settings.host} is taken; free it, or choose another with {variable}=…"
                ) from error


def _media_port(variable: str) -> int:
    return int(os.environ.get(variable) or MEDIA_PORTS[variable])


def _with_secret(settings: Settings) -> Settings:
    if settings.token_secret:
        return settings
    file = settings.data_dir / "token_secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(32))
        _say(f"Made a signing key of its own in {file}; set TOKEN_SECRET in production")
    return msgspec.structs.replace(settings, token_secret=file.read_text().strip())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# ---------------------------------------------------------------- the terminal


def _say(line: str) -> None:
    console.print(f"[dim]==>[/dim] {line}", soft_wrap=True)


def _welcome(settings: Settings) -> None:
    url = settings.public_url
    console.print()
    console.print(f"  [bold]Live Commerce is running[/bold]    {url}")
    if settings.demo:
        console.print(f"  Watch and buy      {url}/")
        console.print(f"  Broadcast          {url}/studio")
        console.print(f"  Brands' schedule   {url}/schedule")
        console.print(f"  Operator           {url}/console")
        console.print(
            "  [dim]Demo sign-in is one click on each page. Never use --demo with real money.[/dim]"
        )
    console.print(f"  [dim]Data: {settings.data_dir}   Stop: Ctrl-C[/dim]")
    console.print()
