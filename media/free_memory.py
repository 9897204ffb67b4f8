"""Giving memory back that handshakes have left behind."""

from __future__ import annotations

from typing import Any

from cffi import FFI  # type: ignore[import-untyped]

_ffi = FFI()
_ffi.cdef("int malloc_trim(size_t pad);")
_libc: Any = _ffi.dlopen(None)
_TRIMS = hasattr(_libc, "malloc_trim")


def return_free_memory() -> None:
    """Return free pages to the system, where the C library can (glibc).

    A handshake takes 22 KB for some seconds; what lives longer comes to lie between such, and would keep
    their pages.
    """
    if _TRIMS:
        _libc.malloc_trim(0)
