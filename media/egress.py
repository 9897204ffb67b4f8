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

_ffi = FFI()
_ffi.cdef("""
struct iovec { void *iov_base; size_t iov_len; };
struct msghdr { void *msg_name; unsigned int msg_namelen; struct iovec *msg_iov; size_t msg_iovlen;
                void *msg_control; size_t msg_controllen; int msg_flags; };
struct mmsghdr { struct msghdr msg_hdr; unsigned int msg_len; };
int sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags);
""")
_libc: Any = _ffi.dlopen(None)


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
    """Builds a burst in one arena, protects it in place and hands it over with `sendmmsg`."""

    is_native = False

    def __init__(self, udp: socket.socket) -> None:
        self.sent = 0
        self.dropped = 0
        self._socket = udp
        self._poll = select.poll()
        self._poll.register(udp, select.POLLOUT)
        self._arena = _ffi.new("unsigned char[]", SLOTS * SLOT_SIZE)
        self._bytes = memoryview(_ffi.buffer(self._arena))
        self._slots = [self._arena + SLOT_SIZE * slot for slot in range(SLOTS)]
        self._length = _ffi.new("int *")
        self._vectors = _ffi.new("struct iovec[]", SLOTS)
        self._messages = _ffi.new("struct mmsghdr[]", SLOTS)
        self._headers = [self._messages[slot].msg_hdr for slot in range(SLOTS)]
        self._name_size = 16 if udp.family == socket.AF_INET else 28
        self._filled = 0
        for slot in range(SLOTS):
            self._vectors[slot].iov_base = self._slots[slot]
            self._headers[slot].msg_iov = self._vectors + slot
            self._headers[slot].msg_iovlen = 1
            self._headers[slot].msg_namelen = self._name_size

    def send(self, packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        """Send `packets` to each of `legs`; nothing leaves unprotected."""
        packets = [packet for packet in packets if len(packet.payload) <= MAX_PAYLOAD]
        for leg in legs:
            destination = leg.destination
            if destination.outbound is None or destination.address is None:
                continue
            if destination.socket_name is None:
                packed = pack_address(destination.address, self._socket.family)
                destination.socket_name = _ffi.new("unsigned char[]", packed)
            self._fill(packets, leg, destination.outbound.context, destination.socket_name)
        self._flush()

    def _fill(self, packets: Sequence[Packet], leg: Leg, context: CData, name: CData) -> None:
        length = self._length
        for packet in packets:
            if self._filled == SLOTS:
                self._flush()
            slot = self._filled
            at = slot * SLOT_SIZE
            payload = packet.payload
            size = HEADER_SIZE + len(payload)
            HEADER.pack_into(
                self._bytes,
                at,
                VERSION_2,
                leg.payload_type | MARKER if packet.marker else leg.payload_type,
                packet.sequence + leg.sequence_offset & 0xFFFF,
                packet.timestamp + leg.timestamp_offset & 0xFFFFFFFF,
                leg.ssrc,
            )
            self._bytes[at + HEADER_SIZE : at + size] = payload
            length[0] = size
            if protect_in_place(context, self._slots[slot], length):
                self.dropped += 1
                continue
            self._vectors[slot].iov_len = length[0]
            self._headers[slot].msg_name = name
            self._filled = slot + 1
            leg.octets += len(payload)
        leg.packets += len(packets)

    def _flush(self) -> None:
        at, end = 0, self._filled
        self._filled = 0
        while at < end:
            taken = _libc.sendmmsg(self._socket.fileno(), self._messages + at, end - at, 0)
            if taken > 0:
                at += taken
                self.sent += taken
            elif not self._poll.poll(FULL_BUFFER_WAIT_MS):
                self.dropped += end - at
                return
            else:
                # Writable and refused all the same: this one address cannot be reached.
                at += 1
                self.dropped += 1
