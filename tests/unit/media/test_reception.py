from __future__ import annotations

from media.reception import Reception
from media.rtcp import SenderReport, to_ntp


def test_loss_is_reported_as_a_fraction_since_the_last_report() -> None:
    reception = Reception(90_000)
    for sequence in (0, 1, 3):
        reception.record(sequence, 0, 0.0)
    first = reception.report(5, 1.0)
    for sequence in (4, 5, 6, 7):
        reception.record(sequence, 0, 0.0)

    second = reception.report(5, 2.0)

    assert (first.fraction_lost, first.lost) == (64, 1)
    assert (second.fraction_lost, second.lost) == (0, 1)


def test_a_repetition_makes_good_what_was_lost() -> None:
    reception = Reception(90_000)
    for sequence in (65534, 0, 65535):
        reception.record(sequence, 0, 0.0)

    report = reception.report(5, 1.0)

    assert report.lost == 0
    assert report.highest_sequence & 0xFFFF == 0


def test_even_arrival_has_no_jitter_and_uneven_arrival_has() -> None:
    even, uneven = Reception(1000), Reception(1000)
    for number in range(100):
        even.record(number, number * 20, number * 0.02)
        uneven.record(number, number * 20, number * 0.02 + (number % 2) * 0.01)

    assert even.report(1, 2.0).jitter == 0
    assert 5 <= uneven.report(1, 2.0).jitter <= 10


def test_the_publisher_can_compute_its_round_trip() -> None:
    reception = Reception(90_000)
    ntp = to_ntp(1_000_000.0)
    reception.record_sender_report(SenderReport(1, ntp, 0, 0, 0), 10.0)

    report = reception.report(1, 10.5)

    assert report.last_sender_report == ntp >> 16 & 0xFFFFFFFF
    assert report.delay_since == 0.5 * 65536
