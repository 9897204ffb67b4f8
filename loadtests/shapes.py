"""Scenarios as locust's load shapes, to choose from on its web page.

``locust -f loadtests/locustfile.py,loadtests/shapes.py --class-picker``; without the page, ``--scenario``
names one.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # locust puts only this folder on the path

from loadtests.scenario import SCENARIOS
from loadtests.scenario_shape import ScenarioShape


class FlashCrowd(ScenarioShape):
    """flash-crowd"""

    scenario = SCENARIOS["flash-crowd"]


class SlowBuild(ScenarioShape):
    """slow-build"""

    scenario = SCENARIOS["slow-build"]


class ReconnectStorm(ScenarioShape):
    """reconnect-storm"""

    scenario = SCENARIOS["reconnect-storm"]


class RollingRestart(ScenarioShape):
    """rolling-restart; of a server on this machine, whose supervisor starts its gateways again"""

    scenario = SCENARIOS["rolling-restart"]


class LongEvening(ScenarioShape):
    """long-evening"""

    scenario = SCENARIOS["long-evening"]


SHAPES: dict[str, type[ScenarioShape]] = {
    shape.scenario.name: shape
    for shape in (FlashCrowd, SlowBuild, ReconnectStorm, RollingRestart, LongEvening)
}
