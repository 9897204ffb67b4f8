"""STUN and TURN servers handed to clients in Link headers (RFC 9725 §4.6)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence

CREDENTIAL_SECONDS = 12 * 3600
"""As long as a show: a relayed connection is refreshed with the credentials it began with."""


class IceServers:
    """The configured servers, one header each: OBS's parser misses lists.

    Credentials for TURN are made anew for each session and expire by themselves: the user name is when, and
    the password its HMAC under the key shared with coturn (`use-auth-secret`).
    """

    def __init__(self, urls: Sequence[str], turn_secret: str, clock: Callable[[], float]) -> None:
        self._urls = urls
        self._turn_secret = turn_secret
        self._clock = clock

    def links(self) -> list[str]:
        """Return the values of the Link headers of a 201."""
        return [f'<{url}>; rel="ice-server"{self._credentials(url)}' for url in self._urls]

    def _credentials(self, url: str) -> str:
        if not self._turn_secret or not url.startswith(("turn:", "turns:")):
            return ""
        username = f"{int(self._clock()) + CREDENTIAL_SECONDS}:media"
        digest = hmac.digest(self._turn_secret.encode(), username.encode(), hashlib.sha1)
        credential = base64.b64encode(digest).decode()
        return f'; username="{username}"; credential="{credential}"; credential-type="password"'
