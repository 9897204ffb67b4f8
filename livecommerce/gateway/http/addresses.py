"""A person's address book, and where an order goes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from livecommerce.accounts import Person
from livecommerce.addresses import Address, AddressBooks, AddressId, BookedAddress, Deliveries, checked
from livecommerce.clock import Clock
from livecommerce.errors import NotFound
from livecommerce.gateway.auth import Door
from livecommerce.gateway.http.json import answer, read
from livecommerce.ids import OrderId, PersonId, is_id, new_id
from livecommerce.orders import OpenOrders, OrderStore


class AddressForm(Address, frozen=True, kw_only=True):
    """An address as somebody filled it in."""

    is_default: bool = False


class AddressRoutes:
    """The handlers of ``/api/addresses``; everybody sees only their own."""

    def __init__(self, books: AddressBooks, door: Door, clock: Clock) -> None:
        self._books = books
        self._door = door
        self._clock = clock

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            Route("/api/addresses", self.list_all, methods=["GET"]),
            Route("/api/addresses", self.add, methods=["POST"]),
            Route("/api/addresses/{address}", self.change, methods=["PUT"]),
            Route("/api/addresses/{address}", self.remove, methods=["DELETE"]),
        ]

    async def list_all(self, request: Request) -> Response:
        """The book, the default address first."""
        person = await self._person(request)
        return answer({"addresses": await self._books.of_person(person)})

    async def add(self, request: Request) -> Response:
        """One more address."""
        return await self._put(request, AddressId(new_id()), 201)

    async def change(self, request: Request) -> Response:
        """Another content of an address; orders that go there are not touched."""
        person, address = await self._person(request), self._address(request)
        if all(one.address != address for one in await self._books.of_person(person)):
            raise NotFound("address_not_found")
        return await self._put(request, address, 200)

    async def remove(self, request: Request) -> Response:
        """Takes an address out of the book."""
        await self._books.remove(await self._person(request), self._address(request))
        return Response(status_code=204)

    async def _put(self, request: Request, address: AddressId, status: int) -> Response:
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

    async def show(request: Request) -> Response:
        person, order = await door.signed_in(request), OrderId(request.path_params["order"])
        if not is_id(order) or not await _may_see(person, order):
            raise NotFound("order_not_found")
        found = (await deliveries.find([order])).get(order)
        return answer({"address": found.address if found else None, "note": found.note if found else ""})

    async def _may_see(person: Person, order: OrderId) -> bool:
        stored = await store.find(order)
        if stored is not None:
            buyer, row = stored
            return person.person == buyer or person.has_role("merchant", row.shop)
        open_order = await live.find(order)
        return open_order is not None and open_order.buyer == person.person

    return [Route("/api/orders/{order}/delivery", show, methods=["GET"])]
