"""A real gateway on a real port, in front of fakes."""

from __future__ import annotations

import asyncio
import json
import socket as socketlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from livecommerce.accounts import Membership, Person
from livecommerce.clock import now_ms
from livecommerce.flash_sale import StockCount
from livecommerce.gateway.auth import Door, Tokens
from livecommerce.gateway.background import Background
from livecommerce.gateway.http.application import application
from livecommerce.gateway.limits import OpeningLimits
from livecommerce.gateway.open_records import OpenRecords
from livecommerce.gateway.proxies import parse_networks
from livecommerce.gateway.room_commands import RoomCommands
from livecommerce.gateway.rooms import Rooms
from livecommerce.gateway.served_room import LAST_COMMENTS, ServedRoom
from livecommerce.gateway.server import GatewayServer, bind
from livecommerce.gateway.session import Session
from livecommerce.gateway.sessions import Sessions
from livecommerce.gateway.sign_outs import SignOuts
from livecommerce.gateway.stage_commands import StageCommands
from livecommerce.gateway.timing_wheel import TimingWheel
from livecommerce.gateway.trail import Trail
from livecommerce.ids import SaleId
from livecommerce.room.live import LoadedRoom
from livecommerce.waitlist import QueueCount
from livecommerce.word_filter import WordFilter
from tests.fakes import (
    FakeAudit,
    FakeBus,
    FakeComments,
    FakeRecords,
    FakeRevocations,
    FakeRooms,
    FakeSanctions,
    FakeShelf,
)
from tests.rooms import HOST, ROOM, a_product, a_room

SECRET = "a secret of at least thirty-two characters"
JSON = Subprotocol("livecommerce.v1.json")
LARGE_BYTES = 16 * 1024 * 1024
"""Of the answer to ``/large``: more than a kernel takes for somebody who does not read."""
MSGPACK = Subprotocol("livecommerce.v1.msgpack")


