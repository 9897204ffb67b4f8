"""Looking at the media processes: their HTTP, and each advertised address over UDP and TCP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import httpx

from livecommerce.clock import now_ms
from livecommerce.doctor import rules
from livecommerce.doctor.finding import Finding, warning, well, wrong
from livecommerce.doctor.place import Place
from livecommerce.doctor.trial import Candidate, Trial, answers, end_trial, open_trial
from livecommerce.gateway.auth import Tokens
from livecommerce.settings import Settings

HTTP_SECONDS = 10.0
BUSY = (429, 503)


async def look_at_media(place: Place) -> Iterable[Finding]:
    """Every process; another engine is left to its own tools."""
    if place.settings.has_engine:
        return [rules.judge_engine(place.settings)]
    async with httpx.AsyncClient(trust_env=False, timeout=HTTP_SECONDS) as http:
        found = [await _look_at(http, url, place.settings) for url in place.media_urls]
    return [finding for one in found for finding in one]


async def _look_at(http: httpx.AsyncClient, url: str, settings: Settings) -> list[Finding]:
    token = Tokens(settings.token_secret, now_ms).mint_subscribe("doctor", "doctor", is_guest=False)
    try:
        metrics = await http.get(f"{url}/metrics")
        metrics.raise_for_status()
        trial = await open_trial(http, url, token)
    except httpx.HTTPStatusError as error:
        return [judge_refusal(url, error.response.status_code)]
    except (httpx.HTTPError, ValueError) as error:
        says = f"No media process answers at {url} ({str(error) or type(error).__name__})."
        return [wrong("media", says, "Start it, and check MEDIA_PORT, MEDIA_URL and MEDIA_CONTROL_URL.")]
    try:
        lines = await _try_lines(trial)
    finally:
        await end_trial(http, trial)
    advertised = rules.judge_advertised([line.address for line in trial.candidates], settings)
    return [
        well("media", f"A media process answers at {url}."),
        rules.judge_egress(metrics.text, "media"),
        *([advertised] if advertised else []),
        *lines,
    ]


def judge_refusal(url: str, status: int) -> Finding:
    """What it means that a media process does not let itself be tried."""
    if status in BUSY:
        says = f"The media process at {url} has no room for a trial now ({status})."
        return warning("media", says, "It is there, and busy: ask again in a minute, and see its /metrics.")
    if status in (401, 403):
        says, do = "does not know our signature", "Give it the same TOKEN_SECRET as the gateway."
    elif status == 404:
        says, do = "is none of ours, or of an older release (404)", "Check MEDIA_URL and MEDIA_CONTROL_URL."
    else:
        says, do = f"answered {status}", "See its log; is it of this release?"
    return wrong("media", f"The media process at {url} {says}.", do)


async def _try_lines(trial: Trial) -> list[Finding]:
    tried = await asyncio.gather(*(answers(trial, line) for line in trial.candidates))
    found = [judge_line(line, answered) for line, answered in zip(trial.candidates, tried, strict=True)]
    if not any(line.carrier == "tcp" for line in trial.candidates):
        says = "Pictures travel by UDP alone: viewers in networks that block it see none."
        found.append(warning("picture", says, "Leave MEDIA_ICE_TCP at 1."))
    return found


def judge_line(line: Candidate, answered: bool) -> Finding:
    """What it means that an advertised address answered over its carrier, or did not."""
    where = f"{line.address} port {line.port} over {line.carrier.upper()}"
    if answered:
        return well("picture", f"The media server answers at {where}.")
    do = (
        f"Open {line.carrier.upper()} port {line.port} in the firewall, and check MEDIA_ADVERTISE. "
        "A router may also refuse its own public address from inside: then run this elsewhere, or use "
        "'Check connection' in the studio."
    )
    if line.carrier == "udp":
        return wrong("picture", f"Nothing answers at {where}: pictures would stutter or not come.", do)
    return warning("picture", f"Nothing answers at {where}: networks without UDP get no picture.", do)
