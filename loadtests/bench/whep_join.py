"""CPU of a full WHEP join (HTTP, SDP, STUN, DTLS) beside a bare DTLS handshake.

Run as `python -m loadtests.bench.whep_join [--joins 300] [--rounds 3]`. The publisher is nearly
silent meanwhile, and viewers who have joined are too, so that joining is what the server does; they come
sixteen at a time, as to a show that begins. What timers take while nobody joins is measured first and
taken off.
"""

from __future__ import annotations

import argparse
import statistics
import time

from OpenSSL import SSL

from loadtests.bench.audience import Audience
from loadtests.bench.media_process import GENERATOR_CORE, media_process, pin
from loadtests.bench.result import Result
from loadtests.bench.webrtc import Identity, datagrams

TARGET_RATIO, TARGET_JOINS_PER_SECOND = 3.5, 450
IDLE_SECONDS = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--joins", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    _measure(arguments.joins, arguments.rounds).print()


def _measure(joins: int, rounds: int) -> Result:
    costs, rates, baselines = [], [], []
    for number in range(rounds):
        baselines.append(_bare_handshake())
        with media_process() as server:
            pin(0, GENERATOR_CORE)
            audience = Audience(server)
            audience.publish(nearly_silent=True)
            cpu = server.cpu_seconds()
            audience.run(IDLE_SECONDS)
            idle_share = (server.cpu_seconds() - cpu) / IDLE_SECONDS
            cpu, at = server.cpu_seconds(), time.monotonic()
            audience.crowd_in(joins)
            seconds = time.monotonic() - at
            costs.append((server.cpu_seconds() - cpu - idle_share * seconds) / joins)
            rates.append(joins / seconds)
            audience.close()
        joined, shaken = costs[-1] * 1000, baselines[-1] * 1000
        print(f"round {number + 1}: {joined:.2f} ms of CPU a join, {shaken:.2f} ms a bare handshake")
    baseline = statistics.median(baselines)
    cost = statistics.median(costs)
    ratio = cost / baseline
    per_second = 1 / cost
    return Result(
        name="whep-join",
        value=round(cost * 1000, 3),
        unit="ms of CPU per join",
        baseline=round(baseline * 1000, 3),
        baseline_is="the server's half of a bare DTLS handshake by pyOpenSSL",
        ratio=round(ratio, 2),
        target=f"ratio <= {TARGET_RATIO}, >= {TARGET_JOINS_PER_SECOND} joins a second and core",
        ok=ratio <= TARGET_RATIO and per_second >= TARGET_JOINS_PER_SECOND,
        details={
            "joins_per_second_and_core": round(per_second),
            "joins_per_second_seen": round(statistics.median(rates)),
            "generator_is_the_limit": statistics.median(rates) < per_second * 0.8,
        },
    )


def _bare_handshake(rounds: int = 100) -> float:
    """Return the median CPU seconds of the server's calls alone."""
    identity = Identity()
    costs = []
    for _ in range(rounds):
        client, server = SSL.Connection(identity.context, None), SSL.Connection(identity.context, None)
        client.set_connect_state()
        spent = -time.process_time()
        server.set_accept_state()
        spent += time.process_time()
        is_done = False
        while not is_done:
            _step(client)
            _move(client, server)
            spent -= time.process_time()
            is_done = _step(server)
            spent += time.process_time()
            _move(server, client)
        costs.append(spent)
    return statistics.median(costs)


def _step(connection: SSL.Connection) -> bool:
    try:
        connection.do_handshake()
    except SSL.WantReadError:
        return False
    return True


def _move(source: SSL.Connection, target: SSL.Connection) -> None:
    try:
        data = source.bio_read(65536)
    except SSL.WantReadError:
        return
    for datagram in datagrams(data):
        target.bio_write(datagram)


if __name__ == "__main__":
    main()
