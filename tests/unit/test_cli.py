"""What the command line understands."""

from __future__ import annotations

import pytest

from livecommerce.cli import main
from livecommerce.settings import BadSetting, read_settings


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_a_number_of_gateways_that_makes_no_sense_is_one_sentence(
    count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["up", "--workers", count])
    assert ended.value.code == 2
    assert "--workers" in capsys.readouterr().err


def test_the_environment_cannot_ask_for_no_gateway_either() -> None:
    with pytest.raises(BadSetting, match="workers"):
        read_settings({"WORKERS": "0"})
