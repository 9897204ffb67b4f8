"""Somebody who talks while watching."""

from __future__ import annotations

from loadtests import distributions as people_do
from loadtests.audience.viewer import Viewer
from loadtests.room_socket import Message

LINES = (
    "这个颜色好看",
    "主播讲得很清楚",
    "什么时候开抢?",
    "上次买的很好用, 再来一件",
    "Does it come in size 42?",
    "How long is delivery?",
    "来了来了",
    "前面的慢一点 😄",
    "能便宜一点吗",
    "Got one!",
)


class Commenter(Viewer):
    """Comments at its own pace; hears what became of each comment."""

    weight = 3

    def settle_in(self) -> None:
        """Talks."""
        self.again(people_do.COMMENTING, self._comment)

    def _comment(self) -> None:
        self.visit.ask("comment", self._hear_verdict, t="comment", text=self.random.choice(LINES))

    def _hear_verdict(self, answer: Message) -> None:
        self.stage.witness.outcomes[f"comment {answer.get('result', 'refused')}"] += 1
