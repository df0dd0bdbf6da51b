"""Keep up with what other processes change (跟上变动): compare a number every so often, or as soon as one is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy.exc import DBAPIError

from bot.services.queue.drain import where

log = structlog.get_logger(__name__)

COMPARE_SECONDS = 5.0


async def keep_up(
    what: str,
    refresh: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    seconds: float = COMPARE_SECONDS,
    told: asyncio.Event | None = None,
) -> None:
    """Call ``refresh`` until ``stop``, every so many ``seconds`` and whenever ``told`` is set. ``what`` names it in
    the log when the database did not answer."""
    while not stop.is_set():
        if told is not None:
            told.clear()
        try:
            await refresh()
        except (DBAPIError, OSError) as error:
            log.warning("not compared", what=what, error=where(error))
        waiting = [asyncio.ensure_future(each.wait()) for each in (stop, told) if each is not None]
        try:
            await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*waiting, return_exceptions=True)
