"""Stays in a room and prints what it hears. python room_client.py ws://127.0.0.1:8000/ws/ROOM [TOKEN]"""

import asyncio
import json
import random
import sys
from time import monotonic

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake


class Room:
    """What one viewer knows; a client that shows more folds more."""

    def __init__(self):
        self.epoch, self.offset, self.pins, self.comments = "", 0, [], {}

    def apply(self, message):
        """Takes one message in; false where one before it is missing."""
        match message:
            case {"t": "snapshot" | "resync", "epoch": epoch, "offset": offset, "room": room}:
                self.epoch, self.offset, self.pins = epoch, offset, room["pins"]
            case {"offset": offset, "at_ms": _}:
                if offset > self.offset + 1:
                    return False
                if offset == self.offset + 1:
                    self.offset = offset
                    self.fold(message)
        self.comments |= {line["comment"]: line for line in message.get("comments", ())}
        return True

    def fold(self, event):
        """Changes the state as the table of control messages says."""
        match event:
            case {"t": "pinned", "pin": pin}:
                self.pins = [pin, *self.others(pin["product"]["product"])]
            case {"t": "unpinned", "product": product}:
                self.pins = self.others(product)
            case {"t": "show.ended"}:
                self.pins = []
            case {"t": "deleted", "comment": comment}:
                self.comments.pop(comment, None)

    def others(self, product):
        return [pin for pin in self.pins if pin["product"]["product"] != product]


async def stay(url, room, token=str, heard=print):
    """Connects, again and again, until the server does not want us back; answers its close code."""
    failures = 0
    while True:
        since, hint, code = monotonic(), None, 1006
        try:
            async with connect(url, subprotocols=["livecommerce.v1.json"], compression=None) as socket:
                join = {"t": "join", "token": token(), "epoch": room.epoch, "offset": room.offset}
                await socket.send(json.dumps(join))
                async for frame in socket:
                    for message in json.loads(frame):
                        if not room.apply(message):
                            room.epoch = ""  # the answer to the next join is a snapshot
                            await socket.close()
                        elif message["t"] == "reconnect":
                            hint = message["after_ms"] / 1000
                        elif message["t"] == "expiring" and token():
                            await socket.send(json.dumps({"t": "refresh", "token": token()}))
                        heard(message)
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 1006
        except (OSError, InvalidHandshake):
            pass
        if 4500 <= code <= 4999:
            return code
        failures = 1 if monotonic() - since > 5 else failures + 1
        await asyncio.sleep(random.uniform(0.5, min(20, 0.5 * 2**failures)) if hint is None else hint)  # noqa: S311


if __name__ == "__main__":
    sys.exit(asyncio.run(stay(sys.argv[1], Room(), lambda: "".join(sys.argv[2:]))))
