"""STUN and TURN servers as pages are given them, with credentials that expire by themselves."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Sequence

from livecommerce.clock import Clock

CREDENTIAL_SECONDS = 12 * 3600


class IceServers:
    """``RTCIceServer`` objects of the configured addresses; TURN by coturn's shared secret (REST API)."""

    def __init__(self, urls: str, turn_secret: str, clock: Clock) -> None:
        self._urls = [url.strip() for url in urls.split(",") if url.strip()]
        self._turn_secret = turn_secret
        self._clock = clock

    def describe(self) -> Sequence[dict[str, str]]:
        """For a page that is about to connect."""
        return [{"urls": url, **self._credentials(url)} for url in self._urls]

    def _credentials(self, url: str) -> dict[str, str]:
        if not self._turn_secret or not url.startswith(("turn:", "turns:")):
            return {}
        username = f"{self._clock() // 1000 + CREDENTIAL_SECONDS}:page"
        digest = hmac.digest(self._turn_secret.encode(), username.encode(), hashlib.sha1)
        return {"username": username, "credential": b64encode(digest).decode()}
