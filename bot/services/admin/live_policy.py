"""The policy now in force: the packaged one with the promises and limits that admins changed (承诺与限额)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.limits import changed
from bot.law.policy import Policy
from bot.services.admin import revisions
from bot.services.queue.drain import Store
from bot.services.queue.keep_up import COMPARE_SECONDS, keep_up

KIND = "limits"
"""Of a revision, and of the wake-up after one was made."""


class LivePolicy:
    """Every process compares the number of its version, and takes up another."""

    def __init__(self, packaged: Policy) -> None:
        self.packaged = self.policy = packaged
        self.number = 0
        self._told = asyncio.Event()

    def look(self) -> None:
        """There is a new version: the loop compares at once."""
        self._told.set()

    async def refresh(self, db: Store) -> None:
        """Take up the version in force, if it is another."""
        async with db.read() as session:
            row = await revisions.active(session, KIND)
        number = row.version if row is not None else 0
        if number != self.number:
            self.policy = changed(self.packaged, row.body.get("values", {}) if row else {})
            self.number = number

    async def follow(
        self, db: Store, stop: asyncio.Event, seconds: float = COMPARE_SECONDS
    ) -> None:
        """Compare every so many ``seconds`` until ``stop``."""
        await keep_up(KIND, lambda: self.refresh(db), stop, seconds, self._told)


async def body(session: AsyncSession) -> Mapping[str, object]:
    """What stands in the version in force: ``values`` by name, ``checked`` by whom and when."""
    row = await revisions.active(session, KIND)
    found: Mapping[str, object] = row.body if row is not None else {}
    return found
