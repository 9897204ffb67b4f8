"""``livecommerce sale export | verify``: a draw as a file, and whether it was made as it was promised."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from livecommerce.adapters.redis_address import connect
from livecommerce.adapters.redis_lottery import RedisLottery
from livecommerce.errors import DomainError
from livecommerce.ids import SaleId
from livecommerce.lottery import Draw, faults_of
from livecommerce.settings import BadSetting, Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_sale_commands(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds ``sale`` to the command line."""
    sale = commands.add_parser("sale", help="the draw of a sale")
    actions = sale.add_subparsers(title="actions", required=True, metavar="ACTION")
    export = actions.add_parser("export", help="print a draw that was made, as JSON")
    export.add_argument("sale", metavar="SALE")
    export.set_defaults(run=_export)
    verify = actions.add_parser("verify", help="make a draw again from its export and compare")
    verify.add_argument("file", type=Path, metavar="FILE", help="what 'sale export' printed")
    verify.add_argument(
        "--commit", metavar="HASH", help="the seed's hash as the room showed it at the opening"
    )
    verify.add_argument("--digest", metavar="HASH", help="the entrants' digest as the room showed it")
    verify.set_defaults(run=_verify)


def _export(settings: Settings, options: argparse.Namespace) -> int:
    if not settings.redis_url:
        raise BadSetting("REDIS_URL is not set; see 'Redis' in docs/operations.md")
    try:
        draw = asyncio.run(_find(settings.redis_url, SaleId(options.sale)))
    except DomainError as refusal:
        return _fail(f"{options.sale}: {refusal.code}")
    if draw is None:
        return _fail(f"{options.sale}: nothing was drawn here, or not yet")
    print(msgspec.json.format(msgspec.json.encode(draw), indent=2).decode())
    return 0


async def _find(redis_url: str, sale: SaleId) -> Draw | None:
    redis = connect(redis_url)
    try:
        return await RedisLottery(redis).find(sale)
    finally:
        await redis.aclose()


def _verify(_settings: Settings, options: argparse.Namespace) -> int:
    try:
        draw = msgspec.json.decode(options.file.read_bytes(), type=Draw)
    except (OSError, msgspec.DecodeError) as error:
        return _fail(f"{options.file}: {error}")
    faults = faults_of(draw)
    for name in ("commit", "digest"):
        published = getattr(options, name)
        if published and published.lower() != getattr(draw, name):
            faults.append(f"The {name} is not the one that the room showed.")
    for fault in faults:
        print(f"{options.file}: {fault}", file=sys.stderr)
    if faults:
        return 1
    print(
        f"{options.file}: genuine. {len(draw.entrants)} entered for {draw.units} units, "
        f"{len(draw.winners)} won. Seed, entrants, order and winners belong together."
    )
    return 0


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1
