"""The command line: ``livecommerce up | gateway | worker | …``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import uvloop

from livecommerce import __version__, logs, up
from livecommerce.app.gateway import gateway_routes, run_gateway
from livecommerce.app.worker import run_worker
from livecommerce.catalog_cli import add_catalog_commands
from livecommerce.doctor_cli import add_doctor_command
from livecommerce.gateway import asyncapi, openapi
from livecommerce.ledger_cli import add_ledger_commands
from livecommerce.person_cli import add_person_commands
from livecommerce.rates_file import BadRates
from livecommerce.sale_cli import add_sale_commands
from livecommerce.settings import BadSetting, Settings, read_settings

MIN_SECRET = 32


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ)
        logs.configure(settings.log_format, settings.log_level)
        result: int = options.run(settings, options)
    except (BadSetting, BadRates, up.CannotStart) as error:
        print(f"livecommerce: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="livecommerce", description="A live-stream commerce server.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    everything = commands.add_parser("up", help="run everything on this machine")
    everything.add_argument("--demo", action="store_true", help="with a seeded show and one-click sign-in")
    everything.add_argument("--workers", type=_count, metavar="N", help="gateway processes on one port")
    everything.set_defaults(run=_up)
    gateway = commands.add_parser("gateway", help="run one gateway")
    gateway.set_defaults(run=lambda settings, _: _serve(run_gateway, settings))
    worker = commands.add_parser("worker", help="run one worker")
    worker.set_defaults(run=lambda settings, _: _serve(run_worker, settings))
    add_catalog_commands(commands)
    add_doctor_command(commands)
    add_ledger_commands(commands)
    add_person_commands(commands)
    add_sale_commands(commands)
    described = commands.add_parser("asyncapi", help="print the socket's AsyncAPI document")
    described.set_defaults(run=_asyncapi)
    api = commands.add_parser("openapi", help="print the HTTP API's OpenAPI document")
    api.set_defaults(run=_openapi)
    return parser


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise argparse.ArgumentTypeError("at least one is needed")
    return count


def _asyncapi(_settings: Settings, _options: argparse.Namespace) -> int:
    print(asyncapi.render(), end="")
    return 0


def _openapi(_settings: Settings, _options: argparse.Namespace) -> int:
    print(openapi.render(uvloop.run(gateway_routes())), end="")
    return 0


def _up(settings: Settings, options: argparse.Namespace) -> int:
    return up.run(settings, demo=options.demo or settings.demo, workers=options.workers or settings.workers)


def _serve(run: Callable[[Settings], Coroutine[Any, Any, None]], settings: Settings) -> int:
    if not settings.redis_url:
        raise BadSetting("REDIS_URL is not set; 'livecommerce up' starts a server of its own")
    if len(settings.token_secret) < MIN_SECRET:
        raise BadSetting(f"TOKEN_SECRET must have at least {MIN_SECRET} characters")
    uvloop.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
