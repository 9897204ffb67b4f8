"""The socket's AsyncAPI document, made from the message types."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec

from livecommerce.gateway.close_codes import Close
from livecommerce.gateway.encodings import ENCODINGS
from livecommerce.gateway.messages.from_client import ClientMessages
from livecommerce.gateway.messages.to_client import ServerMessages

_REFS = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """The whole vocabulary of version 1 as AsyncAPI 3."""
    sent, received = get_args(ClientMessages), get_args(ServerMessages)
    _, schemas = msgspec.json.schema_components([*sent, *received], ref_template=_REFS)
    codes = "\n".join(f"- {close.value} {close.name.lower()}" for close in Close)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Live Commerce room socket",
            "version": "1",
            "description": (
                "A client sends one object per frame, the server an array of objects per flush. "
                f"Subprotocols: {', '.join(ENCODINGS)}. Close codes 4000–4499 mean connect again, "
                f"4500–4999 do not:\n{codes}"
            ),
        },
        "channels": {
            "room": {
                "address": "/ws/{room}",
                "parameters": {"room": {"description": "The room's id."}},
                "messages": {_tag(kind): _message(kind) for kind in (*sent, *received)},
            }
        },
        "operations": {
            "receiveFromClient": _operation("receive", sent),
            "sendToClient": _operation("send", received),
        },
        "components": {"schemas": schemas},
    }


def render() -> str:
    """The document as it is kept in ``docs/asyncapi.json``."""
    return json.dumps(document(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _operation(action: str, kinds: tuple[Any, ...]) -> dict[str, Any]:
    messages = [{"$ref": f"#/channels/room/messages/{_tag(kind)}"} for kind in kinds]
    return {"action": action, "channel": {"$ref": "#/channels/room"}, "messages": messages}


def _message(kind: Any) -> dict[str, Any]:
    summary = (kind.__doc__ or "").strip().split("\n")[0]
    return {"summary": summary, "payload": {"$ref": _REFS.format(name=kind.__name__)}}


def _tag(kind: Any) -> str:
    return str(kind.__struct_config__.tag)
