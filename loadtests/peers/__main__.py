"""``python -m loadtests.peers``: a room on our gateway, and on servers that one might pick instead.

All have the server's core to themselves in turn; the same sink holds the viewers on the other core. The
gateway goes first, with comments, hearts and pins; every peer then sends as many frames, as large and as
often. The gateway's frames are real work (messages read, checked, stored, stamped), the peers send text
that they already have. The last line is one JSON object; a peer that is not installed is named, and is no
failure.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from loadtests.bench.fanout import Round, gateway_round
from loadtests.crowd import full_room
from loadtests.deployment import deployed
from loadtests.machine import machine
from loadtests.peers.peer import PEERS, Absent, Peer, RunningPeer, running, versions
from loadtests.processes import GENERATOR_CORE, allow_descriptors, this_process
from loadtests.sink import Line, Sink

SPARE_DESCRIPTORS = 200
HEADER_BYTES = 4
OURS = "livecommerce gateway"

console = Console(highlight=False)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    allow_descriptors(options.viewers + SPARE_DESCRIPTORS)
    ours = _measure_ours(options.viewers, options.seconds, options.rounds)
    figures = [Figures(OURS, "comments, hearts and pins through Valkey", ours)]
    absent = {}
    for peer in PEERS:
        try:
            figures.append(_measure(peer, options.viewers, ours[-1], options.rounds))
        except Absent as reason:
            absent[peer.name] = str(reason)
    _show(figures, absent)
    print(json.dumps(_describe(figures, absent, options.viewers)))


@dataclass(frozen=True, slots=True)
class Figures:
    """One server's rounds."""

    name: str
    settings: str
    rounds: list[Round]

    @property
    def micros(self) -> float:
        """CPU per delivered frame, the median round."""
        return statistics.median(one.micros for one in self.rounds)

    @property
    def sink_share(self) -> float:
        """Of the generator's core, at worst."""
        return max(one.sink_share for one in self.rounds)


def _measure_ours(viewers: int, seconds: float, rounds: int) -> list[Round]:
    with deployed() as deployment, full_room(deployment, viewers) as crowd:
        done = [gateway_round(deployment, crowd, seconds) for _ in range(rounds)]
        crowd.require_all()
    return done


def _measure(peer: Peer, viewers: int, like: Round, rounds: int) -> Figures:
    with running(peer) as server:
        this_process().pin(GENERATOR_CORE)
        sink = Sink(("127.0.0.1", server.port), peer.path, subprotocol="")
        sink.open([Line(number, peer.join) for number in range(viewers)])
        sink.run(0.5)
        try:
            done = [_round(server, sink, viewers, like) for _ in range(rounds)]
        finally:
            sink.close()
    return Figures(peer.name, peer.settings, done)


def _round(server: RunningPeer, sink: Sink, viewers: int, like: Round) -> Round:
    messages, size = max(1, round(like.frames / viewers)), round(like.payload_bytes)
    me = this_process()
    frames, received = sink.frames, sink.bytes
    cpu, own = server.process.cpu_seconds(), me.cpu_seconds()
    server.order(messages, size, like.seconds / messages)
    sink.run_until(lambda: sink.frames - frames >= messages * viewers, like.seconds * 4 + 30)
    cpu, own = server.process.cpu_seconds() - cpu, me.cpu_seconds() - own
    server.read()
    frames, received = sink.frames - frames, sink.bytes - received
    return Round(frames, received / frames - HEADER_BYTES, cpu, like.seconds, own / like.seconds)


def _show(figures: list[Figures], absent: dict[str, str]) -> None:
    table = Table(title="The same room elsewhere", title_justify="left")
    for heading in ("server", "µs of CPU per frame", "beside ours", "bytes", "sink's share"):
        table.add_column(heading)
    for one in figures:
        ratio = f"{one.micros / figures[0].micros:.2f}"
        size = f"{one.rounds[-1].payload_bytes:.0f}"
        table.add_row(one.name, f"{one.micros:.2f}", ratio, size, f"{one.sink_share:.0%}")
    console.print(table)
    for one in figures:
        console.print(f"  [dim]{one.name}: {one.settings}[/dim]")
    for name, how in absent.items():
        console.print(f"{name} is not installed: {how}", style="yellow")
    console.print(
        f"[dim]{machine()}; {', '.join(f'{name} {what}' for name, what in versions().items())}[/dim]"
    )


def _describe(figures: list[Figures], absent: dict[str, str], viewers: int) -> dict[str, object]:
    best = min(figures[1:], key=lambda one: one.micros, default=figures[0])
    return {
        "name": "peers",
        "value": round(figures[0].micros, 3),
        "unit": "µs of CPU per delivered frame",
        "baseline": round(best.micros, 3),
        "baseline_is": f"the best peer, {best.name}",
        "ratio": round(figures[0].micros / best.micros, 3),
        "target": "reported",
        "ok": True,
        "details": {
            "viewers": viewers,
            "peers": {one.name: round(one.micros, 3) for one in figures},
            "absent": absent,
            "versions": versions(),
        },
    }


if __name__ == "__main__":
    main()
