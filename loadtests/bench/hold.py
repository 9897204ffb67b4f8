"""Valkey's CPU per hold through the real function, beside `DECR` pipelined alike, and what durability costs.

Run as `python -m loadtests.bench.hold [--holds 20000] [--rounds 5]`.
"""

from __future__ import annotations

import argparse
from statistics import median

from loadtests.bench.media_process import GENERATOR_CORE, pin
from loadtests.bench.result import Result
from loadtests.bench.valkey import Run, Valkey, command, holds, valkey

TARGET_DURABLE_SHARE = 0.7


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--holds", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    _measure(arguments.holds, arguments.rounds).print()


def _measure(count: int, rounds: int) -> Result:
    pin(0, GENERATOR_CORE)
    held: dict[bool, list[Run]] = {True: [], False: []}
    decremented: dict[bool, list[Run]] = {True: [], False: []}
    with valkey(durable=True) as durable, valkey(durable=False) as volatile:
        written = _written(durable, count)
        for number in range(rounds):
            for server, is_durable in ((durable, True), (volatile, False)):
                held[is_durable].append(_holds(server, f"00SALE{number}", count))
                decremented[is_durable].append(server.run([command("DECR", "counter")] * count))
            print(
                f"round {number + 1}: {held[True][-1].rate:,.0f} holds/s durable, "
                f"{held[False][-1].rate:,.0f} holds/s without"
            )
    cpu, baseline = _cpu(held[True]), _cpu(decremented[True])
    share = median(run.rate for run in held[True]) / median(run.rate for run in held[False])
    return Result(
        name="hold",
        value=round(cpu * 1e6, 2),
        unit="µs of Valkey's CPU per durable hold",
        baseline=round(baseline * 1e6, 2),
        baseline_is="DECR, pipelined alike, as durable",
        ratio=round(cpu / baseline, 2),
        target=f"durable rate >= {TARGET_DURABLE_SHARE} of the rate without fsync",
        ok=share >= TARGET_DURABLE_SHARE,
        details={
            "durable_share": round(share, 3),
            "holds_per_second_durable": round(median(run.rate for run in held[True])),
            "holds_per_second_without": round(median(run.rate for run in held[False])),
            "decr_per_second_durable": round(median(run.rate for run in decremented[True])),
            "decr_per_second_without": round(median(run.rate for run in decremented[False])),
            "cpu_us_without": round(_cpu(held[False]) * 1e6, 2),
            "decr_cpu_us_without": round(_cpu(decremented[False]) * 1e6, 2),
            "server_busy": round(median(run.cpu_seconds / run.seconds for run in held[True]), 2),
            "written_bytes_per_hold": round(written),
            "pipeline": 64,
            "holds": count,
            "rounds": rounds,
        },
    )


def _written(server: Valkey, count: int) -> float:
    """Bytes that one hold adds to the append-only file; these holds also warm the server up."""
    before = server.written_bytes()
    _holds(server, "00WARM", count)
    return (server.written_bytes() - before) / count


def _holds(server: Valkey, sale: str, count: int) -> Run:
    server.open_sale(sale, count)
    return server.run(holds(sale, count), expected=b"ok")


def _cpu(runs: list[Run]) -> float:
    return median(run.cpu for run in runs)


if __name__ == "__main__":
    main()
