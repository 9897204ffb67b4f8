"""Lets workers know that media processes have a gateway to report to."""

from __future__ import annotations

import asyncio
import logging

from livecommerce.errors import Unavailable
from livecommerce.room.pictures import LISTEN_SECONDS, PictureReports

log = logging.getLogger(__name__)


class PictureListener:
    """One gateway's."""

    def __init__(self, reports: PictureReports) -> None:
        self._reports = reports

    async def run(self) -> None:
        """Says so until it is cancelled."""
        while True:
            try:
                await self._reports.listen()
            except Unavailable as error:
                log.debug("pictures: %s", error)
            await asyncio.sleep(LISTEN_SECONDS)
