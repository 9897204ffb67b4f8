"""What is healthy and what is not, of values that were found out elsewhere."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from livecommerce.doctor.finding import Finding, warning, well, wrong
from livecommerce.settings import Settings

MIN_SECRET = 32
GIB = 1024**3
FULL_BYTES, NEARLY_FULL_BYTES = GIB, 5 * GIB
OFF_MS, FAR_OFF_MS = 1_000, 30_000
"""Tokens and holds bear small differences; at half a minute what was just made can be over."""


def judge_settings(settings: Settings) -> Iterator[Finding]:
    """Whether the environment is fit for visitors from elsewhere."""
    if len(settings.token_secret) < MIN_SECRET:
        yield wrong(
            "settings",
            f"TOKEN_SECRET has fewer than {MIN_SECRET} characters, so gateway and worker refuse to start.",
            "Set TOKEN_SECRET to the output of: openssl rand -base64 32",
        )
    at_home = is_this_machine(host_of(settings.public_url))
    if settings.demo and not at_home:
        yield wrong(
            "settings",
            "The demo's one-click sign-in is on at a public address: anybody may become the operator.",
            "Unset DEMO, and start without --demo.",
        )
    if settings.serves_sandbox and not at_home:
        yield warning(
            "settings",
            "Buyers pay at the built-in sandbox: no money moves.",
            "Set the WECHAT_ variables or PAYMENT_URL before you sell.",
        )


def judge_address(settings: Settings) -> Finding:
    """Whether browsers give pages of this address camera and microphone, and let them reach the media."""
    url, media = urlsplit(settings.public_url), urlsplit(settings.media_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        return wrong(
            "address",
            f"BASE_URL is {settings.public_url}, which is no address of a website.",
            "Set BASE_URL like https://live.example.com",
        )
    if url.scheme == "http" and not is_this_machine(url.hostname):
        return wrong(
            "address",
            f"{settings.public_url} is not encrypted: browsers give a page there no camera.",
            "Put a proxy with a certificate in front, and set BASE_URL to its https:// address.",
        )
    if url.scheme == "https" and media.scheme == "http":
        return wrong(
            "address",
            f"Pages at {settings.public_url} may not call {settings.media_url}, which is not encrypted.",
            "Give the media server an https:// address too, and set MEDIA_URL to it.",
        )
    return well("address", f"Browsers give pages at {settings.public_url} camera and microphone.")


def judge_advertised(addresses: list[str], settings: Settings) -> Finding | None:
    """Whether visitors from elsewhere are told an address that is not their own machine."""
    at_home = is_this_machine(host_of(settings.public_url))
    if at_home or not all(is_this_machine(address) for address in addresses):
        return None
    return wrong(
        "picture",
        f"Browsers are told to send pictures to {', '.join(addresses)}, which is their own machine.",
        "Set MEDIA_ADVERTISE to this server's public IP address.",
    )


def judge_space(folder: str, free_bytes: int) -> Finding:
    """Whether Valkey, SQL and logs have room to write."""
    says = f"{free_bytes / GIB:.1f} GiB are free in {folder}."
    do = "Make room, or move DATA_DIR to a larger disk: a full one stops all sales."
    if free_bytes < FULL_BYTES:
        return wrong("disk", says, do)
    return warning("disk", says, do) if free_bytes < NEARLY_FULL_BYTES else well("disk", says)


def judge_clock(off_ms: int) -> Finding:
    """Whether this machine's clock agrees with the one that decides when sales open."""
    side = "ahead of" if off_ms > 0 else "behind"
    says = f"This machine's clock is {abs(off_ms) / 1000:.1f} s {side} Valkey's."
    do = "Let both machines set their clocks by NTP (timedatectl set-ntp true)."
    if abs(off_ms) >= FAR_OFF_MS:
        return wrong("clock", says, do)
    if abs(off_ms) >= OFF_MS:
        return warning("clock", says, do)
    return well("clock", "This machine's clock agrees with Valkey's.")


def judge_egress(metrics: str, part: str) -> Finding:
    """Whether the media process sends by compiled code, from its metrics."""
    if "\nmedia_egress_native 1" in metrics:
        return well(part, "Packets are sent by compiled code.")
    return warning(
        part,
        "Packets are sent by Python: about half the viewers a core.",
        "Install a C compiler (apt-get install gcc) and start the media processes again.",
    )


def judge_engine(settings: Settings) -> Finding:
    """Another engine is left to its own tools."""
    where = host_of(settings.media_url)
    return well(
        "picture", f"Pictures go through another engine, at {where} (MEDIA_URL); try it with its own tools."
    )


def host_of(url: str) -> str:
    """The host of an address, or nothing."""
    return urlsplit(url).hostname or ""


def is_this_machine(host: str) -> bool:
    """Whether a host name or address only means the machine that uses it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
