"""The HTTP API's OpenAPI document, made from its operations and the types of their bodies."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from livecommerce.gateway.auth import COOKIE
from livecommerce.gateway.field_words import describe_fields
from livecommerce.gateway.http.operation import ANYBODY, PARAMETER, MediaType, Operation, Resource
from livecommerce.gateway.translate import ErrorBody, status_of

PATH = "/api/openapi.json"
JSON = "application/json"

TAGS = {
    "session": "Signing in and out.",
    "rooms": "Shows and their live rooms.",
    "schedule": "Who is on when: brands ask for a part of a show, hosts answer.",
    "orders": "What a buyer holds, pays and has bought.",
    "after-sales": "Parcels and returns as the buyer sees them.",
    "addresses": "Where parcels go.",
    "coupons": "A person's coupons.",
    "catalog": "A shop's products, variants and stock, files of them, and what was changed.",
    "shops": "What shops promise, and what their carriers need.",
    "merchant": "A merchant's desk: orders, parcels, returns, refunds.",
    "console": "The operator's view of the deployment.",
    "callbacks": "What other systems tell, signed.",
    "deployment": "How this deployment is, and what it is set to.",
}
"""Heading → what stands under it."""

SCHEMES = {
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "A browser's session. Changes count only from our own pages (`Origin`).",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A session token, minted with the deployment's key.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks, beside `webhook-id` and `webhook-timestamp`; "
        "of payment providers whatever they sign with.",
    },
}

PARAMETERS = {
    "address": "An address of the book.",
    "owner": "A person (a creator) or a shop (a merchant, a brand).",
    "order": "An order; the hold that it was has the same id.",
    "product": "A product of the shop.",
    "provider": "A payment provider's name.",
    "return_id": "A return of the order.",
    "room": "A show's room.",
    "segment": "A segment of a show.",
    "shop": "A shop.",
    "sku": "A variant of the product.",
}
"""What stands in paths."""

_REFS = "#/components/schemas/{name}"


def openapi_route(routes: Iterable[BaseRoute]) -> Operation:
    """``GET /api/openapi.json``, which describes other routes and itself."""
    made: list[bytes] = []

    async def show_openapi(_request: Request) -> Response:
        """This document."""
        if not made:
            made.append(json.dumps(document([*routes, route])).encode())
        return Response(made[0], media_type=JSON)

    route = Resource("deployment", ANYBODY).operation("GET", PATH, show_openapi, MediaType(JSON))
    return route


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """The operations among some routes as OpenAPI 3.1; other routes are no part of the API."""
    operations = [route for route in routes if isinstance(route, Operation)]
    kinds = list(dict.fromkeys(kind for one in operations for kind in _kinds(one)))
    _, schemas = msgspec.json.schema_components(kinds, ref_template=_REFS)
    describe_fields(kinds, schemas)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Live Commerce HTTP API",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "See docs/http-api.md for errors, sessions, idempotency keys, paging, money and "
            "times. What happens in a room travels over the socket: docs/asyncapi.json.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SCHEMES},
    }


def render(routes: Iterable[BaseRoute]) -> str:
    """The document as it is kept in ``docs/openapi.json``."""
    return json.dumps(document(routes), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def operation_id(one: Operation) -> str:
    """What generated clients call an operation."""
    return f"{one.tag.replace('-', '_')}_{one.endpoint.__name__.strip('_')}"


def _kinds(one: Operation) -> Iterable[Any]:
    return (kind for kind in (one.returns, *one.also, one.takes, ErrorBody) if _is_type(kind))


def _is_type(kind: object) -> bool:
    return kind is not None and not isinstance(kind, MediaType)


def _operation(one: Operation) -> dict[str, Any]:
    text, _, _ = inspect.cleandoc(one.endpoint.__doc__ or "").partition("Raises:\n")
    summary, _, more = text.partition("\n\n")
    described: dict[str, Any] = {
        "operationId": operation_id(one),
        "tags": [one.tag],
        "summary": " ".join(summary.split()).removesuffix("."),
        "description": "\n\n".join(filter(None, (more.strip(), f"For: {one.caller.words}"))),
        "parameters": [*map(_path_parameter, one.param_convertors), *_query_parameters(one.query)],
        "responses": {**_refusals(one), **{str(status): _answer(one) for status in one.statuses}},
    }
    if one.takes is not None:
        described["requestBody"] = {"required": _is_body_needed(one.takes), "content": _content(one.takes)}
    if one.caller.schemes:
        ways: list[dict[str, list[str]]] = [{scheme: []} for scheme in one.caller.schemes]
        described["security"] = [*ways, {}] if one.caller.is_optional else ways
    return described


def _path_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": PARAMETERS[name],
        "schema": {"type": "string", "pattern": f"^{PARAMETER}$"},
    }


def _query_parameters(query: type[Any] | None) -> Iterable[dict[str, Any]]:
    if query is None:
        return
    _, schemas = msgspec.json.schema_components([query], ref_template=_REFS)
    describe_fields([query], schemas)
    for name, schema in schemas[query.__name__]["properties"].items():
        described = {"name": name, "in": "query", "required": False, "schema": schema}
        yield described | ({"description": schema.pop("description")} if "description" in schema else {})


def _is_body_needed(takes: Any) -> bool:
    """An empty body counts as ``{}``, which is fine where nothing in it is needed."""
    if isinstance(takes, MediaType):
        return True
    return any(field.required for field in msgspec.structs.fields(takes))


def _content(kind: Any) -> dict[str, Any]:
    if isinstance(kind, MediaType):
        return {kind.name: {"schema": {} if kind.name == JSON else {"type": "string"}}}
    return {JSON: {"schema": {"$ref": _REFS.format(name=kind.__name__)}}}


def _answer(one: Operation) -> dict[str, Any]:
    if one.returns is None:
        return {"description": "Done."}
    words = inspect.getdoc(one.returns) if _is_type(one.returns) else None
    forms = {name: form for kind in (one.returns, *one.also) for name, form in _content(kind).items()}
    return {"description": words or "The text.", "content": forms}


def _refusals(one: Operation) -> dict[str, Any]:
    by_status: dict[str, list[str]] = {}
    for kind, codes in one.refuses.items():
        by_status.setdefault(str(status_of(kind)), []).extend(codes)
    return {status: _refusal(codes) for status, codes in by_status.items()}


def _refusal(codes: list[str]) -> dict[str, Any]:
    code = {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}
    body = {"allOf": [{"$ref": _REFS.format(name=ErrorBody.__name__)}, code]}
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "content": {JSON: {"schema": body}},
    }
