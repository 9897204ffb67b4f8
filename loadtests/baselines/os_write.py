"""A bare fan-out: ``os.write`` of one shared frame to every socket, in a loop, and nothing else.

It prints its port and accepts connections for as long as it runs. A line ``count size interval`` on its input
makes it send so many frames of so many payload bytes, one each interval (seconds, 0: one after the other); it
answers with the number of writes that the kernel took whole.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import time

BACKLOG = 4096


def main() -> None:
    """Serves until its input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
    listener.setblocking(False)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    sockets: list[socket.socket] = []
    print(listener.getsockname()[1], flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                _accept(listener, sockets)
                continue
            order = sys.stdin.readline()
            if not order:
                return
            count, size, interval = order.split()
            print(_send(sockets, int(count), int(size), float(interval)), flush=True)


def _accept(listener: socket.socket, sockets: list[socket.socket]) -> None:
    while True:
        try:
            sock, _ = listener.accept()
        except BlockingIOError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets.append(sock)


def _send(sockets: list[socket.socket], count: int, size: int, interval: float) -> int:
    frame = _frame(size)
    descriptors = [sock.fileno() for sock in sockets]
    length, whole, due = len(frame), 0, time.monotonic()
    for _ in range(count):
        whole += _write_all(descriptors, frame, length)
        due += interval
        if (pause := due - time.monotonic()) > 0:
            time.sleep(pause)
    return whole


def _write_all(descriptors: list[int], frame: bytes, length: int) -> int:
    write, whole = os.write, 0
    for descriptor in descriptors:
        try:
            if write(descriptor, frame) == length:
                whole += 1
        except BlockingIOError:
            continue
    return whole


def _frame(size: int) -> bytes:
    if size < 126:
        return bytes((0x81, size)) + b"x" * size
    return bytes((0x81, 126)) + size.to_bytes(2) + b"x" * size


if __name__ == "__main__":
    main()
