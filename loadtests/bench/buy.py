"""Thousands of buyers tap in one burst: CPU of gateway and Valkey per answer, beside the bare function call.

Every buyer has a socket of their own in the room, and hears what the room hears: what is left, that it is
sold out. So the gateway's share holds that too. A round is a sale of its own.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests.baselines.child import Child, baseline
from loadtests.bench.result import Result
from loadtests.crowd import Crowd, full_room, join_frame
from loadtests.deployment import Deployment, deployed
from loadtests.processes import allow_descriptors
from loadtests.sink import Line, Sink, text_frame

TARGET_RATIO = 2.5
TARGET_P99_MS = 500
FIRST_BUYER = 20_000
PRICE_MINOR = 9_900
SPARE_DESCRIPTORS = 500


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buyers", type=int, default=5_000)
    parser.add_argument("--units", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with deployed() as deployment, full_room(deployment, 0) as crowd:
        sku = _stock_up(deployment.data_dir, options.units * (options.rounds + 1))
        market = Market(deployment, crowd, sku, options.units)
        market.let_in(options.buyers)
        with baseline("holds", _redis_url(deployment)) as child:
            rounds = [_round(market, child, number) for number in range(options.rounds)]
        market.sink.close()
    _result(rounds, options.units).print()


def _stock_up(data_dir: Path, units: int) -> str:
    """Counts enough of the demo's best-stocked variant, as somebody in the store-room would."""
    with closing(sqlite3.connect(data_dir / "livecommerce.sqlite", timeout=30)) as sql:
        (sku,) = sql.execute(
            "SELECT sku FROM skus JOIN shelf ON skus.product = shelf.product ORDER BY on_hand DESC LIMIT 1"
        ).fetchone()
        sql.execute("UPDATE skus SET on_hand = ? WHERE sku = ?", (units, sku))
        sql.commit()
    return str(sku)


def _redis_url(deployment: Deployment) -> str:
    environ = Path(f"/proc/{deployment.process('gateway-1').pid}/environ").read_bytes().decode()
    return dict(entry.split("=", 1) for entry in environ.split("\0") if entry)["REDIS_URL"]


# ---------------------------------------------------------------- the burst


@dataclass
class Burst:
    """What came of one burst."""

    answers: Counter[str] = field(default_factory=Counter)
    waits_ms: list[float] = field(default_factory=list)
    gateway_seconds: float = 0.0
    valkey_seconds: float = 0.0
    bare_us: float = 0.0
    """CPU of the bare call, both sides together."""

    @property
    def us(self) -> float:
        """CPU per answer of gateway and Valkey."""
        return (self.gateway_seconds + self.valkey_seconds) / len(self.waits_ms) * 1e6


