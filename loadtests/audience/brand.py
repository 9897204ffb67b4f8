"""A guest brand's person: asks for slots in the show, and hears what the host says."""

from __future__ import annotations

import time
from typing import Any

from loadtests import distributions as people_do
from loadtests.audience.viewer import Viewer
from loadtests.people import Person

CONFLICT = 409
SLOT_MS = 60_000
SLOTS = range(10, 100)
"""Minutes from now, so that none comes on air while the load runs."""
ACCEPTED, DECLINED, CANCELED = "accept", "decline", "cancel"
ANSWERS = people_do.Choice({ACCEPTED: 6, DECLINED: 2, CANCELED: 2})


class Brand(Viewer):
    """One brand; the host answers each request at once."""

    fixed_count = 1

    def newcomer(self) -> Person:
        """The demo's brand, if there is one."""
        return self.stage.brand or super().newcomer()

    def settle_in(self) -> None:
        """Asks now and then."""
        if self.stage.brand is not None:
            self.agenda.clear()  # it stays until the end
            self.again(people_do.BOOKING, lambda: self.errands.spawn(self._book))

    def _book(self) -> None:
        brand = self._mine()
        if not brand:
            return
        products = self._get(f"/api/brands/{brand}/products", "brand's products").get("products", [])
        if not products:
            return
        segment = self._request(brand, self.random.choice(products)["product"])
        if segment:
            self._answer(segment, ANSWERS.draw(self.random))

    def _mine(self) -> str:
        brands = self._get("/api/schedule", "schedule").get("my_brands", [])
        return str(brands[0]["shop"]) if brands else ""

    def _request(self, brand: str, product: str) -> str:
        starts_ms = int(time.time() // 60) * 60_000 + self.random.choice(SLOTS) * SLOT_MS
        wanted = {
            "room": self.stage.room,
            "brand": brand,
            "kind": "brand",
            "title": {"en": "Load test", "zh-CN": "压力测试"},
            "starts_ms": starts_ms,
            "ends_ms": starts_ms + SLOT_MS,
            "products": [product],
            "commission_ppm": 100_000,
        }
        return str(self._post("/api/segments", "slot: request", self.person, wanted).get("segment", ""))

    def _answer(self, segment: str, answer: str) -> None:
        """The host says yes or no; or the brand withdraws."""
        who = self.person if answer == CANCELED else self.stage.presenter
        self._post(f"/api/segments/{segment}/{answer}", f"slot: {answer}", who, {"reason": ""})

    def _get(self, path: str, name: str) -> Any:
        response = self.client.get(path, headers=self.person.authorization, name=name)
        return response.json() if response.ok and response.text else {}

    def _post(self, path: str, name: str, who: Person, body: dict[str, Any]) -> Any:
        """The answer, or nothing; that a slot is taken is an answer too."""
        outcomes = self.stage.witness.outcomes
        with self.client.post(
            path, json=body, headers=who.authorization, name=name, catch_response=True
        ) as response:
            if response.status_code == CONFLICT:
                outcomes[f"{name} → {response.json()['error']['code']}"] += 1
                response.success()
                return {}
            if not (response.ok and response.text):  # cut off on the way is no answer
                return {}
        outcomes[name] += 1
        return response.json()
