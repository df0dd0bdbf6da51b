"""The loop that both workers share: claim due rows, work on them side by side, wait to be woken.

Rows are the truth; a wake-up may be lost or doubled, so the loop also looks by itself each second.
"""

from __future__ import annotations

import asyncio
import traceback
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from functools import cache
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, Generic, Protocol, TypeVar, cast
from uuid import UUID

import structlog
from sqlalchemy import CursorResult, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Clock
from models.base import Base

log = structlog.get_logger(__name__)

LONGEST_NAP = 1.0
SHORTEST_NAP = 0.01
GRACE = 20.0
INSISTENCE = 5

Item = TypeVar("Item")


class Store(Protocol):
    """The part of the database that the workers need. ``sole``: no other process works on it."""

    @property
    def sole(self) -> bool: ...

    def token(self) -> UUID:
        """A new fencing token."""
        ...

    async def orphans(self, tokens: Iterable[UUID]) -> list[UUID]:
        """Those of ``tokens`` (read before this call) whose holder is no more."""
        ...

    def away(self, error: BaseException) -> bool:
        """Whether the database could not be used for a while: that is the fault of no work in hand."""
        ...

    def write(self) -> AbstractAsyncContextManager[AsyncSession]: ...
    def read(self) -> AbstractAsyncContextManager[AsyncSession]: ...
    def listen(self, kind: str, wake: Callable[[], None]) -> None: ...


class Drain(ABC, Generic[Item]):
    """A worker over one table; ``kind`` is what a commit wakes it by."""

    def __init__(self, db: Store, clock: Clock, kind: str, concurrency: int) -> None:
        self._db = db
        self._clock = clock
        self._kind = kind
        self._concurrency = concurrency
        self.tally: Counter[str] = Counter()
        self._woken = asyncio.Event()
        self.in_flight: set[UUID] = set()
        self._behind = True
        self._look_back_at: datetime | None = None
        db.listen(kind, self.wake)

    def wake(self) -> None:
        """Look now; called after a commit that wrote work."""
        self._woken.set()

    @abstractmethod
    def item_id(self, item: Item) -> UUID: ...

    @abstractmethod
    async def held(self, session: AsyncSession) -> Sequence[UUID]:
        """The tokens of everything leased, whoever holds it."""

    @abstractmethod
    async def take_back(self, tokens: Sequence[UUID]) -> None:
        """Free what was leased under these tokens; their holders are no more."""

    async def recover(self) -> None:
        """Take back what dead processes held."""
        async with self._db.read() as session:
            tokens = await self.held(session)
        if orphans := await self._db.orphans(tokens) if tokens else []:
            log.warning("taken back from a dead process", kind=self._kind, count=len(orphans))
            await self.take_back(orphans)

    @abstractmethod
    async def claim(self, room: int) -> tuple[list[Item], datetime | None]:
        """Up to ``room`` items, and when to look again (None: when woken)."""

    @abstractmethod
    async def work(self, item: Item) -> None: ...

    def leaves(self, waiting: bool) -> None:
        """Tell at the end of a claim whether rows wait behind those in hand: only then need we look
        again when one of these is done. What other processes hold, we cannot know."""
        self._behind = waiting or not self._db.sole

    def looks_back(self, now: datetime) -> bool:
        """Whether it is time to look for ended leases again: once a second is enough of that."""
        due = self._look_back_at is None or now >= self._look_back_at
        if due:
            self._look_back_at = now + timedelta(seconds=LONGEST_NAP)
        return due

    async def drain_once(self) -> int:
        """Claim once and work to the end; how many items that were."""
        claimed, _ = await self.claim(self._concurrency)
        self.in_flight |= {self.item_id(item) for item in claimed}
        await asyncio.gather(*(self._guarded(item) for item in claimed))
        return len(claimed)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop`` is set, then finish what is in hand."""
        tasks: set[asyncio.Task[None]] = set()
        halt = asyncio.create_task(stop.wait())
        looked = -inf
        while not stop.is_set():
            self._woken.clear()
            self._behind = True
            nap = LONGEST_NAP
            try:
                if monotonic() - looked > LONGEST_NAP:
                    await self.recover()
                    looked = monotonic()
                room = self._concurrency - len(tasks)
                claimed, again = await self.claim(room) if room else ([], None)
            except Exception as error:
                # The database is away or full: rows wait, and so do we.
                log.error("claim failed", error=where(error))
                claimed, again = [], None
            for item in claimed:
                self.in_flight.add(self.item_id(item))
                task = asyncio.create_task(self._guarded(item))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            if again is not None:
                nap = (again - self._clock.now()).total_seconds()
            if not claimed or nap > 0:
                await self._nap(halt, min(max(nap, SHORTEST_NAP), LONGEST_NAP))
        halt.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=GRACE)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _nap(self, halt: asyncio.Task[Any], seconds: float) -> None:
        woken = asyncio.create_task(self._woken.wait())
        await asyncio.wait({halt, woken}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()

    async def _guarded(self, item: Item) -> None:
        try:
            await self.work(item)
        except Exception as error:
            # What could not even be marked stays leased, and is taken back when the lease ends.
            log.error("work failed", error=where(error))
        finally:
            self.in_flight.discard(self.item_id(item))
            if self._behind:
                self.wake()

    async def insist(self, mark: Callable[[], Awaitable[None]]) -> None:
        """Write down what happened outside, again when the database is briefly away."""
        for attempt in range(1, INSISTENCE + 1):
            try:
                return await mark()
            except (DBAPIError, OSError) as error:
                if attempt == INSISTENCE:
                    raise
                log.warning("mark failed", error=where(error))
                await asyncio.sleep(LONGEST_NAP)
        return None


def where(error: BaseException) -> str:
    """An error's type and place, without its message: that may hold what a person wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


async def insert_new(
    session: AsyncSession, table: type[Base], rows: Sequence[dict[str, Any]], unique: list[str]
) -> int:
    """Insert the rows whose ``unique`` columns are new; how many that were."""
    if not rows:
        return 0
    statement = _insert_new(table, session.get_bind().dialect.name, tuple(unique))
    result = await session.execute(statement, rows[0] if len(rows) == 1 else list(rows))
    return cast("CursorResult[Any]", result).rowcount


@cache
def _insert_new(table: type[Base], dialect: str, unique: tuple[str, ...]) -> Insert:
    """Built once: to put a statement together costs more than to run it."""
    make = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = make(cast(Table, table.__table__)).on_conflict_do_nothing(index_elements=unique)
    return statement.inline().execution_options(preserve_rowcount=True)
