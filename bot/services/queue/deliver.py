"""What is owed to the outside is written with the change that owes it, and sent afterwards.

:func:`owe` writes a message, :func:`owe_errand` other outside work (a file to fetch, a webhook).
:class:`Deliverer` claims due rows under a lease with a fencing token and sends them, at least
once: what a crash interrupted is sent again, except a notice, which is set aside as ``unknown``.
Rows of one ordering key go one after another; replies go before hand-overs, those before notices.
The copies of a notice to all subscribers are rows of their own (:mod:`bot.services.outreach.copies`); they take
what the others leave of the budget.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID, uuid4

import structlog
from sqlalchemy import Table, and_, bindparam, case, delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.ports import Clock, Message
from bot.services.outreach import copies
from bot.services.queue.drain import LONGEST_NAP, Drain, Store, insert_new, where
from models.base import uuid7
from models.delivery import (
    WAKES,
    Outbox,
    OutboxState,
    Priority,
    RateSlot,
    Refused,
    literally,
)
from models.outreach import Delivery, Notice

log = structlog.get_logger(__name__)

ERRAND = "errand"
"""The channel of rows that are not messages."""

BATCH = 64
HORIZON = timedelta(seconds=0.3)
"""How far ahead send slots are reserved; a new reply waits behind no more than this of notices."""

LATE = timedelta(milliseconds=30)
"""A send slot may be used so much after its time: at 29/s, no second sees a 31st message while that is
less than the 34 ms to the next slot."""

FAR = timedelta(seconds=10)

FAILURES_TO_PAUSE = 3
CRASHES_TO_GIVE_UP = 30
"""Ends of the process that one reply may be part of: it is claimed beside others, so a short crash loop
must not cost innocent people their answers, and one that truly kills the process must end some day."""

DEFECTS_TO_GIVE_UP = 3
TRIES_OF_A_NOTICE = 8

_dice = random.SystemRandom()


class Sender(Protocol):
    """A channel's way out: sends, or edits the messages ``edit_ids``; the ids it made or kept.

    Raises Refused.
    """

    def __call__(
        self, target: str, message: Message, edit_ids: Sequence[Any] | None, /
    ) -> Awaitable[list[Any]]: ...


Finish = Callable[[AsyncSession], Awaitable[None]]
Errand = Callable[[Mapping[str, Any]], Awaitable[Finish | None]]
"""Does outside work for a payload; what it returns is run in the commit that marks it done.

