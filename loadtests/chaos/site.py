"""A whole deployment that the nemesis can get at: every process, and the wires between them."""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx

from loadtests.chaos.helper import Helper
from loadtests.chaos.plan import Kind
from loadtests.chaos.servers import PostgreSql, Valkey
from loadtests.deployment import Deployment, DidNotStart, deployed, free_ports
from loadtests.processes import signal_process

HOLD_SECONDS = 20
"""Short, so that orders which nobody pays end while the auditor waits."""

READY_SECONDS = 120.0
LOOKS = 8
"""Gateways share a port: so many answers come from all of them, very likely."""
LOOK_SECONDS = 0.2

Undo = Callable[[], object]

_LINK_FAULTS = {Kind.CUT: "cut", Kind.DELAY: "delay", Kind.STALL: "stall", Kind.LOSE: "lose"}


class Site:
    """Product, Valkey, perhaps PostgreSQL, and what stands between them."""

    def __init__(
        self,
        deployment: Deployment,
        valkey: Valkey,
        postgresql: PostgreSql | None,
        proxy: Helper,
        road: list[Helper],
    ) -> None:
        self.deployment = deployment
        self.valkey = valkey
        self.postgresql = postgresql
        self._proxy = proxy
        self._road = road
        self._strikes: dict[Kind, Callable[[str], Undo]] = {
            Kind.KILL: self._kill,
            Kind.PAUSE: self._pause,
            Kind.SHUFFLE: self._shuffle,
            Kind.FILL_MEMORY: self._fill_memory,
            Kind.FILL_DISK: self._fill_disk,
            **{kind: partial(self._spoil, fault) for kind, fault in _LINK_FAULTS.items()},
        }

    def strike(self, kind: Kind, target: str) -> Undo:
        """Does something bad; what is returned undoes it."""
        return self._strikes[kind](target)

    def pids(self, target: str) -> list[int]:
        """A target's processes; none while it is down."""
        if target == "valkey":
            return [self.valkey.pid] if self.valkey.pid else []
        if target == "postgresql":
            return self.postgresql.pids if self.postgresql else []
        process = self.deployment.processes().get(target)
        return [process.pid] if process else []

    def everyone(self) -> dict[str, list[int]]:
        """All processes by name, for whoever measures them."""
        names = ["valkey", "postgresql", *self.deployment.processes()]
        return {name: pids for name in names if (pids := self.pids(name))}

    def wait_until_ready(self) -> None:
        """Returns when every gateway says so several times in a row, and worker and media run.

        Raises:
            DidNotStart: it does not come to that.
        """
        deadline = time.monotonic() + READY_SECONDS
        in_a_row = 0
        while in_a_row < LOOKS:
            if time.monotonic() > deadline:
                raise DidNotStart("after all was put right, the product is not ready again")
            in_a_row = in_a_row + 1 if self._is_ready() else 0
            time.sleep(LOOK_SECONDS)

    def _is_ready(self) -> bool:
        if not {"worker", "media"} <= self.deployment.processes().keys():
            return False
        try:
            return httpx.get(f"{self.deployment.url}/readyz", trust_env=False, timeout=5).is_success
        except httpx.TransportError:
            return False

    def calm(self) -> None:
        """Everything that is down is started, whatever is left of a blow is undone."""
        for name in ["valkey", "postgresql", *self.deployment.processes()]:
            self._continue(self.pids(name))
        for link in self._links():
            self._spoil("", link)
        self._road[0].order("")
        self._start("valkey")
        self._start("postgresql")
        self.valkey.free_disk()
        self.valkey.free_memory()

    # ------------------------------------------------------------ blows

    def _kill(self, target: str) -> Undo:
        if target == "valkey":
            self.valkey.kill()
        elif target == "postgresql" and self.postgresql is not None:
            self.postgresql.kill()
        else:  # the supervisor starts it again
            for pid in self.pids(target):
                signal_process(pid, signal.SIGKILL)
        return partial(self._start, target)

    def _start(self, target: str) -> None:
        if target == "valkey":
            self.valkey.start()
        elif target == "postgresql" and self.postgresql is not None:
            self.postgresql.start()

    def _pause(self, target: str) -> Undo:
        pids = self.pids(target)
        for pid in pids:
            signal_process(pid, signal.SIGSTOP)
        return partial(self._continue, pids)

    def _continue(self, pids: list[int]) -> None:
        for pid in pids:
            signal_process(pid, signal.SIGCONT)

    def _spoil(self, fault: str, link: str) -> Undo:
        self._proxy.order({"fault": link, "kind": fault})
        return partial(self._proxy.order, {"fault": link, "kind": ""})

    def _shuffle(self, _target: str) -> Undo:
        self._road[0].order("shuffle")
        return partial(self._road[0].order, "")

    def _fill_memory(self, _target: str) -> Undo:
        self.valkey.fill_memory()
        return self.valkey.free_memory

    def _fill_disk(self, _target: str) -> Undo:
        self.valkey.fill_disk()
        return self.valkey.free_disk

    def _links(self) -> list[str]:
        return ["valkey"] if self.postgresql is None else ["valkey", "postgresql"]


@contextmanager
def chaos_site(gateways: int, seed: int, *, postgresql: bool) -> Iterator[Site]:
    """Starts everything, each part behind a proxy of ours, and stops it when the block ends."""
    with ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True))
        )
        valkey = Valkey(folder / "valkey", free_ports(1)[0])
        stack.callback(valkey.kill)
        valkey.start()
        proxy = Helper("loadtests.chaos.proxy")
        stack.callback(proxy.close)
        redis_port = proxy.order({"open": "valkey", "to": str(valkey.port)})
        environ = {"HOLD_SECONDS": str(HOLD_SECONDS)}
        sql = None
        if postgresql:
            sql = PostgreSql(folder / "pg")
            stack.callback(sql.stop)
            sql.start()
            sql_port = proxy.order({"open": "postgresql", "to": str(sql.socket)})
            environ["DATABASE_URL"] = f"postgresql://postgres@127.0.0.1:{sql_port}/postgres"
        road: list[Helper] = []

        def settings(port: int) -> dict[str, str]:
            road.append(Helper("loadtests.chaos.callbacks", port, seed))
            stack.callback(road[0].close)
            return {**environ, "BASE_URL": f"http://127.0.0.1:{road[0].read()}"}

        redis_url = f"redis://127.0.0.1:{redis_port}/0"
        deployment = stack.enter_context(deployed(gateways, redis_url, settings))
        yield Site(deployment, valkey, sql, proxy, road)
