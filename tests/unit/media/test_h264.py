from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.h264 import starts_keyframe


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"\x67sps", True),
        (b"\x65idr", True),
        (b"\x41slice", False),
        (b"\x68pps", False),
        (b"\x78\x00\x02\x67s\x00\x02\x68p", True),
        (b"\x78\x00\x02\x68p\x00\x02\x41s", False),
        (b"\x7c\x85idr starts", True),
        (b"\x7c\x05idr goes on", False),
        (b"\x7c\x81slice starts", False),
        (b"", False),
    ],
)
def test_a_keyframe_is_known_by_its_nal_units(payload: bytes, expected: bool) -> None:
    assert starts_keyframe(payload) is expected


@given(st.binary(max_size=64))
def test_any_payload_can_be_looked_at(payload: bytes) -> None:
    starts_keyframe(payload)
