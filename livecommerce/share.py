"""Sharing: signed links, the tree of who brought whom, and which visits count.

A visit counts when another signed-in account on another device came through the link first, and stayed.
One's own visits, repeats, and visits by people who were here before do not. The tree is measured at any
depth; rewards reach one level by default and never more than two, for paying people for the recruits of
their recruits is pyramid selling in law.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Protocol

import msgspec
from msgspec import Struct

from livecommerce.errors import Invalid
from livecommerce.ids import GrantId, PersonId, RoomId

MAX_GRANT = 400
"""Characters of a share grant at most."""

MAX_REWARD_DEPTH = 2

NOBODY = "-"
"""The parent of those who came through no link."""

_MAC_BYTES = 16
_FINGERPRINT_BYTES = 12


class Share(Struct, frozen=True, array_like=True):
    """What a share grant says; people are fingerprints."""

    room: RoomId
    sharer: str
    parent: str
    """Who brought the sharer, or ``NOBODY``."""
    root: str
    """Where the line began."""
    depth: int
    """Links between root and sharer."""
    issued_ms: int


class Place(Struct, frozen=True):
    """Where a sharer stands in a room's tree."""

    parent: str
    root: str
    depth: int
    at_ms: int
    reward: str
    """The coupon that friends unlock; empty: none yet."""


class Visit(Struct, frozen=True, kw_only=True):
    """Somebody is in a room through a link."""

    share: Share
    visitor: str
    """A fingerprint, as is the device."""
    device: str
    at_ms: int


class ShareFigures(Struct, frozen=True, kw_only=True):
    """How far a room has travelled."""

    sharers: int
    visits: int
    verified: int
    refused: dict[str, int]
    """Why → visits that did not count."""
    depths: dict[int, int]
    """Level of the tree → people on it; roots are on level 0."""

    @property
    def k_factor(self) -> float:
        """Verified arrivals per sharer."""
        return self.verified / self.sharers if self.sharers else 0.0


NOTHING_SHARED = ShareFigures(sharers=0, visits=0, verified=0, refused={}, depths={})


class ShareStore(Protocol):
    """A room's tree; each call is atomic and safe to repeat."""

    async def remember_device(self, room: RoomId, person: str, device: str) -> None:
        """The first who uses a device in a room owns it there."""
        ...

    async def place(self, room: RoomId, sharer: str, device: str, at_ms: int) -> Place:
        """Where somebody who shares stands; who came through no link becomes a root."""
        ...

    async def keep_reward(self, room: RoomId, sharer: str, reward: GrantId) -> None:
        """Keeps the coupon that a sharer's friends unlock."""
        ...

    async def touch(self, visit: Visit) -> str:
        """Notes an arrival: ``arrived``, or why it will not count.

        Reasons are self, no_device, same_device, too_many_devices, cycle, not_first and repeat.
        """
        ...

    async def verify(self, visit: Visit, stay_ms: int, levels: int) -> tuple[str, list[str]]:
        """``verified`` and the rewards of so many levels above the visitor, nearest first, or why not.

        More reasons than for an arrival: not_arrived and too_short. Marks nothing.
        """
        ...

    async def count(self, room: RoomId, visitor: str) -> bool:
        """Marks a visit as counted; answers whether it was not before."""
        ...

    async def figures(self, room: RoomId) -> ShareFigures:
        """How far the room has travelled."""
        ...


class Rewards(Protocol):
    """The coupons that sharing unlocks."""

    async def count_arrival(self, grant: GrantId, person: PersonId) -> object:
        """Counts a verified arrival once per person."""
        ...


