from __future__ import annotations

import pytest

from media.errors import InvalidSettings
from media.settings import Settings

SECRET = {"TOKEN_SECRET": "a secret of thirty-two bytes or more"}


def test_only_the_secret_has_no_default() -> None:
    settings = Settings.from_environment(SECRET)

    assert (settings.host, settings.port, settings.udp_port, settings.advertise) == (
        "127.0.0.1",
        8001,
        8002,
        ("127.0.0.1",),
    )


def test_lists_are_separated_by_commas() -> None:
    settings = Settings.from_environment(
        SECRET | {"MEDIA_ADVERTISE": "192.0.2.1, 2001:db8::1", "MEDIA_ICE_SERVERS": "stun:stun.example.org"}
    )

    assert settings.advertise == ("192.0.2.1", "2001:db8::1")
    assert settings.ice_servers == ("stun:stun.example.org",)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"TOKEN_SECRET": ""}, "TOKEN_SECRET"),
        ({"TOKEN_SECRET": "short"}, "at least 32 bytes"),
        ({"MEDIA_PORT": "http"}, "MEDIA_PORT"),
        ({"MEDIA_UDP_PORT": "70000"}, "MEDIA_UDP_PORT"),
        ({"MEDIA_ADVERTISE": "example.org"}, "MEDIA_ADVERTISE"),
        ({"MEDIA_ADVERTISE": ","}, "MEDIA_ADVERTISE"),
        ({"MEDIA_MAX_VIEWERS": "0"}, "MEDIA_MAX_VIEWERS"),
    ],
)
def test_what_cannot_work_is_said_by_its_name(changes: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidSettings, match=says):
        Settings.from_environment(SECRET | changes)
