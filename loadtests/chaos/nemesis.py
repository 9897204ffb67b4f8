"""Carries out the plan, and tells when it did what."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

import gevent
from redis.exceptions import RedisError

from loadtests.chaos.plan import Blow
from loadtests.chaos.site import Site
from loadtests.evening import Evening
from loadtests.performance import Performance
from loadtests.terminal import say


class Nemesis:
    """Strikes by plan; blows on different targets overlap."""

    def __init__(self, site: Site, blows: Sequence[Blow], performance: Performance, evening: Evening) -> None:
        self._site = site
        self._blows = blows
        self._performance = performance
        self._evening = evening

    def rage(self) -> None:
        """All blows; returns when the last one is undone."""
        under_way = []
        for blow in self._blows:
            self._performance.follow(blow.at_seconds - self._evening.passed())
            under_way.append(gevent.spawn(self._strike, blow))
        gevent.joinall(under_way, raise_error=True)

    def _strike(self, blow: Blow) -> None:
        started, missed = self._evening.passed(), ""
        say(f"{started:5.1f} s  {blow}")
        try:
            undo = self._site.strike(blow.kind, blow.target)
        except (RedisError, OSError) as error:  # it is down from another blow
            missed = str(error)
        else:
            gevent.sleep(blow.seconds)
            self._undo(undo)
        self._evening.note(blow.kind, blow.target, started, missed)

    def _undo(self, undo: Callable[[], object]) -> None:
        with contextlib.suppress(RedisError):  # calming undoes it again
            undo()
