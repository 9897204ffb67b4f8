"""A person's address book, and where an order goes."""

from __future__ import annotations

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from livecommerce.accounts import Person
from livecommerce.addresses import Address, AddressBooks, AddressId, BookedAddress, Deliveries, checked
from livecommerce.clock import Clock
from livecommerce.errors import Conflict, Invalid, NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import Answer, answer, read
from livecommerce.gateway.http.operation import SIGNED_IN, Refusals, Resource
from livecommerce.ids import OrderId, PersonId, is_id, new_id
from livecommerce.orders import OpenOrders, OrderStore


class AddressForm(Address, frozen=True, kw_only=True):
    """An address as somebody filled it in."""

    is_default: bool = False


class AddressBook(Struct, frozen=True):
    """A person's addresses."""

    addresses: list[BookedAddress]


class DeliveryView(Struct, frozen=True, kw_only=True):
    """Where an order goes, and what its buyer asks for."""

    address: Address | None
    """Null: nothing is sent."""
    note: str


class AddressRoutes:
    """The handlers of ``/api/addresses``; everybody sees only their own."""

    def __init__(self, books: AddressBooks, door: Door, clock: Clock) -> None:
        self._books = books
        self._door = door
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        api, one = Resource("addresses", SIGNED_IN), "/api/addresses/{address}"
        wrong: Refusals = {Invalid: ["bad_address"], Conflict: ["address_book_full"]}
        missing: Refusals = {NotFound: ["address_not_found"]}
        return [
            api.operation("GET", "/api/addresses", self.list_all, AddressBook),
            api.operation(
                "POST",
                "/api/addresses",
                self.add,
                BookedAddress,
                status=201,
                takes=AddressForm,
                refuses=wrong,
            ),
            api.operation(
                "PUT", one, self.change, BookedAddress, takes=AddressForm, refuses={**wrong, **missing}
            ),
            api.operation("DELETE", one, self.remove, refuses=missing),
        ]

    async def list_all(self, request: Request) -> Answer[AddressBook]:
        """The book, the default address first."""
        person = await self._person(request)
        return answer(AddressBook(await self._books.of_person(person)))

    async def add(self, request: Request) -> Answer[BookedAddress]:
        """One more address."""
        return await self._put(request, AddressId(new_id()), 201)

    async def change(self, request: Request) -> Answer[BookedAddress]:
        """Another content of an address; orders that go there are not touched."""
        person, address = await self._person(request), self._address(request)
        if all(one.address != address for one in await self._books.of_person(person)):
            raise NotFound("address_not_found")
        return await self._put(request, address, 200)

    async def remove(self, request: Request) -> Response:
        """Takes an address out of the book."""
        await self._books.remove(await self._person(request), self._address(request))
        return Response(status_code=204)

    async def _put(self, request: Request, address: AddressId, status: int) -> Answer[BookedAddress]:
        person = await self._person(request)
        form = await read(request, AddressForm)
        fields = checked(Address(**{name: getattr(form, name) for name in Address.__struct_fields__}))
        booked = BookedAddress(
            **{name: getattr(fields, name) for name in Address.__struct_fields__},
            address=address,
            is_default=form.is_default,
        )
        await self._books.put(person, booked, self._clock())
        kept = {one.address: one for one in await self._books.of_person(person)}
        return answer(kept[address], status)

    async def _person(self, request: Request) -> PersonId:
        return PersonId((await self._door.signed_in(request)).person)

    def _address(self, request: Request) -> AddressId:
        return AddressId(request.path_params["address"])


def delivery_routes(
    deliveries: Deliveries, live: OpenOrders, store: OrderStore, door: Door
) -> list[BaseRoute]:
    """``GET /api/orders/{order}/delivery``, for the buyer, and once it is paid for the shop that sends it."""

    async def show_delivery(request: Request) -> Answer[DeliveryView]:
        """Where an order goes; for its buyer and, once it is paid, for the shop that sends it."""
        person, order = await door.signed_in(request), OrderId(request.path_params["order"])
        if not is_id(order) or not await _may_see(person, order):
            raise NotFound("order_not_found")
        found = (await deliveries.find([order])).get(order)
        return answer(
            DeliveryView(address=found.address if found else None, note=found.note if found else "")
        )

    async def _may_see(person: Person, order: OrderId) -> bool:
        stored = await store.find(order)
        if stored is not None:
            buyer, row = stored
            return person.person == buyer or person.has_role("merchant", row.shop)
        open_order = await live.find(order)
        return open_order is not None and open_order.buyer == person.person

    return [
        Resource("addresses", SIGNED_IN).operation(
            "GET",
            "/api/orders/{order}/delivery",
            show_delivery,
            DeliveryView,
            refuses={NotFound: ["order_not_found"]},
        )
    ]
