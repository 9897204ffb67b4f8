"""One room as this gateway serves it: its state, its viewers, and what waits for the next tick."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from typing import Any, Protocol, cast

from livecommerce.clock import Clock
from livecommerce.comments import Paces, RoomBudget, SlowMode
from livecommerce.coupon import GrantCard
from livecommerce.errors import Unavailable
from livecommerce.flash_sale import StockCount
from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.desk import Desk
from livecommerce.gateway.encodings import ENCODINGS
from livecommerce.gateway.limits import Bucket
from livecommerce.gateway.messages import to_client
from livecommerce.gateway.tick import COUNTS_SECONDS, SLOWEST_TICK_SECONDS, Tick
from livecommerce.gateway.websocket import RoomProtocol
from livecommerce.ids import SaleId
from livecommerce.orders import OrderCard
from livecommerce.room import bus
from livecommerce.room.cards import CommentLine
from livecommerce.room.events import (
    Deleted,
    ModeratorAppointed,
    ModeratorDismissed,
    RoomEvent,
    SaleOpened,
    SaleScheduled,
)
from livecommerce.room.fanout import Fanout, Viewer
from livecommerce.room.lanes import Lane
from livecommerce.room.live import LiveRoom, LoadedRoom, RoomStore
from livecommerce.room.presence import Attendance, Presence
from livecommerce.room.sanctions import BAN, Sanction, Sanctions, SanctionStore
from livecommerce.waitlist import PlaceCard, QueueCount

LAST_COMMENTS = 50
ROOM_JOIN_BURST, ROOM_JOINS_PER_SECOND = 20_000, 2_000
"""What one gateway lets into one room: a storm comes in by its back-off, other rooms go on."""
ROOM_COMMAND_BURST, ROOM_COMMANDS_PER_SECOND = 60, 20
"""Commands that change the room; each is kept durably and sent to everyone."""

log = logging.getLogger(__name__)

ReadStock = Callable[[Sequence[SaleId]], Awaitable[Sequence[StockCount]]]
"""What is left of some sales of one room; raises ``Unavailable``."""

ReadQueues = Callable[[Sequence[SaleId]], Awaitable[Sequence[QueueCount]]]
"""How long the lines of some sales of one room are; raises ``Unavailable``."""


class CommentHistory(Protocol):
    """The last comments of rooms, for gateways that come late."""

    async def remember(self, room: str, comments: Sequence[CommentLine]) -> None:
        """Adds comments; raises ``Unavailable``."""
        ...

    async def recent(self, room: str) -> Sequence[CommentLine]:
        """The last comments, oldest first; raises ``Unavailable``."""
        ...


Spawn = Callable[[Coroutine[Any, Any, None]], None]
"""Runs a coroutine to its end in the background; its failure is logged."""


class ServedRoom:
    """Everything of one room on this gateway. Plain calls, except where it talks to other gateways."""

    def __init__(
        self,
        loaded: LoadedRoom,
        store: RoomStore,
        room_bus: bus.Bus,
        read_stock: ReadStock,
        read_queues: ReadQueues,
        history: CommentHistory,
        sanction_store: SanctionStore,
        node: str,
        spawn: Spawn,
        clock: Clock,
        remind: Callable[[ServedRoom], None],
    ) -> None:
        self.live = LiveRoom(loaded, store, self._on_events, self._on_replaced)
        self.fanout = Fanout({name: encoding.encode for name, encoding in ENCODINGS.items()})
        self.presence = Presence()
        self.budget = RoomBudget()
        self.slow = SlowMode()
        self.paces = Paces()
        self.joins = Bucket(ROOM_JOIN_BURST, ROOM_JOINS_PER_SECOND)
        self.commands = Bucket(ROOM_COMMAND_BURST, ROOM_COMMANDS_PER_SECOND)
        self.sanctions = Sanctions()
        self.buyers: set[str] = set()
        """People who have bought here; a flood never silences them."""
        self.desk = Desk()
        self.comments: deque[CommentLine] = deque(maxlen=LAST_COMMENTS)
        self.stock: dict[str, StockCount] = {}
        self.queues: dict[str, QueueCount] = {}
        self._bus = room_bus
        self._read_stock = read_stock
        self._read_queues = read_queues
        self._comment_history = history
        self._sanction_store = sanction_store
        self._node = node
        self._clock = clock
        self._spawn = spawn
        self._tick = Tick(self._flush)
        self._answered: list[RoomProtocol] = []
        self._crowd: list[CommentLine] = []
        self._own_crowd: list[CommentLine] = []
        self._whispers: list[CommentLine] = []
        self._changed_stock: set[str] = set()
        self._own_stock: set[str] = set()
        self._changed_queues: set[str] = set()
        self._counts_changed = False
        self.idle_since: float | None = None
        self.behind = False
        """Something may have been missed, and must be read."""
        self._remind = remind
        self._falls = 0

    # ------------------------------------------------------------ viewers

    def enter(self, viewer: RoomProtocol) -> None:
        """Lets a viewer hear everything from now on."""
        self.fanout.add(viewer)
        self.desk.admit(viewer)
        self.idle_since = None
        self._count_viewers()

    def leave(self, viewer: RoomProtocol) -> None:
        """A viewer is gone."""
        self.fanout.remove(viewer)
        self.desk.leave(viewer)
        if not len(self.fanout):
            self.idle_since = asyncio.get_running_loop().time()
        self._count_viewers()

    def account_holders(self) -> list[RoomProtocol]:
        """Those here who can have orders and coupons."""
        viewers = cast("Iterable[RoomProtocol]", self.fanout)
        return [viewer for viewer in viewers if viewer.session and not viewer.session.person.guest]

    def _count_viewers(self) -> None:
        if self.presence.update_here(len(self.fanout)):
            self._count_again()

    def count(self, total: Attendance) -> None:
        """All gateways' totals arrived."""
        if self.presence.learn(total, len(self.fanout)):
            self._count_again()

    def like(self, hearts: int) -> None:
        """A viewer here tapped the heart."""
        self.presence.like(hearts)
        self._count_again()

    def _count_again(self) -> None:
        self._counts_changed = True
        self._tick.ask(self.fanout, COUNTS_SECONDS)

    def answer(self, viewer: RoomProtocol, *messages: object) -> None:
        """Answers a comment, in one write with the next frame that goes out to all."""
        viewer.keep(*messages)
        self._answered.append(viewer)
        self._schedule_crowd()

    # ------------------------------------------------------------ control lane

    def _on_events(self, events: Sequence[RoomEvent]) -> None:
        for event in events:
            if isinstance(event, Deleted):
                self._forget_comment(event.comment)
            elif isinstance(event, (SaleScheduled, SaleOpened)):
                sale = event.sale
                fresh = StockCount(sale=sale.sale, v=0, available=sale.stock, held=0, sold=0)
                self.stock.setdefault(sale.sale, fresh)
        self._send(events)
        for event in events:
            if isinstance(event, ModeratorAppointed):
                self._look_at_roles(self.fanout.tabs(event.moderator.person))
            elif isinstance(event, ModeratorDismissed):
                self._look_at_roles(self.fanout.tabs(event.person))

    def _on_replaced(self) -> None:
        live = self.live
        resync = to_client.Resync(
            epoch=live.epoch, offset=live.offset, server_ms=self._clock(), room=live.state
        )
        self.fanout.broadcast(Lane.CONTROL, [resync])
        self._look_at_roles(self.fanout)

    def fall_behind(self) -> None:
        """Something may have been missed, also by whoever catches up just now."""
        self._falls += 1
        self.behind = True

    async def catch_up(self) -> None:
        """Reads what was missed, of the room and of what is left of its sales; people hear of what is theirs.

        Raises:
            Unavailable: it stays ``behind``, and is asked to catch up again.
        """
        falls, self.behind = self._falls, True
        await self.live.catch_up()
        self.sanctions.replace(*await self._sanction_store.of_room(self.live.room))
        self._keep_out()
        running = [SaleId(sale.sale) for sale in self.live.state.sales if sale.phase != "closed"]
        if running:
            self.learn_stock(await self._read_stock(running))
            self.learn_queues(await self._read_queues(running))
        self.behind = falls != self._falls
        self._remind(self)

    # ------------------------------------------------------------ other gateways

    def hear(self, publication: bus.Publication) -> None:
        """Another gateway, or the store, says something about this room."""
        match publication:
            case bus.Control(epoch=epoch, event=event):
                if not self.live.absorb(epoch, [event]):
                    self._spawn(self._catch_up_now())
            case bus.Personal(to=person, order=order, grant=grant, place=place):
                self._tell(person, order, grant, place)
            case bus.StockNews(stock=counts):
                self.learn_stock(counts)
            case bus.QueueNews(queues=queues):
                self.learn_queues(queues)
            case bus.Crowd(node=node, comments=comments):
                if node != self._node:
                    self._note_paces(comments)
                    self._show(comments)
            case bus.ForDesk(node=node):
                if node != self._node:
                    self._note_paces((*publication.held, *publication.shadowed))
                    self._hear_desk(publication)
            case bus.Sanctioned(sanction=sanction):
                self.learn_sanction(sanction)

    def _note_paces(self, lines: Iterable[CommentLine]) -> None:
        """A person has one pace, whatever gateways they speak through."""
        for line in lines:
            self.paces.take(line.person.person, line.at_ms)

    async def _catch_up_now(self) -> None:
        try:
            await self.catch_up()
        except Unavailable:
            log.info("room %s catches up later", self.live.room)

    def _tell(
        self, person: str, order: OrderCard | None, grant: GrantCard | None, place: PlaceCard | None
    ) -> None:
        if order is not None:
            if order.state == "sold":
                self.buyers.add(person)
            self.fanout.tell(person, [to_client.Order(order=order)])
        if grant is not None:
            self.fanout.tell(person, [to_client.Grant(grant=grant)])
        if place is not None:
            self.fanout.tell(person, [to_client.Place(place=place)])

    # ------------------------------------------------------------ moderation

    def moderation(self) -> to_client.Moderation:
        """What those who moderate know beside the others."""
        held, sanctions = tuple(self.desk.held.values()), self.sanctions.current(self._clock())
        return to_client.Moderation(held=held, sanctions=sanctions)

    def _look_at_roles(self, viewers: Iterable[Viewer]) -> None:
        for viewer in cast("tuple[RoomProtocol, ...]", tuple(viewers)):
            session = viewer.session
            if session is not None and self.desk.admit(viewer):
                desk = [self.moderation()] if session.moderates else []
                viewer.send_messages(to_client.Me(me=session.card), *desk)

    def learn_sanction(self, sanction: Sanction) -> None:
        """Takes over a sanction; who is banned leaves at once."""
        self.sanctions.learn(sanction)
        self.desk.tell(to_client.Sanctioned(sanction=sanction))
        self._keep_out()

    def _keep_out(self) -> None:
        for sanction in self.sanctions.current(self._clock()):
            if sanction.kind == BAN:
                for viewer in self.fanout.tabs(sanction.person):
                    cast("RoomProtocol", viewer).close(Close.BANNED, "banned")

    def _tell_desk(self, news: bus.ForDesk) -> None:
        """Shows something to all who moderate this room, on every gateway."""
        self._hear_desk(news)
        self._spawn(self._publish(news))

    def _hear_desk(self, news: bus.ForDesk) -> None:
        if news.asked and self.desk.held:
            self._spawn(self._publish(bus.ForDesk(self._node, held=tuple(self.desk.held.values()))))
        self.desk.show(news)
        if news.shadowed and news.shown:
            self._whispers += news.shadowed
            self._schedule_crowd()
        self._spoke((*news.held, *news.shadowed))

    def _spoke(self, lines: Iterable[CommentLine]) -> None:
        """In a slow room everyone waits alike, whatever became of the comment and wherever it was made."""
        slow = self.live.state.slow_seconds
        if slow:
            for line in lines:
                self.slow.note(line.person.person, line.at_ms, slow)

    def hold(self, comment: CommentLine) -> None:
        """A comment waits for a moderator."""
        self._tell_desk(bus.ForDesk(self._node, held=(comment,)))

    def whisper(self, comment: CommentLine, *, shown: bool) -> None:
        """A comment of somebody under a shadow; where it is shown, their own tabs show it like any other."""
        self._tell_desk(bus.ForDesk(self._node, shadowed=(comment,), shown=shown))

    def review(self, comment: str) -> CommentLine | None:
        """A held comment waits no longer; ``None`` where somebody was faster."""
        line = self.desk.held.get(comment)
        if line is not None:
            self._tell_desk(bus.ForDesk(self._node, reviewed=comment))
        return line

    def recent_comment(self, comment: str) -> CommentLine | None:
        """One of the last comments, or of those that wait."""
        known = (line for line in self.comments if line.comment == comment)
        return next(known, self.desk.held.get(comment))

    # ------------------------------------------------------------ state and crowd lanes

    def learn_stock(self, counts: Iterable[StockCount]) -> None:
        """Takes over newer stock counts."""
        for count in counts:
            known = self.stock.get(count.sale)
            if known is None or count.v > known.v:
                self.stock[count.sale] = count
                self._changed_stock.add(count.sale)
                self._schedule()

    def learn_queues(self, counts: Iterable[QueueCount]) -> None:
        """Takes over newer lengths of lines."""
        for count in counts:
            known = self.queues.get(count.sale)
            if known is None or count.v > known.v:
                self.queues[count.sale] = count
                self._changed_queues.add(count.sale)
                self._schedule()

    def share_stock(self, count: StockCount) -> None:
        """A hold here changed the stock: tell viewers and the other gateways."""
        self.learn_stock([count])
        self._own_stock.add(count.sale)

    def say(self, comment: CommentLine) -> None:
        """A viewer here commented, and everybody may hear it."""
        self._own_crowd.append(comment)
        self._show([comment])

    def _show(self, comments: Iterable[CommentLine]) -> None:
        lines = tuple(comments)
        self._crowd += lines
        self.comments += lines
        self._spoke(lines)
        self._schedule_crowd()

    def _forget_comment(self, comment: str) -> None:
        kept = [line for line in self.comments if line.comment != comment]
        if len(kept) != len(self.comments):
            self.comments = deque(kept, maxlen=LAST_COMMENTS)

    # ------------------------------------------------------------ the tick

    def _schedule(self) -> None:
        self._tick.ask(self.fanout)

    def _schedule_crowd(self) -> None:
        """In a flood frames are few and large: nobody reads so fast that a quarter of a second matters."""
        flooded = self.budget.flooded(self._clock())
        self._tick.ask(self.fanout, SLOWEST_TICK_SECONDS if flooded else 0.0)

    def _flush(self) -> None:
        self._send()

    def _send(self, events: Sequence[RoomEvent] = ()) -> None:
        """Sends events, and all that waits for the tick in front of them: it costs nothing more."""
        waiting = [*self._waiting_comments(), *self._waiting_state()]
        if events:
            self.fanout.broadcast(Lane.CONTROL, events, waiting)
        elif waiting:
            self.fanout.broadcast(Lane.STATE, waiting)
        self._tick.passed()
        self._whisper()
        answered, self._answered = self._answered, []
        for viewer in answered:
            viewer.let_go()
        self._share()

    def _waiting_comments(self) -> Iterator[object]:
        if self._crowd:
            comments, self._crowd = tuple(self._crowd), []
            yield to_client.Comments(comments=comments)

    def _waiting_state(self) -> Iterator[object]:
        if self._changed_stock:
            yield to_client.Stock(stock=tuple(self.stock[sale] for sale in self._changed_stock))
            self._changed_stock.clear()
        if self._changed_queues:
            yield to_client.Queue(queues=tuple(self.queues[sale] for sale in self._changed_queues))
            self._changed_queues.clear()
        if self._counts_changed:
            self._counts_changed = False
            yield to_client.Viewers(n=self.presence.viewers)
            yield to_client.Likes(n=self.presence.likes)

    def _whisper(self) -> None:
        whispers, self._whispers = self._whispers, []
        for line in whispers:
            self.fanout.tell(line.person.person, [to_client.Comments(comments=(line,))])

    def _share(self) -> None:
        """Tells the other gateways what happened here."""
        if self._own_crowd:
            own, self._own_crowd = tuple(self._own_crowd), []
            self._spawn(self._share_crowd(own))
        if self._own_stock:
            news = tuple(self.stock[sale] for sale in self._own_stock)
            self._own_stock.clear()
            self._spawn(self._publish(bus.StockNews(news)))

    async def recall(self) -> None:
        """Brings back the last comments that were made while nobody here served the room, and what waits."""
        await self._publish(bus.ForDesk(self._node, asked=True))
        try:
            lines = await self._comment_history.recent(self.live.room)
        except Unavailable:
            log.info("room %s begins without its last comments", self.live.room)
            return
        deleted = self.live.deleted_comments()
        known = {line.comment for line in self.comments}
        earlier = (line for line in lines if line.comment not in known | deleted)
        self.comments = deque([*earlier, *self.comments], maxlen=LAST_COMMENTS)

    async def _share_crowd(self, own: tuple[CommentLine, ...]) -> None:
        await self._publish(bus.Crowd(self._node, own))
        try:
            await self._comment_history.remember(self.live.room, own)
        except Unavailable:
            log.info("late gateways will not see all comments of room %s", self.live.room)

    async def _publish(self, publication: bus.Publication) -> None:
        try:
            await self._bus.publish(self.live.room, publication)
        except Unavailable:
            log.info("other gateways did not hear of room %s", self.live.room)

    def close(self) -> None:
        """Nothing more will be sent."""
        self._tick.stop()
