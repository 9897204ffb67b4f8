"""What the doctor calls healthy, and how it asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from livecommerce.doctor import rules
from livecommerce.doctor.finding import exit_code, warning, well, wrong
from livecommerce.doctor.media_probe import judge_line, judge_refusal
from livecommerce.doctor.place import find_place
from livecommerce.doctor.stun import binding_request, is_success
from livecommerce.doctor.trial import OFFER, Candidate, read_answer
from livecommerce.settings import Settings
from media.endpoint import stun
from media.sdp import parse_offer

SECRET = "x" * 32
TRANSACTION, PASSWORD = bytes(range(12)), "a password"


def states(settings: Settings) -> list[str]:
    return [finding.state for finding in rules.judge_settings(settings)]


def test_settings_of_a_machine_of_ones_own_are_well() -> None:
    assert states(Settings(token_secret=SECRET, demo=True)) == []


def test_short_secret_demo_in_public_and_play_money_are_found() -> None:
    public = Settings(token_secret="short", demo=True, base_url="https://live.example.com")
    assert states(public) == ["wrong", "wrong", "warning"]


@pytest.mark.parametrize(
    ("base", "media", "state"),
    [
        ("", "http://127.0.0.1:8001", "well"),
        ("http://localhost:8000", "http://localhost:8001", "well"),
        ("https://live.example.com", "https://media.example.com", "well"),
        ("http://live.example.com", "https://media.example.com", "wrong"),
        ("https://live.example.com", "http://media.example.com", "wrong"),
        ("live.example.com", "https://media.example.com", "wrong"),
    ],
)
def test_camera_needs_an_encrypted_page_off_this_machine(base: str, media: str, state: str) -> None:
    assert rules.judge_address(Settings(base_url=base, media_url=media)).state == state


def test_loopback_is_no_address_to_advertise_to_the_public() -> None:
    public = Settings(base_url="https://live.example.com")
    found = rules.judge_advertised(["127.0.0.1"], public)
    assert found is not None
    assert found.state == "wrong"
    assert rules.judge_advertised(["127.0.0.1", "203.0.113.7"], public) is None
    assert rules.judge_advertised(["127.0.0.1"], Settings()) is None


@pytest.mark.parametrize(("gib", "state"), [(0.5, "wrong"), (2, "warning"), (50, "well")])
def test_little_space_is_found(gib: float, state: str) -> None:
    assert rules.judge_space("/data", int(gib * rules.GIB)).state == state


@pytest.mark.parametrize(
    ("off_ms", "state"), [(0, "well"), (-900, "well"), (2_000, "warning"), (-40_000, "wrong")]
)
def test_clocks_that_differ_are_found(off_ms: int, state: str) -> None:
    assert rules.judge_clock(off_ms).state == state


def test_sending_by_python_is_worth_a_warning() -> None:
    assert rules.judge_egress("# …\nmedia_egress_native 1.0\n", "media").state == "well"
    assert rules.judge_egress("# …\nmedia_egress_native 0.0\n", "media").state == "warning"


def test_picture_without_udp_is_worse_than_without_tcp() -> None:
    udp, tcp = Candidate("udp", "203.0.113.7", 8002), Candidate("tcp", "203.0.113.7", 8002)
    assert [judge_line(line, answered=False).state for line in (udp, tcp)] == ["wrong", "warning"]
    assert [judge_line(line, answered=True).state for line in (udp, tcp)] == ["well", "well"]


@pytest.mark.parametrize(
    ("status", "state", "says"),
    [
        (429, "warning", "no room for a trial"),
        (503, "warning", "no room for a trial"),
        (404, "wrong", "none of ours"),
        (401, "wrong", "signature"),
        (500, "wrong", "answered 500"),
    ],
)
def test_a_refusal_says_what_it_is(status: int, state: str, says: str) -> None:
    found = judge_refusal("http://media", status)
    assert found.state == state
    assert says in found.says
    assert found.do


def test_an_engine_is_named() -> None:
    engine = Settings(media_url="https://engine.example.com/{room}/{seat}/{protocol}")
    assert "engine.example.com" in rules.judge_engine(engine).says


def test_exit_code_tells_the_worst() -> None:
    fine, soso, broken = well("a", "."), warning("b", ".", "."), wrong("c", ".", ".")
    assert [exit_code(found) for found in ([fine], [fine, soso], [soso, broken])] == [0, 2, 1]


def test_media_process_understands_the_request_and_the_offer() -> None:
    request = stun.parse_request(binding_request(TRANSACTION, "theirs:doctor", PASSWORD))
    assert request is not None
    assert (request.transaction, request.local_ufrag) == (TRANSACTION, "theirs")
    assert request.verify(PASSWORD)
    assert parse_offer(OFFER, "recvonly").media


def test_only_the_answer_of_who_knows_the_password_counts() -> None:
    answer = stun.success(TRANSACTION, ("192.0.2.1", 5000), PASSWORD)
    assert is_success(answer, TRANSACTION, PASSWORD)
    assert not is_success(answer, TRANSACTION, "another")
    assert not is_success(answer, bytes(12), PASSWORD)
    assert not is_success(stun.role_conflict(TRANSACTION, PASSWORD), TRANSACTION, PASSWORD)
    assert not is_success(answer[:30], TRANSACTION, PASSWORD)
    assert not is_success(b"rubbish", TRANSACTION, PASSWORD)


def test_answer_names_each_candidate_once() -> None:
    lines = [
        "a=ice-ufrag:u",
        "a=ice-pwd:p",
        *["a=candidate:1 1 udp 1 192.0.2.1 8002 typ host"] * 2,
        "a=candidate:2 1 tcp 1 2001:db8::1 8002 typ host tcptype passive",
    ]
    trial = read_answer("\r\n".join(lines), "http://media/session/1")
    assert (trial.ufrag, trial.password) == ("u", "p")
    assert trial.candidates == (Candidate("udp", "192.0.2.1", 8002), Candidate("tcp", "2001:db8::1", 8002))
    with pytest.raises(ValueError, match="credentials"):
        read_answer("v=0", "")


def test_place_is_filled_up_with_what_the_supervisor_left(tmp_path: Path) -> None:
    (tmp_path / "redis_url").write_text("redis://127.0.0.1:7/0")
    (tmp_path / "token_secret").write_text(SECRET + "\n")
    settings = Settings(data_dir=tmp_path, host="::", port=9000, media_processes=2)
    place = find_place(settings, {"MEDIA_PORT": "9001"})
    assert place.gateway_url == "http://[::1]:9000"
    assert place.media_urls == ("http://[::1]:9001", "http://[::1]:9003")
    assert place.settings.redis_url == "redis://127.0.0.1:7/0"
    assert place.settings.token_secret == SECRET


def test_what_is_set_comes_before_what_the_supervisor_left(tmp_path: Path) -> None:
    (tmp_path / "redis_url").write_text("redis://127.0.0.1:7/0")
    settings = Settings(
        data_dir=tmp_path, redis_url="redis://valkey:6379/0", media_control_url="http://media:8001"
    )
    place = find_place(settings, {"MEDIA_URL": "https://media.example.com"})
    assert place.settings.redis_url == "redis://valkey:6379/0"
    assert place.media_urls == ("http://media:8001",)
    assert place.settings.media_url == "https://media.example.com"
