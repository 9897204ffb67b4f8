"""uvicorn's HTTP connection, ended where a client sends without end, never finishes, or takes no answer."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

REQUEST_SECONDS = 30.0
"""How long a client may take to send a request."""
ANSWER_SECONDS = 30.0
"""How long it may take nothing of an answer that the kernel cannot keep for it."""
MAX_REQUEST_BYTES = 512 * 1024
"""Headers, the largest body that is read, and how it may be chopped up."""
MAX_PIPELINED = 8
"""Requests that wait for the answer to the one in front; browsers send none so."""


class HttpConnection(HttpToolsProtocol):
    """One client's connection, with the guards that uvicorn lacks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unfinished = 0
        self._request_due: asyncio.TimerHandle | None = None
        self._answer_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Expect a request."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        """Expect nothing any more."""
        _cancel(self._request_due)
        _cancel(self._answer_due)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless this is more than any request has."""
        self._unfinished += len(data)
        if self._unfinished > MAX_REQUEST_BYTES:
            self.transport.abort()
            return
        if self._request_due is None and not self._is_answering():
            self._expect_request()
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin a request; raise OverflowError, which the parser makes a 400, where too many wait."""
        if len(self.pipeline) >= MAX_PIPELINED:
            raise OverflowError
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Answer; that takes as long as it takes."""
        self._unfinished = 0
        _cancel(self._request_due)
        self._request_due = None
        super().on_message_complete()

    def pause_writing(self) -> None:
        """Give the client time to read."""
        super().pause_writing()
        self._answer_due = self.loop.call_later(ANSWER_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It has read."""
        _cancel(self._answer_due)
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection, and one whose last answer is still here: closing would wait for it."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        super().timeout_keep_alive_handler()

    def _expect_request(self) -> None:
        self._request_due = self.loop.call_later(REQUEST_SECONDS, self.transport.abort)

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
