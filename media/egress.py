"""The hot loop: the same packets, rewritten and protected for many viewers, sent in few calls."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from typing import Any, Protocol

from cffi import FFI  # type: ignore[import-untyped]

from media.endpoint.addresses import pack_address
from media.endpoint.srtp import CData, protect_in_place
from media.rtp import HEADER, HEADER_SIZE, MARKER, VERSION_2
from media.sink import Leg
from media.track import Packet

SLOTS = 512
SLOT_SIZE = 1536
#: A slot has room for header, SRTP trailer and RTX number besides; larger ones are not opened either.
MAX_PAYLOAD = SLOT_SIZE - 64
FULL_BUFFER_WAIT_MS = 5
MAX_SEGMENTS, MAX_MESSAGE = 48, 60_000
SOL_UDP, UDP_SEGMENT = 17, 103

_ffi = FFI()
_ffi.cdef("""
struct iovec { void *iov_base; size_t iov_len; };
struct msghdr { void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                void *msg_control; size_t msg_controllen; int msg_flags; };
struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
struct segment { size_t cmsg_len; int cmsg_level; int cmsg_type; uint16_t size; uint8_t padding[6]; };
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
""")
_libc: Any = _ffi.dlopen(None)
SEGMENT_SIZE = _ffi.sizeof("struct segment")


class Egress(Protocol):
    """Sends every packet to every leg whose destination is known, in order, rewritten by the leg."""

    @property
    def is_native(self) -> bool:
        """Whether the hot loop is compiled."""

    @property
    def sent(self) -> int:
        """Packets the socket has taken."""

    @property
    def dropped(self) -> int:
        """Packets it has not."""

    def send(self, packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        """Send now; what the socket does not take within some milliseconds is dropped and counted."""


class ArenaEgress:
    """Builds a burst in one arena, protects it in place and hands it over with `sendmmsg`.

    Packets of one leg that follow each other and have the same size, but for the last, which may be
    smaller, are one message: the kernel cuts it (UDP_SEGMENT). Where it does not know how, each is one.
    """

    is_native = False

    def __init__(self, udp: socket.socket, *, segments: bool = True) -> None:
        self.sent = 0
        self.dropped = 0
        self.segments = segments and kernel_segments(udp)
        self._socket = udp
        self._poll = select.poll()
        self._poll.register(udp, select.POLLOUT)
        self._arena = _ffi.new("unsigned char[]", SLOTS * SLOT_SIZE)
        self._bytes = memoryview(_ffi.buffer(self._arena))
        self._slots = [self._arena + SLOT_SIZE * slot for slot in range(SLOTS)]
        self._length = _ffi.new("int *")
        self._vectors = _ffi.new("struct iovec[]", SLOTS)
        self._rows = [self._vectors + slot for slot in range(SLOTS)]
        self._messages = _ffi.new("struct mmsghdr[]", SLOTS)
        self._headers = [self._messages[slot].msg_hdr for slot in range(SLOTS)]
        self._segments = _ffi.new("struct segment[]", SLOTS)
        self._filled = 0
        self._laid_out: list[int] = []
        """Packets of each message that is ready."""
        for slot in range(SLOTS):
            self._vectors[slot].iov_base = self._slots[slot]
            self._headers[slot].msg_namelen = 16 if udp.family == socket.AF_INET else 28
            self._headers[slot].msg_control = self._segments + slot
            self._segments[slot].cmsg_len = _ffi.offsetof("struct segment", "size") + 2
            self._segments[slot].cmsg_level, self._segments[slot].cmsg_type = SOL_UDP, UDP_SEGMENT

    def send(self, packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        """Send `packets` to each of `legs`; nothing leaves unprotected."""
        packets = [packet for packet in packets if len(packet.payload) <= MAX_PAYLOAD]
        runs = _runs(packets) if self.segments else [[packet] for packet in packets]
        octets = sum(len(packet.payload) for packet in packets)
        for leg in legs:
            destination = leg.destination
            if destination.outbound is None or destination.address is None:
                continue
            if destination.socket_name is None:
                packed = pack_address(destination.address, self._socket.family)
                destination.socket_name = _ffi.new("unsigned char[]", packed)
            for run in runs:
                self._add(run, leg, destination.outbound.context, destination.socket_name)
            leg.packets += len(packets)
            leg.octets += octets
        self._flush()

    def _add(self, run: Sequence[Packet], leg: Leg, context: CData, name: CData) -> None:
        """Lay packets out as one message."""
        if self._filled + len(run) > SLOTS:
            self._flush()
        first, message = self._filled, len(self._laid_out)
        count = self._fill(run, leg, context)
        if count == 0:
            return
        header = self._headers[message]
        header.msg_name = name
        header.msg_iov = self._rows[first]
        header.msg_iovlen = count
        header.msg_controllen = SEGMENT_SIZE if count > 1 else 0
        self._segments[message].size = self._vectors[first].iov_len
        self._laid_out.append(count)

    def _fill(self, run: Sequence[Packet], leg: Leg, context: CData) -> int:
        """Put protected packets into the next slots, and return how many could be protected."""
        # Local names, for this runs a hundred thousand times a second.
        arena, length, pack_into = self._bytes, self._length, HEADER.pack_into
        plain, marked, ssrc = leg.payload_type, leg.payload_type | MARKER, leg.ssrc
        later, further = leg.timestamp_offset, leg.sequence_offset
        slot = first = self._filled
        for packet in run:
            at, payload = slot * SLOT_SIZE, packet.payload
            length[0] = size = HEADER_SIZE + len(payload)
            pack_into(
                arena,
                at,
                VERSION_2,
                marked if packet.marker else plain,
                packet.sequence + further & 0xFFFF,
                packet.timestamp + later & 0xFFFFFFFF,
                ssrc,
            )
            arena[at + HEADER_SIZE : at + size] = payload
            if protect_in_place(context, self._slots[slot], length):
                self.dropped += 1
                continue
            self._vectors[slot].iov_len = length[0]
            slot += 1
        self._filled = slot
        return slot - first

    def _flush(self) -> None:
        counts, self._laid_out, self._filled = self._laid_out, [], 0
        at = 0
        while at < len(counts):
            taken = _libc.sendmmsg(self._socket.fileno(), self._messages + at, len(counts) - at, 0)
            if taken > 0:
                self.sent += sum(counts[at : at + taken])
                at += taken
            elif not self._poll.poll(FULL_BUFFER_WAIT_MS):
                self.dropped += sum(counts[at:])
                return
            else:
                # Writable and refused all the same: this one address cannot be reached.
                self.dropped += counts[at]
                at += 1


def kernel_segments(udp: socket.socket) -> bool:
    """Tell whether the kernel cuts one message into many datagrams of a size (Linux 4.18 on)."""
    try:
        udp.getsockopt(SOL_UDP, UDP_SEGMENT)
    except OSError:
        return False
    return True


def _runs(packets: Sequence[Packet]) -> list[list[Packet]]:
    """Cut a burst into what can be one message each."""
    runs: list[list[Packet]] = []
    limit = 0
    for packet in packets:
        size = len(packet.payload)
        run = runs[-1] if runs else []
        if run and len(run) < limit and len(run[-1].payload) == len(run[0].payload) >= size:
            run.append(packet)
        else:
            runs.append([packet])
            limit = min(MAX_SEGMENTS, MAX_MESSAGE // (size + SLOT_SIZE - MAX_PAYLOAD))
    return runs