It may be run twice when the process dies, so it must bear that. Raises Refused.
"""

Row = Outbox | Delivery
AnyRow = TypeVar("AnyRow", Outbox, Delivery)
OnDead = Callable[[AsyncSession, Row, Refused], Awaitable[None]]
OnMoved = Callable[[AsyncSession, str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How fast a channel takes messages, and how long we keep trying.

    Only the channels in ``paced`` are held to a pace. In any minute a group gets no more than
    ``group_per_minute``, edits included.
    """

    per_second: float
    chat_per_second: float
    chat_burst: int
    group_per_minute: float
    paced: frozenset[str] = frozenset({"tg"})
    first_retry: timedelta = timedelta(seconds=5)
    last_retry: timedelta = timedelta(minutes=30)
    hold: timedelta = timedelta(seconds=60)
    reply_life: timedelta = timedelta(hours=4)
    longest_pause: timedelta = timedelta(seconds=60)
    lease: timedelta = timedelta(minutes=2)

    def chat(self, target: str) -> tuple[timedelta, int]:
        """The time between two messages to a chat, and how many may go at once."""
        if target.partition(":")[2].startswith("-"):
            # A burst counts into the minute, so the steady part is what is left of it.
            burst = max(1, min(self.chat_burst, int(self.group_per_minute) // 2))
            return timedelta(seconds=60 / max(self.group_per_minute - burst, 1)), burst
        return timedelta(seconds=1 / self.chat_per_second), self.chat_burst

    def retry_in(self, attempts: int) -> timedelta:
        """Doubling from ``first_retry`` to ``last_retry``, give or take a fifth."""
        wait: timedelta = min(self.first_retry * 2 ** min(attempts - 1, 20), self.last_retry)
        return wait * _dice.uniform(0.8, 1.2)


async def owe(
    session: AsyncSession,
    target: str,
    message: Message,
    *,
    now: datetime,
    key: str | None = None,
    slot: str = "",
    priority: int = Priority.REPLY,
    case_id: UUID | None = None,
    ordering: str | None = None,
    run_at: datetime | None = None,
) -> bool:
    """Owe ``message`` to the chat ``target`` (``tg:123``); it goes out after the commit.

    ``key``: owing the same key again changes nothing, except that a row still waiting takes the
    newer message and time (how an album's parts get one answer); returns False where the key's
    message has gone already. ``slot``: the message takes the place of the last one in the same slot
    of that chat. ``ordering``: rows of one ordering key go one after another; by default the
    chat's, with notices in a line of their own.
    """
    if ordering is None:
        ordering = f"{target}#notices" if priority == Priority.NOTICE else target
    return await _write_row(
        session,
        key,
        message.to_json(),
        {
            "channel": target.partition(":")[0],
            "target": target,
            "ordering_key": ordering,
            "kind": "message",
            "slot": slot,
            "priority": int(priority),
            "case_id": case_id,
        },
        now,
        run_at or now,
    )


async def owe_errand(
    session: AsyncSession,
    kind: str,
    payload: Mapping[str, Any],
    *,
    now: datetime,
    key: str | None = None,
    target: str = "",
    priority: int = Priority.REPLY,
    case_id: UUID | None = None,
    ordering: str | None = None,
    run_at: datetime | None = None,
) -> None:
    """Owe outside work other than a message: ``kind`` names the errand that the worker runs."""
    row_key = key or f"{uuid4()}"
    await _write_row(
        session,
        row_key,
        dict(payload),
        {
            "channel": ERRAND,
            "target": target,
            "ordering_key": ordering or f"{ERRAND}:{row_key}",
            "kind": kind,
            "slot": "",
            "priority": int(priority),
            "case_id": case_id,
        },
        now,
        run_at or now,
    )


async def _write_row(
    session: AsyncSession,
    key: str | None,
    payload: Any,
    fields: dict[str, Any],
    now: datetime,
    run_at: datetime,
) -> bool:
    session.info.setdefault(WAKES, set()).add("outbox")
    row_id = uuid7()
    row = {
        "id": row_id,
        "dedupe_key": key if key is not None else str(row_id),
        "payload_sealed": Outbox.payload.seal(row_id, payload),
        "created_at": now,
        "run_at": run_at,
        **fields,
    }
    if await insert_new(session, Outbox, [row], ["dedupe_key"]):
        return True
    found = (await session.execute(_BY_KEY, {"key": row["dedupe_key"]})).scalar_one()
    if found.state != OutboxState.DUE or found.attempts:
        return False
    found.payload, found.run_at = payload, run_at
    return True


# Built once: to put a statement together costs more than to run it.
_BY_KEY = select(Outbox).where(Outbox.dedupe_key == bindparam("key")).with_for_update()
_older = aliased(Outbox)
_CANDIDATES = (
    select(Outbox)
    .where(
        Outbox.state == literally(OutboxState.DUE),
        Outbox.channel == bindparam("channel"),
        Outbox.run_at <= bindparam("now"),
        ~exists().where(
            _older.ordering_key == Outbox.ordering_key,
            _older.id < Outbox.id,
            _older.state.in_(literally(OutboxState.DUE, OutboxState.LEASED)),
            or_(
                _older.state == OutboxState.LEASED,
                and_(
                    _older.state == OutboxState.DUE,
                    or_(
                        _older.run_at <= bindparam("now"),
                        _older.hold_until > bindparam("now"),
                    ),
                ),
            ),
        ),
    )
    .order_by(Outbox.priority, Outbox.run_at)
    .limit(bindparam("room"))
    .with_for_update(skip_locked=True, of=Outbox)
)
_ERRANDS = _CANDIDATES.where(Outbox.kind.in_(bindparam("kinds", expanding=True)))
_AHEAD = (
    select(
        Outbox.channel,
        func.min(Outbox.run_at),
        func.count(),
        func.sum(case((Outbox.run_at <= bindparam("now"), 1), else_=0)),
    )
    .where(Outbox.state == literally(OutboxState.DUE))
    .group_by(Outbox.channel)
)
_NEXT = select(func.min(Outbox.run_at)).where(
    Outbox.state == literally(OutboxState.DUE),
    Outbox.channel == bindparam("channel"),
    # Named, so that the index leads past a backlog to what lies in the future.
    Outbox.priority.in_(Priority.ALL),
    Outbox.run_at > bindparam("now"),
)
_LAST_IN_SLOT = (
    select(Outbox.message_ids)
    .where(
        Outbox.target == bindparam("target"),
        Outbox.slot == bindparam("slot"),
        Outbox.id < bindparam("row"),
        Outbox.state == OutboxState.SENT,
    )
    .order_by(Outbox.id.desc())
    .limit(1)
)
_SLOTS = (
    select(RateSlot)
    .where(RateSlot.key.in_(bindparam("keys", expanding=True)))
    .order_by(RateSlot.key)
    .with_for_update()
    # What was read before it was locked may be old by now.
    .execution_options(populate_existing=True)
)
# Of the table, not the class: so it takes many rows at once.
_SENT = (
    update(cast(Table, Outbox.__table__))
    .where(Outbox.id == bindparam("row"), Outbox.lease_token == bindparam("token"))
    .values(
        state=OutboxState.SENT,
        payload_sealed=None,
        message_ids=bindparam("ids"),
        sent_at=bindparam("now"),
        done_at=bindparam("now"),
        lease_token=None,
        lease_until=None,
    )
)
_SENT_ONE = _SENT.returning(Outbox.id)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row in our hands, and what to edit, if anything."""

    row: Row
    token: UUID
    edit_ids: list[Any] | None


@dataclass(slots=True)
class _Channel:
    """How a channel has been doing since its last success, and the send slots reserved on it: each
    message that is ready takes the soonest. ``slow``: how long it takes to reserve, of late.
    """

    failures: int = 0
    paused_until: datetime | None = None
    paused_for: timedelta = timedelta()
    slots: deque[datetime] = field(default_factory=deque)
    without_slot: int = 0
    slow: timedelta = timedelta()
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def horizon(self) -> timedelta:
        """How far ahead slots are reserved: they must be ours before they come."""
        return HORIZON + 2 * self.slow

    def pause(self, now: datetime) -> datetime | None:
        """Until when nothing goes out. A longer wait than was meant: the clock was moved back."""
        until = self.paused_until
        return until if until is not None and now < until <= now + self.paused_for else None

    def reserved(self, slots: Sequence[datetime], began: float) -> None:
        """Keep ``slots``, whose reservation ``began`` then; on a clock that no one can set."""
        self.slots.extend(slots)
        took = timedelta(seconds=monotonic() - began)
        self.slow = min(max(took, self.slow * 0.9), timedelta(seconds=1))


async def _ignore_dead(_session: AsyncSession, _row: Row, _refusal: Refused) -> None:
    return None


async def _ignore_moved(_session: AsyncSession, _old: str, _new: str) -> None:
    return None


class Deliverer(Drain[Claimed]):
    """Sends what is owed through the channels in ``send``, and runs the ``errands`` by kind.

    ``on_dead(session, row, refusal)`` runs in the commit that gives a row up (a blocked bot is a
    case of it: ``refusal.blocked``); ``on_moved(session, old, new)`` in the one that follows a chat
    to its new address.
    """

    def __init__(
        self,
        db: Store,
        clock: Clock,
        send: Mapping[str, Sender],
        limits: Limits,
        *,
        errands: Mapping[str, Errand] | None = None,
        on_dead: OnDead = _ignore_dead,
        on_moved: OnMoved = _ignore_moved,
    ) -> None:
        super().__init__(db, clock, "outbox", BATCH)
        self._send = dict(send)
        self._limits = limits
        self._errands = dict(errands or {})
        self._on_dead = on_dead
        self._on_moved = on_moved
        self._channels = {name: _Channel() for name in (*self._send, ERRAND)}
        self._arrived: dict[UUID, tuple[Claimed, list[Any]]] = {}
        self._marking = asyncio.Lock()

    def item_id(self, item: Claimed) -> UUID:
        return item.row.id if isinstance(item.row, Outbox) else item.token

    async def held(self, session: AsyncSession) -> Sequence[UUID]:
        leased = select(Outbox.lease_token).where(Outbox.state == OutboxState.LEASED)
        tokens = [token for token in await session.scalars(leased) if token is not None]
        return [*tokens, *await copies.tokens(session)]

    async def take_back(self, tokens: Sequence[UUID]) -> None:
        async with self._db.write() as session:
            await self._take_back(session, self._clock.now(), tokens)

    async def claim(self, room: int) -> tuple[list[Claimed], datetime | None]:
        now, began = self._clock.now(), monotonic()
        claimed: list[Claimed] = []
        again: list[datetime] = []
        slots: dict[str, list[datetime]] = {}
        async with self._db.write() as session:
            if self.looks_back(now):
                await self._take_back(session, now)
            waiting = (await session.execute(_AHEAD, {"now": now})).all()
            ahead = {channel: (first, many) for channel, first, many, _ in waiting}
            notices = await copies.going_out(session, now)
            for name, state in self._channels.items():
                first, many = ahead.get(name, (None, 0))
                if first is None and (name == ERRAND or not notices):
                    continue
                if (until := state.pause(now)) is not None:
                    again.append(until)
                    continue
                if not notices and first is not None and first > now:
                    again.append(first)
                    continue
                taken, next_try, slots[name] = await self._claim_channel(
                    session, name, 1 if state.failures else room - len(claimed), many, notices, now
                )
                claimed += taken
                if next_try is not None:
                    again.append(next_try)
            self.leaves(bool(notices) or sum(due for *_, due in waiting) > len(claimed))
        for name, reserved in slots.items():
            self._channels[name].reserved(reserved, began)
        return claimed, min(again, default=None)

    async def _claim_channel(
        self,
        session: AsyncSession,
        channel: str,
        room: int,
        due: int,
        notices: Sequence[Notice],
        now: datetime,
    ) -> tuple[list[Claimed], datetime | None, list[datetime]]:
        """Up to ``room`` of the ``due`` rows, when to look again, and the rows' send slots."""
        if channel not in self._limits.paced:
            return *await self._claim_rows(session, channel, room, due, notices, now), []
        state = self._channels[channel]
        # Only read here: the budget is locked at the end, so that others wait for it but briefly.
        budget = await session.get(RateSlot, channel)
        free_at = self._sane(budget.tat if budget else now, now)
        if free_at > now + state.horizon:
            return [], free_at - state.horizon / 2, []
        reach = (now + state.horizon - max(free_at, now)).total_seconds()
        # A message that missed its slot is in hand still, and goes before those not yet claimed.
        room = min(room, int(reach * self._limits.per_second) + 1 - state.without_slot)
        rows, next_try = await self._claim_rows(session, channel, room, due, notices, now)
        return rows, next_try, await self._reserve(session, channel, len(rows), now)

    async def _claim_rows(
        self,
        session: AsyncSession,
        channel: str,
        room: int,
        due: int,
        notices: Sequence[Notice],
        now: datetime,
    ) -> tuple[list[Claimed], datetime | None]:
        paced = channel in self._limits.paced
        rows = await self._candidates(session, channel, room, now)
        claimed: list[Claimed] = []
        for row in await self._within_chat_pace(session, rows, now) if paced else rows:
            row.state, row.lease_token = OutboxState.LEASED, self._db.token()
            row.lease_until = now + self._limits.lease
            row.attempts += 1
            edit_ids = await self._last_in_slot(session, row) if row.slot else None
            claimed.append(Claimed(row, row.lease_token, edit_ids))
        seen = len(rows)
        if notices and channel != ERRAND and seen < room:
            seen += await self._claim_copies(session, channel, room - seen, notices, now, claimed)
        if seen >= max(room, 1):
            return claimed, now
        if not notices and len(claimed) == due:
            return claimed, None
        waiting = await session.execute(_NEXT, {"channel": channel, "now": now})
        return claimed, waiting.scalar_one()

    async def _claim_copies(
        self,
        session: AsyncSession,
        channel: str,
        room: int,
        notices: Sequence[Notice],
        now: datetime,
        claimed: list[Claimed],
    ) -> int:
        """Add copies of notices to ``claimed``; how many were looked at."""
        paced = channel in self._limits.paced
        rows, seen = await copies.claimable(session, channel, room, notices, now)
        for copy in await self._within_chat_pace(session, rows, now) if paced else rows:
            copy.state, copy.lease_token = OutboxState.LEASED, self._db.token()
            copy.lease_until = now + self._limits.lease
            copy.attempts += 1
            claimed.append(Claimed(copy, copy.lease_token, None))
        return seen

    async def _candidates(
        self, session: AsyncSession, channel: str, room: int, now: datetime
    ) -> Sequence[Outbox]:
        """Due rows, the first of each ordering key, replies first."""
        if room <= 0:
            return []
        values: dict[str, Any] = {"channel": channel, "now": now, "room": room}
        if channel != ERRAND:
            return (await session.execute(_CANDIDATES, values)).scalars().all()
        values["kinds"] = list(self._errands)
        return (await session.execute(_ERRANDS, values)).scalars().all()

    async def _within_chat_pace(
        self, session: AsyncSession, rows: Sequence[AnyRow], now: datetime
    ) -> list[AnyRow]:
        """The rows whose chat may get one now; the others are put off to when it may."""
        slots = await self._slots(session, [f"chat:{row.target}" for row in rows], now)
        kept = []
        for row in rows:
            slot = slots[f"chat:{row.target}"]
            interval, burst = self._limits.chat(row.target)
            slot.tat = min(slot.tat, now + interval * burst)
            allowed_at = slot.tat - interval * (burst - 1)
            if allowed_at > now:
                row.run_at = allowed_at
                if isinstance(row, Outbox):
                    row.hold_until = allowed_at
            else:
                slot.tat = max(slot.tat, now) + interval
                kept.append(row)
        return kept

    async def _slots(
        self, session: AsyncSession, keys: Iterable[str], now: datetime
    ) -> dict[str, RateSlot]:
        """The slots of these keys, which nobody else changes until the commit."""
        keys = sorted(set(keys))
        if not keys:
            return {}
        found = {slot.key: slot for slot in await session.scalars(_SLOTS, {"keys": keys})}
        new = [{"key": key, "tat": now} for key in keys if key not in found]
        if new and self._db.sole:
            made = [RateSlot(**values) for values in new]
            session.add_all(made)
            found |= {slot.key: slot for slot in made}
        elif new:
            await insert_new(session, RateSlot, new, ["key"])
            found |= {slot.key: slot for slot in await session.scalars(_SLOTS, {"keys": keys})}
        return found

    async def _reserve(
        self, session: AsyncSession, channel: str, count: int, now: datetime
    ) -> list[datetime]:
        """The next ``count`` send slots of all processes; none before we can know that it is ours."""
        if not count:
            return []
        known = await session.get(RateSlot, channel) if self._db.sole else None
        budget = known or (await self._slots(session, [channel], now))[channel]
        first = max(self._sane(budget.tat, now), now + self._channels[channel].slow)
        slots = [first + timedelta(seconds=n / self._limits.per_second) for n in range(count + 1)]
        budget.tat = slots.pop()
        return slots

    def _sane(self, free_at: datetime, now: datetime) -> datetime:
        """No honest process reserves so far ahead; then the clock was moved back since."""
        farthest = FAR + timedelta(seconds=4 * BATCH / self._limits.per_second)
        return free_at if free_at <= now + farthest else now

    async def _turn(self, name: str) -> None:
        """Wait for a send slot in time; one that was missed is nobody's any more."""
        if name not in self._limits.paced:
            return
        channel = self._channels[name]
        while True:
            channel.without_slot += 1
            try:
                slot = await self._next_slot(name, channel)
            finally:
                channel.without_slot -= 1
            await asyncio.sleep((slot - self._clock.now()).total_seconds())
            if self._clock.now() - slot <= LATE:
                return

    async def _next_slot(self, name: str, channel: _Channel) -> datetime:
        while True:
            now = self._clock.now()
            while channel.slots:
                slot = channel.slots.popleft()
                if now - LATE <= slot == self._sane(slot, now):
                    return slot
            async with channel.gate:
                if not channel.slots:
                    now, began = self._clock.now(), monotonic()
                    async with self._db.write() as session:
                        slots = await self._reserve(session, name, channel.without_slot, now)
                    channel.reserved(slots, began)

    async def _last_in_slot(self, session: AsyncSession, row: Outbox) -> list[Any] | None:
        values = {"target": row.target, "slot": row.slot, "row": row.id}
        return (await session.execute(_LAST_IN_SLOT, values)).scalar_one_or_none() or None

    async def work(self, item: Claimed) -> None:
        row = item.row
        try:
            await self._turn(row.channel)
            if row.channel == ERRAND:
                ids: list[Any] = []
                finish = await self._errands[row.kind](row.payload)
            else:
                ids, finish = await self._speak(item), None
            await self.insist(lambda: self._sent(item, ids, finish))
            self.tally["sent"] += 1
        except Exception as error:
            self.tally["refused"] += 1
            away = self._db.away(error)
            refusal = error if isinstance(error, Refused) else self._defect(row, error, away)
            if not away:
                self._note_trouble(row.channel, refusal, self._clock.now())
            await self.insist(lambda: self._refused(item, refusal))
            self.wake()

    def _defect(self, row: Row, error: Exception, away: bool) -> Refused:
        """Our own mistake: tried a few times, then set aside where the admin sees it. While the
        database is ``away``, nothing is anybody's mistake."""
        log.error("outbox row failed", kind=row.kind, error=where(error))
        if away:
            return Refused(where(error), retry_after=timedelta(seconds=LONGEST_NAP))
        return Refused(where(error), final=row.attempts >= DEFECTS_TO_GIVE_UP)

    async def _speak(self, item: Claimed) -> list[Any]:
        send = self._send[item.row.channel]
        message = Message.from_json(item.row.payload)
        if item.edit_ids:
            try:
                return await send(item.row.target, message, item.edit_ids)
            except Refused as refusal:
                if not refusal.final or refusal.blocked:
                    raise
        return await send(item.row.target, message, None)

    async def _sent(self, item: Claimed, ids: list[Any], finish: Finish | None) -> None:
        now = self._clock.now()
        channel = self._channels[item.row.channel]
        channel.failures, channel.paused_until = 0, None
        if finish is None:
            await self._mark(item, ids)
            return
        async with self._db.write() as session:
            values = {"row": self.item_id(item), "token": item.token, "ids": ids, "now": now}
            marked = await session.execute(_SENT_ONE, values)
            # Without the lease the row is another worker's by now, and so is what follows it.
            if marked.scalar_one_or_none() is not None:
                await finish(session)

    async def _mark(self, item: Claimed, ids: list[Any]) -> None:
        """Note what arrived; all that waits for the same commit goes into it."""
        self._arrived[item.token] = (item, ids)
        async with self._marking:
            if item.token not in self._arrived:
                return
            marks, self._arrived = self._arrived, {}
            try:
                await self._mark_all(marks.values())
            except BaseException:
                self._arrived = marks | self._arrived
                raise

    async def _mark_all(self, marks: Iterable[tuple[Claimed, list[Any]]]) -> None:
        now = self._clock.now()
        rows = []
        async with self._db.write() as session:
            for item, ids in marks:
                if isinstance(item.row, Delivery):
                    await copies.arrived(session, item.row, item.token, ids, now)
                else:
                    rows.append({"row": item.row.id, "token": item.token, "ids": ids, "now": now})
            if rows:
                await session.execute(_SENT, rows)

    async def _refused(self, item: Claimed, refusal: Refused) -> None:
        now = self._clock.now()
        async with self._db.write() as session:
            row: Row | None
            if isinstance(item.row, Delivery):
                row = await copies.held(session, item.row, item.token)
            else:
                row = await session.scalar(
                    select(Outbox)
                    .where(Outbox.id == item.row.id, Outbox.lease_token == item.token)
                    .with_for_update()
                )
            if row is None:
                return
            row.last_error = refusal.reason[:500]
            row.lease_token = row.lease_until = None
            await self._settle(session, row, refusal, bool(item.edit_ids), now)

    def _note_trouble(self, name: str, refusal: Refused, now: datetime) -> None:
        """A failure that is not the row's own fault may stop the channel, not the rows."""
        own = refusal.final or refusal.blocked or refusal.unknown or refusal.migrate_to
        if own or name == ERRAND:
            return
        channel = self._channels[name]
        if channel.pause(now) is not None:
            return
        channel.failures += 1
        if refusal.down or channel.failures >= FAILURES_TO_PAUSE:
            pause = timedelta(seconds=2 ** min(channel.failures - 1, 10))
            pause = max(min(pause, self._limits.longest_pause), refusal.retry_after or timedelta())
            channel.paused_until, channel.paused_for = now + pause, pause
            log.warning("channel paused", channel=name, seconds=pause.total_seconds())

    async def _settle(
        self, session: AsyncSession, row: Row, refusal: Refused, edit: bool, now: datetime
    ) -> None:
        if refusal.migrate_to is not None:
            await self._move(session, row, refusal.migrate_to)
            self._put_off(row, now)
        elif refusal.retry_after is not None:
            row.attempts -= 1
            self._put_off(row, now + refusal.retry_after, now + refusal.retry_after)
        elif refusal.down and row.channel != ERRAND and not self._expired(row, now):
            row.attempts -= 1
            self._put_off(row, now)
        elif refusal.final or (refusal.blocked and row.attempts >= 2):
            await self._bury(session, row, refusal, now)
        elif refusal.unknown and not (
            edit
            or row.priority == Priority.HAND_OVER
            or (row.priority == Priority.REPLY and row.attempts < 2)
        ):
            if isinstance(row, Delivery):
                await copies.give_up(session, row, "unknown", refusal.reason, now)
            row.state, row.done_at = OutboxState.UNKNOWN, now
        elif self._expired(row, now):
            await self._bury(session, row, refusal, now)
        else:
            hold = now + self._limits.hold if row.attempts == 1 else None
            self._put_off(row, now + self._limits.retry_in(row.attempts), hold)

    def _expired(self, row: Row, now: datetime) -> bool:
        """A hand-over never is: it is tried until it arrives or is refused for good."""
        if isinstance(row, Outbox) and row.priority == Priority.REPLY:
            return now - row.created_at > self._limits.reply_life
        return row.priority == Priority.NOTICE and row.attempts >= TRIES_OF_A_NOTICE

    def _put_off(self, row: Row, until: datetime, hold: datetime | None = None) -> None:
        row.state, row.run_at = OutboxState.DUE, until
        if isinstance(row, Outbox) and hold is not None:
            row.hold_until = hold

    async def _bury(self, session: AsyncSession, row: Row, refusal: Refused, now: datetime) -> None:
        if isinstance(row, Delivery):
            outcome = "blocked" if refusal.blocked else "failed"
            await copies.give_up(session, row, outcome, refusal.reason, now)
        row.state, row.done_at = OutboxState.DEAD, now
        await session.flush()
        await self._on_dead(session, row, refusal)

    async def _move(self, session: AsyncSession, row: Row, new: str) -> None:
        old = row.target
        await session.flush()
        await session.execute(
            update(Outbox)
            .where(Outbox.target == old, Outbox.ordering_key == old)
            .values(ordering_key=new)
        )
        await session.execute(update(Outbox).where(Outbox.target == old).values(target=new))
        await session.refresh(row)
        await self._on_moved(session, old, new)

    async def _take_back(
        self, session: AsyncSession, now: datetime, tokens: Sequence[UUID] | None = None
    ) -> None:
        """Rows whose process died in the middle of sending: it may or may not have arrived. Those
        under ``tokens``, or those whose lease is over."""
        mine = list(self.in_flight)
        await copies.interrupted(session, now, mine, tokens)
        rows = await session.execute(
            select(Outbox)
            .where(
                Outbox.state == OutboxState.LEASED,
                Outbox.channel.in_(list(self._channels)),
                Outbox.id.not_in(mine),
                Outbox.lease_until < now if tokens is None else Outbox.lease_token.in_(tokens),
            )
            .with_for_update(skip_locked=True)
        )
        for row in rows.scalars():
            row.lease_token = row.lease_until = None
            row.last_error = "the process ended while it was being sent"
            if row.priority == Priority.NOTICE and row.channel != ERRAND:
                row.state, row.done_at = OutboxState.UNKNOWN, now
            elif row.priority != Priority.HAND_OVER and row.attempts >= CRASHES_TO_GIVE_UP:
                await self._bury(session, row, Refused(row.last_error, unknown=True), now)
            else:
                self._put_off(row, now)


async def send_again(session: AsyncSession, row: Outbox, now: datetime) -> None:
    """An admin's wish: a dead or unknown row with its payload still there becomes due once more.

    Raises ValueError where nothing is left to send.
    """
    if row.state not in (OutboxState.DEAD, OutboxState.UNKNOWN) or row.payload_sealed is None:
        raise ValueError("nothing is left of this row to send")
    row.state, row.attempts, row.run_at, row.created_at = OutboxState.DUE, 0, now, now
    row.done_at = row.hold_until = None
    session.info.setdefault(WAKES, set()).add("outbox")


async def still_owed(session: AsyncSession, by: datetime) -> bool:
    """Whether an answer or a hand-over that falls due by then has not gone out; notices can wait."""
    found = await session.execute(
        select(Outbox.id)
        .where(
            Outbox.state.in_(literally(OutboxState.DUE, OutboxState.LEASED)),
            Outbox.run_at <= by,
            Outbox.priority < Priority.NOTICE,
        )
        .limit(1)
    )
    return found.first() is not None


async def sweep_outbox(session: AsyncSession, now: datetime, keep: timedelta) -> None:
    """Blank payloads that were given up longer than ``keep`` ago, and forget idle send budgets.

    A hand-over keeps its payload: it stays on the admin's list until someone acts.
    """
    await session.execute(
        update(Outbox)
        .where(
            Outbox.state.in_((OutboxState.DEAD, OutboxState.UNKNOWN)),
            Outbox.priority != Priority.HAND_OVER,
            Outbox.done_at < now - keep,
        )
        .values(payload_sealed=None)
    )
    await session.execute(delete(RateSlot).where(RateSlot.tat < now - timedelta(hours=1)))
