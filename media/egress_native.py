"""The hot loop in C, built at start where a compiler is at hand."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cffi import FFI  # type: ignore[import-untyped]

from media.egress import MAX_PAYLOAD, ArenaEgress, Egress, kernel_segments
from media.endpoint.addresses import pack_address
from media.endpoint.srtp import CData, Outbound, protect_address
from media.endpoint.stun import Address
from media.errors import MediaError
from media.sink import Leg
from media.track import Packet

logger = logging.getLogger(__name__)

SOURCE = Path(__file__).with_name("egress.c")
BUILD_SECONDS = 60

_ffi = FFI()
_ffi.cdef("""
struct packet { const uint8_t *payload; uint32_t size; uint32_t timestamp; uint32_t sequence;
                uint8_t marker; };
struct destination { void *srtp; uint8_t name[28]; };
struct leg { const struct destination *destination; uint32_t ssrc; uint32_t timestamp_offset;
             uint32_t sequence_offset; uint8_t payload_type; };
struct counts { uint64_t sent; uint64_t dropped; };
void forward(int fd, unsigned name_size, int (*protect)(void *, void *, int *),
             const struct packet *packets, int packet_count,
             struct leg *const *legs, int leg_count, int segment, struct counts *counts);
""")


class CannotBuild(MediaError):
    """There is no compiler here, or it does not take the source."""


def open_egress(udp: socket.socket) -> Egress:
    """Return the native egress, or the one in Python where it cannot be built."""
    try:
        return NativeEgress(udp)
    except CannotBuild as error:
        logger.warning("packets are sent by Python, at about half the viewers a core: %s", error)
        return ArenaEgress(udp)


class NativeEgress:
    """Hands whole bursts to C, where the interpreter's lock is not held."""

    is_native = True

    def __init__(self, udp: socket.socket, *, segments: bool = True) -> None:
        self._socket = udp
        self._library = _build()
        self._name_size = 16 if udp.family == socket.AF_INET else 28
        self._protect = _ffi.cast("int (*)(void *, void *, int *)", protect_address())
        self._counts = _ffi.new("struct counts *")
        self.segments = segments and kernel_segments(udp)

    @property
    def sent(self) -> int:
        """Packets the socket has taken."""
        return int(self._counts.sent)

    @property
    def dropped(self) -> int:
        """Packets it has not."""
        return int(self._counts.dropped)

    def send(self, packets: Sequence[Packet], legs: Sequence[Leg]) -> None:
        """Send `packets` to each of `legs`; nothing leaves unprotected."""
        packets = [packet for packet in packets if len(packet.payload) <= MAX_PAYLOAD]
        octets = sum(len(packet.payload) for packet in packets)
        rows = []
        for leg in legs:
            row = self._row(leg)
            if row is not None:
                rows.append(row)
                leg.packets += len(packets)
                leg.octets += octets
        # `payloads` keeps the bytes in place while C reads them.
        payloads = [_ffi.from_buffer(packet.payload) for packet in packets]
        self._library.forward(
            self._socket.fileno(),
            self._name_size,
            self._protect,
            _ffi.new("struct packet[]", list(map(_packet_fields, packets, payloads))),
            len(packets),
            _ffi.new("struct leg *[]", rows),
            len(rows),
            self.segments,
            self._counts,
        )

    def _row(self, leg: Leg) -> CData:
        """Return the leg as C reads it, made anew when the peer has moved; None where it has no peer."""
        destination = leg.destination
        if destination.outbound is None or destination.address is None:
            return None
        if destination.socket_name is None:
            destination.socket_name = self._lay_out(destination.address, destination.outbound)
        if leg.laid_out is None or leg.laid_out_for is not destination.socket_name:
            leg.laid_out_for = destination.socket_name
            leg.laid_out = _ffi.new("struct leg *", _leg_fields(leg))
        return leg.laid_out

    def _lay_out(self, address: Address, outbound: Outbound) -> CData:
        row = _ffi.new("struct destination *")
        row.srtp = outbound.context
        name = pack_address(address, self._socket.family)
        _ffi.memmove(row.name, name, len(name))
        return row


def _packet_fields(packet: Packet, payload: CData) -> tuple[Any, ...]:
    return (
        payload,
        len(packet.payload),
        packet.timestamp & 0xFFFFFFFF,
        packet.sequence & 0xFFFF,
        packet.marker,
    )


def _leg_fields(leg: Leg) -> tuple[Any, ...]:
    return (
        leg.laid_out_for,
        leg.ssrc,
        leg.timestamp_offset & 0xFFFFFFFF,
        leg.sequence_offset & 0xFFFF,
        leg.payload_type,
    )


def _build() -> Any:
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise CannotBuild("no C compiler was found")
    with TemporaryDirectory() as folder:
        library = str(Path(folder) / "egress.so")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", library, str(SOURCE)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=BUILD_SECONDS)  # noqa: S603 - our own source
            return _ffi.dlopen(library)
        except (OSError, subprocess.SubprocessError) as error:
            raise CannotBuild(f"{compiler} cannot build {SOURCE.name}") from error
