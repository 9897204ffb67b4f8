"""Addresses: a person's address book, and where each order goes.

Personal data: it stands in SQL alone, and everything else knows an order's delivery by the order's id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, NewType, Protocol

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from livecommerce.errors import Conflict, Invalid
from livecommerce.ids import OrderId, PersonId

AddressId = NewType("AddressId", str)

MAX_ADDRESSES = 30
"""In one book."""
MAX_NOTE = 200

Text = Annotated[str, Meta(max_length=120)]


class Address(Struct, frozen=True, kw_only=True):
    """Where a parcel can be sent; which fields are needed depends on the country."""

    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")]
    """ISO 3166-1 alpha-2."""
    name: Text
    phone: Text
    region: Text = ""
    """Province, state or county."""
    city: Text = ""
    district: Text = ""
    street: Text
    """Street, number, building, room."""
    postcode: Text = ""


class BookedAddress(Address, frozen=True, kw_only=True):
    """An address in somebody's book."""

    address: AddressId
    is_default: bool


class Form(Struct, frozen=True, kw_only=True):
    """What an address needs in a country."""

    needed: tuple[str, ...] = ("name", "phone", "city", "street")
    phone: str = r"\+?[0-9][0-9 ()./-]{4,22}[0-9]"
    postcode: str = r".*"


FORMS = {
    "CN": Form(
        needed=("name", "phone", "region", "city", "district", "street"),
        phone=r"(\+?86[ -]?)?(1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})",
        postcode=r"([0-9]{6})?",
    ),
    "US": Form(
        needed=("name", "phone", "region", "city", "street", "postcode"), postcode=r"[0-9]{5}(-[0-9]{4})?"
    ),
    "GB": Form(
        needed=("name", "phone", "city", "street", "postcode"),
        postcode=r"[A-Z]{1,2}[0-9][0-9A-Z]? ?[0-9][A-Z]{2}",
    ),
    "DE": Form(needed=("name", "phone", "city", "street", "postcode"), postcode=r"[0-9]{5}"),
    "JP": Form(
        needed=("name", "phone", "region", "city", "street", "postcode"), postcode=r"[0-9]{3}-?[0-9]{4}"
    ),
}
"""By country; others are asked for what a parcel needs anywhere."""


def checked(address: Address) -> Address:
    """An address as it may be stored: trimmed, and complete for its country.

    Raises:
        Invalid: ``bad_address`` with the ``field``.
    """
    fields = {name: _trimmed(value) for name, value in asdict(address).items()}
    fields["postcode"] = fields["postcode"].upper()
    form = FORMS.get(fields["country"], Form())
    for name in form.needed:
        if not fields[name]:
            raise Invalid("bad_address", field=name)
    for name, pattern in (("phone", form.phone), ("postcode", form.postcode)):
        if not re.fullmatch(pattern, fields[name]):
            raise Invalid("bad_address", field=name)
    return Address(**fields)


def checked_note(note: str) -> str:
    """What a buyer asks of the merchant, as it may be stored.

    Raises:
        Invalid: ``note_too_long``.
    """
    trimmed = "\n".join(line for line in map(_trimmed, note.splitlines()) if line)
    if len(trimmed) > MAX_NOTE:
        raise Invalid("note_too_long", max=MAX_NOTE)
    return trimmed


def _trimmed(text: str) -> str:
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())


class AddressBooks(Protocol):
    """Everybody's addresses."""

    async def of_person(self, person: PersonId) -> list[BookedAddress]:
        """A person's addresses, the default one first, then newest first."""
        ...

    async def put(self, person: PersonId, address: BookedAddress, at_ms: int) -> None:
        """Adds an address, or changes the one with this id; a default one takes that from the others.

        The first address of a book is always the default.

        Raises:
            NotFound: ``address_not_found``: the id is in somebody else's book.
            Conflict: ``address_book_full``.
        """
        ...

    async def remove(self, person: PersonId, address: AddressId) -> None:
        """Takes an address out of a book; the newest takes the place of a default one. Orders keep it."""
        ...


class Delivery(Struct, frozen=True, kw_only=True):
    """Where an order goes, and what its buyer asks for; a later change of the book does not touch it."""

    order: OrderId
    buyer: PersonId
    address: Address | None
    """None where nothing is sent."""
    note: str = ""


class Deliveries(Protocol):
    """Where orders go."""

    async def find(self, orders: Sequence[OrderId]) -> dict[OrderId, Delivery]:
        """Deliveries by order; orders without one are left out."""
        ...

    async def put(self, delivery: Delivery, at_ms: int) -> None:
        """Keeps an unpaid order's delivery, in place of an earlier choice."""
        ...

    async def prune(self, before_ms: int) -> int:
        """Forgets deliveries chosen before then whose order was never paid; answers how many."""
        ...


class DeliveryDesk:
    """Settles where an order goes before it is paid."""

    def __init__(self, books: AddressBooks, deliveries: Deliveries) -> None:
        self._books = books
        self._deliveries = deliveries

    async def settle(
        self, order: OrderId, buyer: PersonId, address: str, note: str | None, needed: bool, at_ms: int
    ) -> None:
        """Keeps the chosen address; without a choice the earlier one stays, else it is the default one.

        Raises:
            Conflict: ``address_missing``: goods are sent, and there is no such address.
            Invalid: ``note_too_long``.
        """
        earlier = (await self._deliveries.find([order])).get(order)
        if earlier is not None and not address and note is None:
            return
        known = earlier or Delivery(order=order, buyer=buyer, address=None)
        where = await self._chosen(buyer, address, known.address) if needed else None
        said = known.note if note is None else checked_note(note)
        await self._deliveries.put(replace(known, address=where, note=said), at_ms)

    async def _chosen(self, buyer: PersonId, address: str, earlier: Address | None) -> Address:
        if earlier is not None and not address:
            return earlier
        for one in await self._books.of_person(buyer):
            if address in ("", one.address):
                return plain(one)
        raise Conflict("address_missing")


def plain(booked: BookedAddress) -> Address:
    """An address without its place in a book."""
    return Address(**{name: getattr(booked, name) for name in Address.__struct_fields__})
