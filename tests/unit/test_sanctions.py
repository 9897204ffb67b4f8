"""A gateway's copy of sanctions agrees with the store, in whatever order it hears and reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livecommerce.room.sanctions import BAN, SHADOW, Sanction, Sanctions

NOW = 1_000


def changes() -> st.SearchStrategy[list[Sanction]]:
    made = st.builds(
        lambda kind, person, lifted: Sanction(
            kind=kind, person=person, name="", until_ms=0 if lifted else NOW + 1
        ),
        st.sampled_from((BAN, SHADOW)),
        st.sampled_from("abc"),
        st.booleans(),
    )
    return st.lists(made, max_size=12)


@given(changes(), st.data())
def test_whatever_is_heard_or_lost_a_list_that_is_read_brings_the_truth(
    made: list[Sanction], data: st.DataObject
) -> None:
    log = [
        Sanction(kind=one.kind, person=one.person, name="", until_ms=one.until_ms, v=v)
        for v, one in enumerate(made, 1)
    ]
    read_at = data.draw(st.integers(0, len(log)))
    early = data.draw(st.lists(st.sampled_from(log[:read_at]), max_size=8)) if read_at else []
    late = log[read_at:]
    heard_before = data.draw(st.integers(0, len(late)))
    copy = Sanctions()
    for one in (*early, *late[:heard_before]):  # some were lost, some came before the list's answer
        copy.learn(one)
    stored = {(one.kind, one.person): one for one in log[:read_at]}
    copy.replace(read_at, [one for one in stored.values() if one.until_ms])
    for one in late[heard_before:]:
        copy.learn(one)
    truth = {(one.kind, one.person): one.until_ms > NOW for one in log}
    for (kind, person), holds in truth.items():
        assert copy.applies(kind, person, NOW) == holds


def test_a_sanction_ends_by_itself() -> None:
    copy = Sanctions()
    copy.learn(Sanction(kind=BAN, person="p", name="Lin", until_ms=NOW, v=1))
    assert copy.applies(BAN, "p", NOW - 1)
    assert not copy.applies(BAN, "p", NOW)
    assert copy.current(NOW) == ()