class NoVisits:
    """Remembers who came and went."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []

    def entered(self, session: Session) -> None:
        self.log.append(("entered", session.person.person))

    def left(self, session: Session) -> None:
        self.log.append(("left", session.person.person))


class TestGateway:
    """The parts of a running gateway that tests look at."""

    __test__ = False

    def __init__(self, store: FakeRooms, bus: FakeBus, node: str = "node") -> None:
        self.store = store
        self.bus = bus
        self.background = Background()
        self.wheel = TimingWheel()
        self.records = FakeRecords()
        self.stock: dict[str, StockCount] = {}
        self.queues: dict[str, QueueCount] = {}
        self.comments = FakeComments(LAST_COMMENTS)
        self.sanctions = FakeSanctions(bus)
        self.audit = FakeAudit()
        self.visits = NoVisits()
        self.closed_seats: list[str] = []
        self.ahead_ms = 0
        """How far its clock is ahead of the real one, as far as sessions are concerned."""
        self.tokens = Tokens(SECRET, self.now_ms)
        self.open_records = OpenRecords(self.records, self.background.spawn)
        self.rooms = Rooms(store, store, bus, node, self._serve)
        self.revocations = FakeRevocations(bus)
        self.sign_outs = SignOuts(self.revocations, self.tokens.revocations, self.rooms, bus, now_ms)
        self._node = node
        shelf = FakeShelf(*(a_product(name) for name in ("umbrella", "teapot", "lipstick", "tea")))
        commands = RoomCommands(
            shelf, WordFilter(["scam"]), self.sanctions, Trail(self.audit, now_ms), now_ms
        )
        on_stage = StageCommands(Trail(self.audit, now_ms), now_ms, self.end_pictures)
        self.sock = bind("127.0.0.1", 0)
        self.port: int = self.sock.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self.door = Door(self.tokens, [f"http://{self.address}"])
        self.sessions = Sessions(
            self.rooms,
            self.door,
            self.open_records,
            self.visits,
            {**commands.handlers(), **on_stage.handlers()},
            self.background,
            self.now_ms,
            OpeningLimits(parse_networks("127.0.0.1"), now_ms),
        )
        app = application([Route("/slow", _slow), Route("/large", _large)], no_lifespan, "http://127.0.0.1:1")
        self.server = GatewayServer(app, self.sessions, self.wheel)

    def end_pictures(self, _room: str, seat: str) -> None:
        """Notes what the media plane would be told."""
        self.closed_seats.append(seat)

    def now_ms(self) -> int:
        """The time that sessions go by."""
        return now_ms() + self.ahead_ms

    def _serve(self, loaded: LoadedRoom) -> ServedRoom:
        return ServedRoom(
            loaded,
            self.store,
            self.bus,
            self.read_stock,
            self.read_queues,
            self.comments,
            self.sanctions,
            self._node,
            self.background.spawn,
            now_ms,
            self.open_records.bring_all,
        )

    async def read_stock(self, sales: Sequence[SaleId]) -> Sequence[StockCount]:
        """What the inventory says is left."""
        return [self.stock[sale] for sale in sales if sale in self.stock]

    async def read_queues(self, sales: Sequence[SaleId]) -> Sequence[QueueCount]:
        """How long lines are."""
        return [self.queues[sale] for sale in sales if sale in self.queues]

    def token(self, person: str = HOST, name: str = "Mei", *roles: Membership, guest: bool = False) -> str:
        """A session token."""
        return self.tokens.mint(Person(person=person, name=name, roles=roles, guest=guest))[0]

    @asynccontextmanager
    async def socket(
        self, room: str = ROOM, subprotocol: Subprotocol = JSON, **options: Any
    ) -> AsyncIterator[Client]:
        """A connected client that has not joined."""
        url = f"ws://{self.address}/ws/{room}"
        async with connect(
            url, subprotocols=[subprotocol], compression=None, proxy=None, **options
        ) as connection:
            yield Client(connection)

    @asynccontextmanager
    async def viewer(self, token: str = "", **join: Any) -> AsyncIterator[Client]:
        """A client in the room."""
        async with self.socket() as client:
            await client.send(t="join", token=token, **join)
            await client.until("snapshot", "resumed")
            yield client

    def raw(self) -> socketlib.socket:
        """A bare TCP connection."""
        return socketlib.create_connection(("127.0.0.1", self.port), timeout=5)


class Client:
    """A client that speaks JSON and remembers what it heard."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.heard: list[dict[str, Any]] = []
        self._waiting: list[dict[str, Any]] = []

    async def send(self, **message: Any) -> None:
        """Sends one message."""
        await self.connection.send(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        """The next message, in order."""
        while not self._waiting:
            frame = json.loads(await asyncio.wait_for(self.connection.recv(), 5))
            self._waiting += frame
        message = self._waiting.pop(0)
        self.heard.append(message)
        return message

    async def until(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of some kinds; others are remembered in ``heard``."""
        while True:
            message = await self.next()
            if message["t"] in kinds:
                return message

    async def ask(self, **message: Any) -> dict[str, Any]:
        """Sends a message that wants an answer, and returns the answer."""
        await self.send(id=7, **message)
        while True:
            answer = await self.next()
            if answer.get("id") == 7:
                return answer

    async def closed(self) -> int:
        """Waits for the end of the connection; its close code."""
        await asyncio.wait_for(self.connection.wait_closed(), 5)
        assert self.connection.close_code is not None
        return self.connection.close_code


@asynccontextmanager
async def running_gateway(
    store: FakeRooms | None = None, bus: FakeBus | None = None, node: str = "node"
) -> AsyncIterator[TestGateway]:
    """A gateway that serves one live room, until the block ends."""
    gateway = TestGateway(store or FakeRooms(), bus or FakeBus(), node)
    await gateway.store.create(a_room())
    listening = asyncio.create_task(gateway.sign_outs.run())
    serving = asyncio.create_task(gateway.server._serve([gateway.sock]))
    while not gateway.server.started:  # noqa: ASYNC110 - uvicorn has a flag, not an event
        await asyncio.sleep(0)
    try:
        yield gateway
    finally:
        gateway.server.should_exit = True
        await serving
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        gateway.rooms.close()
        await gateway.background.close()


@asynccontextmanager
async def no_lifespan(_app: Starlette) -> AsyncIterator[None]:
    """Nothing to start, nothing to stop."""
    yield


async def _large(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("x" * LARGE_BYTES)


async def _slow(_request: Request) -> PlainTextResponse:
    await asyncio.sleep(0.2)
    return PlainTextResponse("at last")
