"""Many UDP endpoints on few sockets: one loopback address each, batched reading.

A thousand reading sockets cost the generator more than the server under test; a wildcard socket
receives for every address of 127.0.0.0/8, and `IP_PKTINFO` chooses the one to send from.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

from cffi import FFI  # type: ignore[import-untyped]

BATCH = 256
SLOT_SIZE = 2048
NAME_SIZE = 16
CONTROL_SIZE = 64
IP_PKTINFO = 8
SO_RCVBUFFORCE = 33

_ffi = FFI()
_ffi.cdef("""
struct iovec { void *iov_base; size_t iov_len; };
struct msghdr { void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                void *msg_control; size_t msg_controllen; int msg_flags; };
struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, void *timeout);
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
""")
_libc = _ffi.dlopen(None)

Datagram = tuple[int, memoryview]


class Wire:
    """Sends from and receives for the addresses 127.1.0.1, 127.1.0.2, … under one port."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # The plain option stops at the system's limit; root may go beyond.
        with contextlib.suppress(OSError):
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        self._socket.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self._socket.setblocking(False)
        self._socket.bind(("0.0.0.0", 0))  # noqa: S104 - stands for all of 127.0.0.0/8
        self.port: int = self._socket.getsockname()[1]
        self.received = 0
        self._slots = _ffi.new("unsigned char[]", BATCH * SLOT_SIZE)
        self._controls = _ffi.new("unsigned char[]", BATCH * CONTROL_SIZE)
        self._bytes = memoryview(_ffi.buffer(self._slots))
        self._control_bytes = memoryview(_ffi.buffer(self._controls))
        self._vectors = _ffi.new("struct iovec[]", BATCH)
        self._messages = _ffi.new("struct mmsghdr[]", BATCH)
        for slot in range(BATCH):
            self._vectors[slot].iov_base = self._slots + slot * SLOT_SIZE
            self._vectors[slot].iov_len = SLOT_SIZE
            header = self._messages[slot].msg_hdr
            header.msg_iov, header.msg_iovlen = self._vectors + slot, 1
            header.msg_control = self._controls + slot * CONTROL_SIZE
            header.msg_controllen = CONTROL_SIZE

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def send(self, endpoint: int, data: bytes, port: int) -> None:
        """Send a datagram to the server from the address of `endpoint`."""
        control = struct.pack("=I4s4s", 0, _address(endpoint), bytes(4))
        self._socket.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, control)], 0, ("127.0.0.1", port))

    def receive(self) -> Iterator[Datagram]:
        """Yield what has arrived, with the endpoint it was for; views are good until the next batch."""
        while True:
            count = _libc.recvmmsg(self.fileno(), self._messages, BATCH, 0, _ffi.NULL)
            if count <= 0:
                return
            self.received += count
            for slot in range(count):
                start = slot * SLOT_SIZE
                control = slot * CONTROL_SIZE
                low = self._control_bytes[control + 26] << 8 | self._control_bytes[control + 27]
                self._messages[slot].msg_hdr.msg_controllen = CONTROL_SIZE
                yield low, self._bytes[start : start + self._messages[slot].msg_len]


class BareBurst:
    """Datagrams laid out beforehand and sent with `sendmmsg` alone: what no forwarder can beat."""

    def __init__(self, payload: bytes, port: int, endpoints: int, packets: int) -> None:
        self.total = endpoints * packets
        self._payload = _ffi.new("unsigned char[]", payload)
        self._vector = _ffi.new("struct iovec[]", [{"iov_base": self._payload, "iov_len": len(payload)}])
        self._names = [
            _ffi.new("unsigned char[]", _socket_name(endpoint, port)) for endpoint in range(1, endpoints + 1)
        ]
        self._messages = _ffi.new("struct mmsghdr[]", self.total)
        for index in range(self.total):
            header = self._messages[index].msg_hdr
            header.msg_name, header.msg_namelen = self._names[index // packets], NAME_SIZE
            header.msg_iov, header.msg_iovlen = self._vector, 1

    def send(self, sender: socket.socket) -> None:
        """Send every datagram, as many to a call as the forwarder does."""
        sent = 0
        while sent < self.total:
            sent += max(
                0, _libc.sendmmsg(sender.fileno(), self._messages + sent, min(512, self.total - sent), 0)
            )


def _socket_name(endpoint: int, port: int) -> bytes:
    return struct.pack("=H", socket.AF_INET) + struct.pack("!H", port) + _address(endpoint) + bytes(8)


def _address(endpoint: int) -> bytes:
    return bytes([127, 1, endpoint >> 8, endpoint & 0xFF])
