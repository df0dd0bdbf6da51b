"""A notice that was approved goes out: at once or when it is due, by day, and, if it repeats, as a new one later."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Message
from bot.services.outreach import copies, nights, notice_board, when
from bot.services.queue.deliver import owe
from bot.services.queue.timers import arm
from bot.services.sending import tell
from bot.services.tables import Tables
from models.delivery import WAKES, Timer, TimerState
from models.outreach import Notice, NoticeState
from models.party import Account

DUE, NIGHT, AGAIN = "notice_due", "notice_night", "notice_again"
"""Kinds of timers: it is due; its night begins or ends; its repetition is to be looked at."""


async def release(session: AsyncSession, tables: Tables, notice: Notice) -> datetime | None:
    """It has its yes: sent now, or scheduled, and then until when. What repeats has its next time armed."""
    now = tables.clock.now()
    due = notice.due_at
    if notice.repeat:
        ahead = timedelta(hours=tables.policy.notice_ahead_hours)
        await arm(session, notice.id, AGAIN, when.following(due or now, notice.repeat) - ahead)
    if due is not None and due > now:
        notice.state = NoticeState.SCHEDULED
        await arm(session, notice.id, DUE, due)
        await session.flush()
        return due
    await _begin(session, tables, notice)
    return None


async def due(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: the hour it was scheduled for."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None or notice.state is not NoticeState.SCHEDULED:
        return TimerState.CANCELLED
    await _begin(session, tables, notice)
    author = await session.get_one(Account, notice.author_id)
    await show(session, tables, notice, author)
    return TimerState.FIRED


async def _begin(session: AsyncSession, tables: Tables, notice: Notice) -> None:
    """The first copies are made; at night it rests first."""
    now = tables.clock.now()
    notice.sent_at = now
    notice.state = NoticeState.SENDING
    if nights.hold(tables, notice):
        notice.rests_at = nights.rests(tables.policy, now)
        wakes = nights.wakes(tables.policy, now)
        if wakes > now:
            notice.state = NoticeState.RESTING
        await arm(session, notice.id, NIGHT, max(wakes, notice.rests_at))
    await session.flush()
    look = now + timedelta(seconds=tables.policy.notice_look_seconds)
    await arm(session, notice.id, copies.PROGRESS, look)
    if await copies.spread(session, notice, now):
        await arm(session, notice.id, copies.SPREAD, now)
    await session.flush()


async def night(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: a night begins, or is over. However late it comes, the claim sends nothing after ``rests_at``."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None or notice.state not in copies.ON_THE_WAY:
        return TimerState.CANCELLED
    now = tables.clock.now()
    wakes = nights.wakes(tables.policy, now)
    before = notice.state
    if wakes > now:
        if before is NoticeState.SENDING:
            notice.state = NoticeState.RESTING
    else:
        notice.rests_at = nights.rests(tables.policy, now)
        if before is NoticeState.RESTING:
            notice.state = NoticeState.SENDING
            session.info.setdefault(WAKES, set()).add("outbox")
    if notice.state is not before:
        notice.seen = None
        await session.flush()
        author = await session.get_one(Account, notice.author_id)
        await show(session, tables, notice, author)
    return wakes if wakes > now else nights.rests(tables.policy, now)


async def spread(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: the next chunk of a notice's copies."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None or notice.state not in copies.ON_THE_WAY:
        return TimerState.CANCELLED
    now = tables.clock.now()
    return now if await copies.spread(session, notice, now) else TimerState.FIRED


async def progress(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: show the author how far the notice is, in the message that she has; or its end."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None or notice.state in (NoticeState.RECALLING, NoticeState.RECALLED):
        return TimerState.CANCELLED
    now = tables.clock.now()
    if notice.spread_at is not None and notice.waiting == 0 and notice.ended_at is None:
        notice.state, notice.ended_at = NoticeState.DONE, now
    pace = notice_board.pace_of(notice, now)
    if notice.state not in (NoticeState.PAUSED, NoticeState.RESTING):
        author = await session.get_one(Account, notice.author_id)
        shown = Message(
            await notice_board.board(session, tables, notice, pace), buttons_for(notice, author)
        )
        await owe(session, author.address, shown, now=now, slot=notice_board.slot(notice.id))
    if notice.ended_at is not None:
        return TimerState.FIRED
    if notice.state is NoticeState.RESTING:
        return max(nights.wakes(tables.policy, now), now + timedelta(minutes=1))
    notice.seen = {"at": now.isoformat(), "ended": notice.total - notice.waiting}
    policy = tables.policy
    wait = (
        notice_board.duration(notice.waiting, pace or tables.sends_per_second) / policy.notice_looks
    )
    least = timedelta(seconds=policy.notice_look_seconds)
    most = timedelta(seconds=policy.notice_look_most_seconds)
    return now + min(max(wait, least), most)


async def show(session: AsyncSession, tables: Tables, notice: Notice, author: Account) -> None:
    """How far it is, in the author's one message on it."""
    await tell(
        session,
        tables,
        author.address,
        *await notice_board.board(session, tables, notice, None),
        buttons=buttons_for(notice, author),
        slot=notice_board.slot(notice.id),
    )


def buttons_for(notice: Notice, author: Account) -> tuple[tuple[Button, ...], ...]:
    """Only admins steer a notice; staff whose event it announces read how far it is."""
    return notice_board.board_buttons(notice) if author.is_admin else ()
