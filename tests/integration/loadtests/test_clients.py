"""The load generator's own clients, against the real gateway."""

from __future__ import annotations

import time

import pytest

from loadtests.audience.visit import Visit
from loadtests.audience.witness import Witness
from loadtests.backstage import Backstage
from loadtests.crowd import Crowd, full_room
from loadtests.deployment import Deployment, Show, plan_show
from loadtests.people import sign_in
from loadtests.room_socket import ConnectionLost, Message, RoomSocket

PATIENCE_SECONDS = 10.0


def listen_for(visit: Visit, kind: str) -> Message:
    """The next message of a kind."""
    until = time.monotonic() + PATIENCE_SECONDS
    while (message := visit.listen(until)) is not None:
        if message["t"] == kind:
            return message
    raise AssertionError(f"no {kind} came")


def a_visit(deployment: Deployment, show: Show, witness: Witness, *, host: bool = False) -> Visit:
    """Somebody in front of the room's door."""
    person = show.host if host else sign_in(deployment.secret, "Viewer")
    return Visit(deployment.url, show.room, person, witness, lambda *_: None)


def test_a_viewer_who_comes_back_misses_nothing(deployment: Deployment) -> None:
    show, witness = plan_show(deployment), Witness()
    host, viewer = a_visit(deployment, show, witness, host=True), a_visit(deployment, show, witness)
    host.enter()
    viewer.enter()
    if listen_for(host, "snapshot")["room"]["phase"] == "scheduled":
        host.ask("start", t="show.start")
    listen_for(viewer, "snapshot")
    host.ask("pin", t="pin", product=show.products[0])
    listen_for(viewer, "pinned")
    viewer.drop()
    host.ask("unpin", t="unpin", product=show.products[0])
    listen_for(host, "unpinned")
    viewer.enter()
    listen_for(viewer, "resumed")
    listen_for(viewer, "unpinned")
    assert witness.contradictions == []
    host.leave()
    viewer.leave()


def test_a_wrong_token_is_told_not_to_come_back(deployment: Deployment) -> None:
    show = plan_show(deployment)
    socket = RoomSocket(deployment.url, show.room)
    socket.send(t="join", token="not a token")
    with pytest.raises(ConnectionLost) as lost:
        while socket.receive(time.monotonic() + PATIENCE_SECONDS) is not None:
            pass
    assert not lost.value.may_return
    socket.cut()


def test_every_line_of_a_crowd_hears_as_much(deployment: Deployment) -> None:
    with full_room(deployment, 120) as crowd:
        before = heard(crowd)
        crowd.talk(40)
        crowd.pin_and_unpin(0.25)
        crowd.sink.run(2.0)
        crowd.quiet()
        crowd.require_all()
        counts = [after - line for after, line in zip(heard(crowd), before, strict=True)]
        assert min(counts) == max(counts) > 10
        assert crowd.delays_ms


def heard(crowd: Crowd) -> list[int]:
    """Frames by viewer."""
    return [line.counter.frames for line in crowd.viewers]


def test_the_books_of_a_server_without_sales_are_empty(deployment: Deployment) -> None:
    with Backstage(deployment.url, deployment.secret) as backstage:
        assert backstage.bill(int(time.time() * 1000) + 60_000) == []