class Seal:
    """Signs share grants, and turns people and devices into fingerprints; both with the deployment's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def close(self, share: Share) -> str:
        """The grant as it stands in a link: url-safe, at most ``MAX_GRANT`` characters."""
        body = msgspec.msgpack.encode(share)
        return _text(body + self._mac(b"share", body, _MAC_BYTES))

    def open(self, grant: str) -> Share:
        """What a grant says.

        Raises:
            Invalid: ``bad_share``: it is not one of ours.
        """
        try:
            raw = base64.urlsafe_b64decode(grant + "=" * (-len(grant) % 4))
            body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
            if len(grant) > MAX_GRANT or not hmac.compare_digest(mac, self._mac(b"share", body, _MAC_BYTES)):
                raise Invalid("bad_share")
            return msgspec.msgpack.decode(body, type=Share)
        except (binascii.Error, ValueError) as error:
            raise Invalid("bad_share") from error

    def fingerprint(self, kind: str, value: str) -> str:
        """A person or device without telling which; empty stays empty."""
        return _text(self._mac(kind.encode(), value.encode(), _FINGERPRINT_BYTES)) if value else ""

    def _mac(self, purpose: bytes, body: bytes, size: int) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + body, "sha256")[:size]


class Sharing:
    """Hands out links, and judges who comes through them."""

    def __init__(
        self, store: ShareStore, rewards: Rewards, seal: Seal, *, stay_ms: int, reward_depth: int = 1
    ) -> None:
        if not 1 <= reward_depth <= MAX_REWARD_DEPTH:
            raise ValueError(f"rewards reach one level, or {MAX_REWARD_DEPTH} at most")
        self._store = store
        self._rewards = rewards
        self._seal = seal
        self._stay_ms = stay_ms
        self._reward_depth = reward_depth

    async def link(self, room: RoomId, person: PersonId, device: str, at_ms: int) -> tuple[str, Place]:
        """A person's grant for a room, always the same, and where they stand."""
        sharer = self._seal.fingerprint("person", person)
        place = await self._store.place(room, sharer, self._seal.fingerprint("device", device), at_ms)
        share = Share(room, sharer, place.parent, place.root, place.depth, place.at_ms)
        return self._seal.close(share), place

    async def keep_reward(self, room: RoomId, person: PersonId, reward: GrantId) -> None:
        """Keeps the coupon that a person's friends unlock."""
        await self._store.keep_reward(room, self._seal.fingerprint("person", person), reward)

    async def arrived(self, room: str, person: str, device: str, grant: str, at_ms: int) -> str:
        """A person with an account joined, through a link or (empty) without one.

        Answers ``arrived`` (``present`` without a link), or why the visit will not count. Guests are not
        to be told of.
        """
        visitor = self._seal.fingerprint("person", person)
        if not grant:
            if device:
                own = self._seal.fingerprint("device", device)
                await self._store.remember_device(RoomId(room), visitor, own)
            return "present"
        try:
            visit = self._visit(room, visitor, device, grant, at_ms)
        except Invalid as error:
            return error.code
        return await self._store.touch(visit)

    async def stayed(self, room: str, person: str, device: str, grant: str, at_ms: int) -> str:
        """The person is still there: unlocks the sharer's coupon if the visit counts.

        Answers ``verified``, or why it does not count. Rewards come before the mark, both can be
        repeated: a crash in between loses nothing.
        """
        try:
            visit = self._visit(room, self._seal.fingerprint("person", person), device, grant, at_ms)
        except Invalid as error:
            return error.code
        verdict, rewards = await self._store.verify(visit, self._stay_ms, self._reward_depth)
        if verdict != "verified":
            return verdict
        for reward in filter(None, rewards):
            await self._rewards.count_arrival(GrantId(reward), PersonId(person))
        return verdict if await self._store.count(visit.share.room, visit.visitor) else "repeat"

    async def figures(self, room: RoomId) -> ShareFigures:
        """How far a room has travelled."""
        return await self._store.figures(room)

    def _visit(self, room: str, visitor: str, device: str, grant: str, at_ms: int) -> Visit:
        share = self._seal.open(grant)
        if share.room != room:
            raise Invalid("other_room")
        return Visit(
            share=share,
            visitor=visitor,
            device=self._seal.fingerprint("device", device),
            at_ms=at_ms,
        )


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