class Market:
    """The room's buyers, and the host who opens one sale after the other."""

    def __init__(self, deployment: Deployment, crowd: Crowd, sku: str, units: int) -> None:
        self._deployment = deployment
        self._crowd = crowd
        self._sku = sku
        self._units = units
        self.gateway, self.valkey = deployment.process("gateway-1"), deployment.process("valkey")
        self.sink = Sink(("127.0.0.1", deployment.port), crowd.path, self._hear)
        self._buyers: list[Line] = []
        self._sale: dict[str, Any] = {}
        self._sent_at: dict[int, float] = {}
        self._burst = Burst()

    def let_in(self, count: int) -> None:
        """Opens the buyers' sockets."""
        allow_descriptors(count + SPARE_DESCRIPTORS)
        frames = (join_frame(self._deployment.person("Buyer")) for _ in range(count))
        self._buyers = [Line(FIRST_BUYER + number, join, sampled=True) for number, join in enumerate(frames)]
        self.sink.open(self._buyers)

    def burst(self, number: int) -> Burst:
        """Everybody taps at once; returns when each has an answer."""
        self._open_sale(number)
        frames = [text_frame(self._wish(number, line)) for line in self._buyers]
        self._burst, self._sent_at = Burst(), {}
        before = self.gateway.cpu_seconds(), self.valkey.cpu_seconds()
        for line, frame in zip(self._buyers, frames, strict=True):
            self._sent_at[line.number] = time.monotonic()
            self.sink.send(line, frame)
        self.sink.run_until(lambda: not self._sent_at)
        self.sink.run(0.5)  # what follows the answers is part of the cost
        burst = self._burst
        burst.gateway_seconds = self.gateway.cpu_seconds() - before[0]
        burst.valkey_seconds = self.valkey.cpu_seconds() - before[1]
        self._ask(t="sale.close", sale=self._sale["sale"], version=1)
        return burst

    def _open_sale(self, number: int) -> None:
        self._sale = {}
        terms = {"price_minor": PRICE_MINOR, "stock": self._units, "limit": 1, "seconds": 3_600}
        self._ask(t="sale.open", sku=self._sku, key=f"bench-sale-{number}", **terms)
        self.sink.run_until(lambda: bool(self._sale))
        self.sink.run(1.0)

    def _ask(self, **message: object) -> None:
        self._crowd.ask(**message)
        self._crowd.sink.run(0.2)

    def _wish(self, number: int, line: Line) -> dict[str, Any]:
        wish = {name: self._sale[name] for name in ("sale", "version", "price_minor")}
        return {"t": "buy", "id": number + 1, "key": f"wish-{number}-{line.number}", **wish}

    def _hear(self, line: Line, message: dict[str, Any]) -> None:
        kind = message["t"]
        if kind in ("ok", "error"):
            sent_at = self._sent_at.pop(line.number)
            self._burst.waits_ms.append((time.monotonic() - sent_at) * 1000)
            self._burst.answers[str(message.get("code", "held"))] += 1
        elif kind == "sale.opened":
            self._sale = message["sale"]


def _round(market: Market, child: Child, number: int) -> Burst:
    burst = market.burst(number)
    calls = len(burst.waits_ms)
    before = market.valkey.cpu_seconds()
    child.order(f"00BENCH{number} {burst.answers['held']} {calls}")
    client = float(child.read())
    burst.bare_us = (client + market.valkey.cpu_seconds() - before) / calls * 1e6
    print(
        f"round {number + 1}: {burst.us:.0f} µs an answer, {burst.bare_us:.0f} µs the bare call, "
        f"p99 {_p99(burst.waits_ms):.0f} ms, {dict(burst.answers)}",
        flush=True,
    )
    return burst


# ---------------------------------------------------------------- what it comes to


def _p99(waits_ms: list[float]) -> float:
    return float(statistics.quantiles(waits_ms, n=100)[98])


def _result(rounds: list[Burst], units: int) -> Result:
    ratio = statistics.median(burst.us / burst.bare_us for burst in rounds)
    p99 = statistics.median(_p99(burst.waits_ms) for burst in rounds)
    oversold = max(burst.answers["held"] - units for burst in rounds)
    total = Counter(code for burst in rounds for code in burst.answers.elements())
    return Result(
        name="buy",
        value=round(statistics.median(burst.us for burst in rounds), 1),
        unit="µs of CPU per answer, gateway and Valkey",
        baseline=round(statistics.median(burst.bare_us for burst in rounds), 1),
        baseline_is="the function call, pipelined by 500 through redis-py, client and Valkey",
        ratio=round(ratio, 2),
        target=f"ratio <= {TARGET_RATIO}; p99 <= {TARGET_P99_MS} ms; nothing oversold",
        ok=ratio <= TARGET_RATIO and p99 <= TARGET_P99_MS and oversold <= 0,
        details={
            "buyers": len(rounds[0].waits_ms),
            "units": units,
            "wait_ms_p50": round(statistics.median(wait for burst in rounds for wait in burst.waits_ms), 1),
            "wait_ms_p99": round(p99, 1),
            "oversold": max(oversold, 0),
            "answers": dict(total),
            "gateway_us": _us(rounds, "gateway_seconds"),
            "valkey_us": _us(rounds, "valkey_seconds"),
        },
    )


def _us(rounds: list[Burst], part: str) -> float:
    each: list[float] = [getattr(burst, part) / len(burst.waits_ms) for burst in rounds]
    return round(statistics.median(each) * 1e6, 1)


if __name__ == "__main__":
    main()
