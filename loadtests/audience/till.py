"""Pays an order as a browser would: our API, then the provider's page and its button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust.contrib.fasthttp import FastHttpSession

from loadtests.distributions import Habit
from loadtests.loopback import require_loopback
from loadtests.people import Person

FAULTS = {
    Habit.PAYS_LATE_NEWS: "late",
    Habit.PAYS_NEWS_TWICE: "duplicate",
    Habit.PAYS_NEWS_LOST: "lost",
}
"""What the sandbox provider is told to do wrong."""

AGAIN_SECONDS = 1.0
MOST_TRIES = 20
"""A buyer whose network fails, or whose shop answers with a fault, presses the button again."""
NO_ANSWER, CONFLICT, SERVER_FAULT = 0, 409, 500

ADDRESS = {
    "country": "CN",
    "name": "Load tester",
    "phone": "13800000000",
    "region": "浙江省",
    "city": "杭州市",
    "district": "西湖区",
    "street": "示例路 1 号",
}
"""Where goods go that nobody sends."""


class Till:
    """One buyer's way to pay."""

    def __init__(self, client: FastHttpSession, person: Person, on_paid: Callable[[str], None]) -> None:
        self._client = client
        self._person = person
        self._on_paid = on_paid
        self._has_address = False

    def settle(self, order: str, habit: Habit, wait_seconds: float) -> None:
        """Does with an order what the habit says."""
        if habit is Habit.NEVER:
            return
        gevent.sleep(wait_seconds)
        if habit is Habit.CANCELS:
            self._post(f"/api/orders/{order}/cancel", "cancel", headers=self._person.authorization)
            return
        if habit is Habit.DECLINED:
            self._pay(order, action="decline")
            gevent.sleep(AGAIN_SECONDS)
        if habit is Habit.PAYS_TWICE:
            both = [gevent.spawn(self._pay, order) for _ in range(2)]
            gevent.joinall(both)
            return
        self._pay(order, fault=FAULTS.get(habit, ""))

    def _pay(self, order: str, *, action: str = "pay", fault: str = "") -> None:
        self._have_address()
        page = self._post(f"/api/orders/{order}/pay", "pay", headers=self._person.authorization)
        if page is None:
            return
        address = page.json()["pay_url"]
        require_loopback(address)
        path = urlsplit(address).path
        page = self._insist(lambda: self._client.get(path, name="provider: page", allow_redirects=False))
        if not page.ok:
            return
        self._on_paid(order)
        form = {"action": action, "fault": fault}
        self._post(path, f"provider: {action}", data=form, allow_redirects=False)

    def _have_address(self) -> None:
        if not self._has_address:
            self._has_address = True
            self._post("/api/addresses", "address", json=ADDRESS, headers=self._person.authorization)

    def _post(self, path: str, name: str, **request: Any) -> Any:
        """The response, or ``None`` if it is a refusal."""
        response = self._insist(lambda: self._post_once(path, name, **request))
        return response if response.ok else None

    def _insist(self, send: Callable[[], Any]) -> Any:
        """The first response that is an answer, or the last one."""
        for _ in range(MOST_TRIES):
            response = send()
            if NO_ANSWER < response.status_code < SERVER_FAULT:
                break
            gevent.sleep(AGAIN_SECONDS)
        return response

    def _post_once(self, path: str, name: str, **request: Any) -> Any:
        """A conflict is an answer, not a failure: somebody was faster."""
        with self._client.post(path, name=name, catch_response=True, **request) as response:
            if response.status_code == CONFLICT:
                response.request_meta["name"] = f"{name} → {response.json()['error']['code']}"
                response.success()
        return response
