"""Updates are written down before they are acknowledged, and each is handled in one commit.

:func:`accept` stores updates as they came. :class:`Worker` takes the oldest open update of each
chat, runs the handler in one transaction together with the mark that it is done, and sets an
update aside after repeated failure, so that one chat's trouble is never another's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, bindparam, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.ports import Clock
from bot.services.queue.drain import Drain, Store, insert_new, where
from models.base import uuid7
from models.delivery import WAKES, Inbox, InboxState, literally

log = structlog.get_logger(__name__)

BATCH = 16
ATTEMPTS = 3
CRASHES = 6
"""A process may be killed for other reasons, so that many ends are needed to blame an update."""

LEASE = timedelta(minutes=5)
PATIENCE = timedelta(seconds=30)
RETRY = timedelta(seconds=1)

Update = tuple[str, int, str, Mapping[str, Any]]
"""key (unique within the source), seq (order within the chat), chat key, payload."""


async def accept(
    session: AsyncSession,
    source: str,
    rows: Sequence[Update],
    *,
    now: datetime,
    wait_for_gap: timedelta = timedelta(),
) -> int:
    """Store updates that are not stored yet; how many were new. Acknowledge after the commit.

    ``wait_for_gap``: where updates come by webhook and a smaller ``seq`` is missing, the row waits
    this long for it.
    """
    if not rows:
        return 0
    last = (
        (await session.execute(select(func.max(Inbox.seq)).where(Inbox.source == source))).scalar()
        if wait_for_gap
        else None
    )
    fresh = []
    for key, seq, chat_key, payload in sorted(rows, key=lambda row: row[1]):
        row_id = uuid7()
        gap = last is not None and seq > last + 1
        fresh.append(
            {
                "id": row_id,
                "source": source,
                "key": key,
                "seq": seq,
                "chat_key": chat_key,
                "payload_sealed": Inbox.payload.seal(row_id, dict(payload)),
                "state": InboxState.OPEN,
                "attempts": 0,
                "received_at": now,
                "run_at": now + wait_for_gap if gap else now,
                "last_error": "",
            }
        )
        last = seq if last is not None else None
    session.info.setdefault(WAKES, set()).add("inbox")
    return await insert_new(session, Inbox, fresh, ["source", "key"])


Handle = Callable[[AsyncSession, Mapping[str, Any]], Awaitable[None]]
"""Handles one update in the given session; never commits. An exception undoes all of it."""

OnDead = Callable[[AsyncSession, Inbox], Awaitable[None]]


async def _ignore_dead(_session: AsyncSession, _row: Inbox) -> None:
    return None


# Built once: to put a statement together costs more than to run it.
_older = aliased(Inbox)
_open = aliased(Inbox)
_CLAIMABLE = (
    select(
        Inbox,
        select(func.count()).where(_open.state == literally(InboxState.OPEN)).scalar_subquery(),
    )
    .where(
        Inbox.state == InboxState.OPEN,
        Inbox.run_at <= bindparam("now"),
        ~exists().where(
            _older.chat_key == Inbox.chat_key,
            _older.seq < Inbox.seq,
            _older.state.in_(literally(InboxState.OPEN, InboxState.LEASED)),
        ),
    )
    .order_by(Inbox.run_at)
    .limit(bindparam("room"))
    .with_for_update(skip_locked=True, of=Inbox)
)
_NEXT = select(func.min(Inbox.run_at)).where(
    Inbox.state == InboxState.OPEN, Inbox.run_at > bindparam("now")
)
_DONE = (
    update(Inbox)
    .where(Inbox.id == bindparam("row"), Inbox.lease_token == bindparam("token"))
    .values(
        state=InboxState.DONE,
        payload_sealed=None,
        done_at=bindparam("now"),
        lease_token=None,
        lease_until=None,
    )
    .returning(Inbox.id)
    .execution_options(synchronize_session=False)
)


@dataclass(frozen=True, slots=True)
class Taken:
    """An update in our hands."""

    row: Inbox
    token: UUID


class Worker(Drain[Taken]):
    """Handles updates: side by side across chats, one after another within a chat.

    The claim counts an attempt in a commit of its own, so that an update which kills the process
    is counted too. ``on_dead(session, row)`` runs in the commit that sets an update aside.
    """

    def __init__(
        self,
        db: Store,
        clock: Clock,
        handle: Handle,
        *,
        on_dead: OnDead = _ignore_dead,
        attempts: int = ATTEMPTS,
        patience: timedelta = PATIENCE,
        retry: timedelta = RETRY,
    ) -> None:
        super().__init__(db, clock, "inbox", BATCH)
        self._handle = handle
        self._on_dead = on_dead
        self._attempts = attempts
        self._patience = patience
        self._retry = retry
        self._apart_now: UUID | None = None

    def item_id(self, item: Taken) -> UUID:
        return item.row.id

    async def held(self, session: AsyncSession) -> Sequence[UUID]:
        leased = select(Inbox.lease_token).where(Inbox.state == InboxState.LEASED)
        return [token for token in await session.scalars(leased) if token is not None]

    async def take_back(self, tokens: Sequence[UUID]) -> None:
        async with self._db.write() as session:
            await self._take_back(session, self._clock.now(), Inbox.lease_token.in_(tokens))

    async def claim(self, room: int) -> tuple[list[Taken], datetime | None]:
        if self._apart_now in self.in_flight:
            return [], None
        now = self._clock.now()
        async with self._db.write() as session:
            if self.looks_back(now):
                await self._take_back(session, now, Inbox.lease_until < now)
            found = (await session.execute(_CLAIMABLE, {"now": now, "room": room})).all()
            taken = []
            for row in self._apart([row for row, _ in found]):
                row.state, row.lease_token = InboxState.LEASED, self._db.token()
                row.lease_until = now + LEASE
                row.attempts += 1
                taken.append(Taken(row, row.lease_token))
            if taken:
                self.leaves(found[0][1] > len(taken))
                # A full hand may have left some.
                return taken, now if len(taken) == room else None
            return [], (await session.execute(_NEXT, {"now": now})).scalar_one()

    def _apart(self, rows: Sequence[Inbox]) -> Sequence[Inbox]:
        """A row that failed before, perhaps by ending the process, is handled with no other beside
        it, so that no other is blamed for what it does this time."""
        for at, row in enumerate(rows):
            if row.attempts and (at or self.in_flight):
                return rows[:at]
            if row.attempts:
                self._apart_now = row.id
                return [row]
        return rows

    async def work(self, item: Taken) -> None:
        try:
            await self._handle_once(item)
            self.tally["done"] += 1
        except Exception as error:
            problem = where(error)
            self.tally["failed"] += 1
            log.error("update failed", row=str(item.row.id), error=problem)
            away = self._db.away(error)
            await self.insist(lambda: self._failed(item, problem, away))
            self.wake()

    async def _handle_once(self, item: Taken) -> None:
        payload = item.row.payload
        async with self._db.write() as session:
            # The mark comes first: it proves that the lease is still ours, and it is undone with
            # everything else when the handler raises.
            marked = await session.execute(
                _DONE, {"row": item.row.id, "token": item.token, "now": self._clock.now()}
            )
            if marked.scalar_one_or_none() is None:
                return
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._handle(session, payload)

    async def _failed(self, item: Taken, problem: str, away: bool) -> None:
        """``away``: the database was, which counts as no attempt: nobody's words are set aside for it."""
        now = self._clock.now()
        async with self._db.write() as session:
            row = (
                await session.execute(
                    select(Inbox)
                    .where(Inbox.id == item.row.id, Inbox.lease_token == item.token)
                    .with_for_update()
                )
            ).scalar_one_or_none()
            if row is not None:
                row.last_error = problem
                wait = self._retry * row.attempts
                row.attempts -= away
                await self._reopen(session, row, now, wait, row.attempts >= self._attempts)

    async def _take_back(
        self, session: AsyncSession, now: datetime, lost: ColumnElement[bool]
    ) -> None:
        rows = await session.execute(
            select(Inbox)
            .where(Inbox.state == InboxState.LEASED, Inbox.id.not_in(self.in_flight), lost)
            .with_for_update(skip_locked=True)
        )
        for row in rows.scalars():
            row.last_error = "the process ended while it was being handled"
            given_up = row.attempts >= max(self._attempts, CRASHES)
            await self._reopen(session, row, now, None, given_up)

    async def _reopen(
        self,
        session: AsyncSession,
        row: Inbox,
        now: datetime,
        wait: timedelta | None,
        given_up: bool,
    ) -> None:
        row.lease_token = row.lease_until = None
        if given_up:
            row.state, row.done_at = InboxState.DEAD, now
            await session.flush()
            await self._on_dead(session, row)
        else:
            row.state = InboxState.OPEN
            row.run_at = row.run_at if wait is None else now + wait


async def sweep_inbox(session: AsyncSession, now: datetime, keep: timedelta) -> None:
    """Delete updates done longer than ``keep`` ago, and blank those set aside so long.

    Update ids start anew after a week of silence, so old rows would swallow new updates.
    """
    await session.execute(
        delete(Inbox).where(Inbox.state == InboxState.DONE, Inbox.done_at < now - keep)
    )
    await session.execute(
        update(Inbox)
        .where(Inbox.state == InboxState.DEAD, Inbox.done_at < now - keep)
        .values(payload_sealed=None)
    )
