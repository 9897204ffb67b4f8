"""``python -m loadtests.peers.media``: a stream forwarded by our media process, and by what one might pick.

Each server has a core to itself in turn; the same publisher and sink (``loadtests/bench/audience.py``) share
the other: 2.5 Mbit/s of H264 and a sound, by SRTP with AES-GCM to each viewer. The last line is one JSON
object; a peer that is not measured is named, with the reason.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import dataclass
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from loadtests.bench.audience import Audience
from loadtests.bench.forward import SETTLING_SECONDS, Round, watch
from loadtests.bench.media_process import GENERATOR_CORE, media_process, pin
from loadtests.machine import machine

console = Console(highlight=False)

ABSENT = {
    "janus": "Debian's 1.1.2 offers no loopback address, takes no viewer's offer (WHEP), and elsewhere "
    "answers none of this client's connectivity checks"
}
"""Why a peer that comes to mind is not measured."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that takes WHIP and WHEP."""

    name: str
    settings: str
    """What was chosen for it, for the reader to judge whether it is fair."""
    module: str


PEERS = (
    Peer("livecommerce media", "as in production; one UDP socket, native egress where it compiles", "media"),
    Peer(
        "aiortc MediaRelay",
        "uvloop, a connection for each viewer, frames handed through without decoding and encoding",
        "loadtests.peers.aiortc_relay",
    ),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """One server's rounds."""

    peer: Peer
    rounds: list[Round]
    delay_ms: float
    """p99, from the publisher's sending to a viewer's receiving."""

    @property
    def micros(self) -> float:
        """CPU per packet and viewer, the median round."""
        return statistics.median(one.cost_seconds for one in self.rounds) * 1e6

    @property
    def delivered(self) -> float:
        """Share of the packets that were due, the median round."""
        return statistics.median(one.delivered for one in self.rounds)

    @property
    def share_of_core(self) -> float:
        """How busy it was, the median round."""
        return statistics.median(one.share_of_core for one in self.rounds)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    figures = [_measure(peer, options.viewers, options.seconds, options.rounds) for peer in PEERS]
    _show(figures)
    print(json.dumps(_describe(figures, options.viewers)))


def _measure(peer: Peer, viewers: int, seconds: float, rounds: int) -> Figures:
    console.print(f"[bold]{peer.name}[/bold]")
    with media_process(peer.module) as server:
        pin(0, GENERATOR_CORE)
        audience = Audience(server)
        try:
            audience.publish()
            audience.join(viewers)
            audience.run(SETTLING_SECONDS)
            done = watch(server, audience, viewers, seconds, rounds)
        finally:
            audience.close()
    return Figures(peer, done, statistics.quantiles(audience.delays, n=100)[98] * 1000)


def _show(figures: list[Figures]) -> None:
    table = Table(title="The same stream elsewhere", title_justify="left")
    for heading in (
        "server",
        "µs of CPU per packet and viewer",
        "beside ours",
        "of a core",
        "arrived",
        "p99",
    ):
        table.add_column(heading)
    for one in figures:
        ratio = f"{one.micros / figures[0].micros:.1f}"
        table.add_row(
            one.peer.name,
            f"{one.micros:.1f}",
            ratio,
            f"{one.share_of_core:.0%}",
            f"{one.delivered:.1%}",
            f"{one.delay_ms:.0f} ms",
        )
    console.print(table)
    for one in figures:
        console.print(f"  [dim]{one.peer.name}: {one.peer.settings}[/dim]")
    for name, why in ABSENT.items():
        console.print(f"{name} is not measured: {why}", style="yellow")
    console.print(
        f"[dim]{machine()}; {', '.join(f'{name} {what}' for name, what in _versions().items())}[/dim]"
    )


def _describe(figures: list[Figures], viewers: int) -> dict[str, object]:
    ours, best = figures[0], min(figures[1:], key=lambda one: one.micros)
    return {
        "name": "peers-media",
        "value": round(ours.micros, 3),
        "unit": "µs of CPU per packet and viewer",
        "baseline": round(best.micros, 3),
        "baseline_is": f"the best peer, {best.peer.name}",
        "ratio": round(ours.micros / best.micros, 3),
        "target": "reported",
        "ok": True,
        "details": {
            "viewers": viewers,
            "peers": {one.peer.name: round(one.micros, 3) for one in figures},
            "delivered": {one.peer.name: round(one.delivered, 3) for one in figures},
            "absent": ABSENT,
            "versions": _versions(),
        },
    }


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("aiortc", "pylibsrtp", "uvloop")}


if __name__ == "__main__":
    main()
