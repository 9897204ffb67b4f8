"""STUN and TURN servers handed to clients in Link headers (RFC 9725 §4.6)."""

from __future__ import annotations

from collections.abc import Sequence


class IceServers:
    """The configured servers, one header each: OBS's parser misses lists."""

    def __init__(self, urls: Sequence[str]) -> None:
        self._urls = urls

    def links(self) -> list[str]:
        """Return the values of the Link headers of a 201."""
        return [f'<{url}>; rel="ice-server"' for url in self._urls]
