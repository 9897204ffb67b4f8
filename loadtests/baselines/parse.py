"""Bare decoding: client frames through websockets' sans-I/O parser, one at a time, and nothing else.

Prints 0, as it has no port. A line ``count payload`` on its input makes it parse so many frames of that
payload, spread over many connections; it answers with the seconds of CPU that this took.
"""

from __future__ import annotations

import sys
import time

from websockets.frames import Frame
from websockets.protocol import State
from websockets.server import ServerProtocol

from loadtests.framing import Opcode, client_frame

CONNECTIONS = 2_000


def main() -> None:
    """Answers until its input ends."""
    print(0, flush=True)
    protocols = [ServerProtocol(state=State.OPEN, max_size=8 * 1024) for _ in range(CONNECTIONS)]
    for order in sys.stdin:
        count, _, payload = order.rstrip("\n").partition(" ")
        frame = client_frame(Opcode.TEXT, payload.encode())
        started = time.process_time()
        parsed = 0
        for number in range(int(count)):
            protocol = protocols[number % CONNECTIONS]
            protocol.receive_data(frame)
            parsed += sum(isinstance(event, Frame) for event in protocol.events_received())
        seconds = time.process_time() - started
        assert parsed == int(count)
        print(seconds, flush=True)


if __name__ == "__main__":
    main()
