"""Signed messages, also against the published library."""

from __future__ import annotations

from base64 import b64encode

import pytest
from standardwebhooks import Webhook

from livecommerce.clock import now_ms
from livecommerce.signatures import BadSignature, derive_key, sign, verify

KEY = derive_key("a secret of at least thirty-two characters", "tests")
BODY = b'{"paid": true}'


def test_a_signed_message_is_believed() -> None:
    assert verify(KEY, sign(KEY, "message", 5_000, BODY), BODY, 5_000) == "message"


def test_the_published_library_accepts_our_signature() -> None:
    headers = sign(KEY, "message", now_ms(), BODY)
    assert Webhook(b64encode(KEY).decode()).verify(BODY, headers) == {"paid": True}


def test_one_good_signature_of_several_is_enough() -> None:
    headers = sign(KEY, "message", 5_000, BODY)
    headers["webhook-signature"] = f"v1,bm9uc2Vuc2U= {headers['webhook-signature']}"
    assert verify(KEY, headers, BODY, 5_000) == "message"


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": "another"},
        {"webhook-timestamp": "6"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "-5"},
        {"webhook-timestamp": "٥"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,é"},
    ],
)
def test_a_changed_message_is_not_believed(change: dict[str, str]) -> None:
    with pytest.raises(BadSignature):
        verify(KEY, sign(KEY, "message", 5_000, BODY) | change, BODY, 5_000)


@pytest.mark.parametrize("away_ms", [-301_000, 301_000])
def test_an_old_or_early_message_is_not_believed(away_ms: int) -> None:
    with pytest.raises(BadSignature, match="too old"):
        verify(KEY, sign(KEY, "message", 1_000_000, BODY), BODY, 1_000_000 + away_ms)


def test_keys_of_two_purposes_differ() -> None:
    assert derive_key("secret", "one") != derive_key("secret", "two")
