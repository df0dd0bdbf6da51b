"""Notices to subscribers (群发通知): write, look, send once, pause or stop, see how it goes; subscribe
and leave.

A notice's copies are made and counted in :mod:`bot.services.copies`. How far it is stands in one
message, edited at a modest pace while it is sent and once more at its end.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Incoming, Message, Press
from bot.services import audit, copies
from bot.services.deliver import owe
from bot.services.sending import Answer, button, day_words
from bot.services.tables import SHANGHAI, Tables
from bot.services.timers import arm
from bot.services.trial import operator
from bot.texts.catalogue import Say, say
from models.delivery import WAKES, Timer, TimerState
from models.outreach import OUTCOMES, Notice, NoticeState
from models.party import Account
from models.privacy import Act

VERB = "mn"
LEAVE = "u"
JOIN = "us"

BAR = 10
"""Signs in the bar that shows how far a notice is."""

ALWAYS_SHOWN = frozenset({"sent", "blocked", "failed"})


async def compose(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """Ask for the notice's text."""
    account.awaiting = {"verb": VERB}
    await answer(
        say("notice.ask", most=tables.policy.notice_characters, readers=await audience(session)),
        buttons=[[_stop()]],
    )


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """The text: shown exactly as readers will get it, or asked for again with what is wrong."""
    most = tables.policy.notice_characters
    body = heard.text.strip()
    wrong = None
    if heard.files or heard.place or heard.contact_phone or heard.extra.get("sticker"):
        wrong = say("notice.not_text")
    elif not body:
        wrong = say("notice.empty")
    elif len(body) > most:
        wrong = say("notice.too_long", count=len(body), most=most)
    if wrong is not None:
        await answer(wrong, buttons=[[_stop()]])
        return
    account.awaiting = None
    notice = Notice(
        author_id=account.id, body=body, state=NoticeState.DRAFT, created_at=tables.clock.now()
    )
    session.add(notice)
    shown = await message(session, tables, body)
    await answer(*shown.parts, buttons=shown.buttons)
    readers = await audience(session)
    if not readers:
        await answer(say("notice.nobody"), buttons=[_draft_row(notice)], slot=_slot(notice.id))
        return
    pace = tables.sends_per_second
    await answer(
        say("notice.check", readers=readers),
        _finish(tables, readers, pace) if readers >= pace * 60 else None,
        buttons=[[_about(notice.id, "send")], _draft_row(notice)],
        slot=_slot(notice.id),
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button under a notice: ``send``, ``change``, ``drop``; ``result``; ``pause``,
    ``resume``, ``stop``."""
    notice = await _notice(session, press.value)
    if notice is None:
        return say("notice.gone")
    if press.question == "result":
        await _result(session, tables, notice, answer)
        return say("notice.refreshed")
    if press.question in TURNS:
        return await _turn(session, tables, notice, press.question, account, answer)
    if press.question == "send":
        return await _send(session, tables, notice, account, answer)
    if not await _moved(session, notice, NoticeState.DROPPED):
        return await _too_late(session, tables, notice, answer)
    if press.question == "change":
        await answer(say("notice.dropped_to_change"), slot=_slot(notice.id))
        await compose(session, tables, account, answer)
    else:
        await answer(say("notice.dropped"), slot=_slot(notice.id))
    return None


async def subscribe(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
) -> Say:
    """Receive notices from now on; returns the notice shown over a button."""
    answer = Answer(session, tables, heard)
    key = "notice.already_subscribed" if account.subscribed else "notice.subscribed"
    account.subscribed = True
    await answer(say(key), buttons=[[_leave()]])
    return say("notice.toast.subscribed")


async def unsubscribe(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
) -> Say:
    """No more notices, those still queued included; cases go on as they were."""
    answer = Answer(session, tables, heard)
    key = "notice.unsubscribed" if account.subscribed else "notice.not_subscribed"
    account.subscribed = False
    await copies.take_away(session, account, tables.clock.now())
    await answer(say(key), buttons=[[button("notice.button.subscribe", JOIN)]])
    return say("notice.toast.unsubscribed")


async def audience(session: AsyncSession) -> int:
    """How many would get a notice sent now."""
    return await session.scalar(select(func.count()).select_from(copies.readers().subquery())) or 0


async def message(session: AsyncSession, tables: Tables, body: str) -> Message:
    """A notice as its readers see it: the text, who says so, and the way out."""
    who = await operator(session, tables)
    foot = say("notice.foot_from", operator=who) if who else say("notice.foot")
    return Message((say("notice.head"), say("notice.body", text=body), foot), ((_leave(),),))


def duration(waiting: int, per_second: float) -> timedelta:
    """How long ``waiting`` messages take at ``per_second``, in whole seconds."""
    return timedelta(seconds=ceil(waiting / per_second))


async def spread(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: the next chunk of a notice's copies."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None or notice.state not in (NoticeState.SENDING, NoticeState.PAUSED):
        return TimerState.CANCELLED
    now = tables.clock.now()
    return now if await copies.spread(session, notice, now) else TimerState.FIRED


async def progress(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: show the author how far the notice is, in the message that she has; or its end."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None:
        return TimerState.CANCELLED
    now = tables.clock.now()
    if notice.spread_at is not None and notice.waiting == 0:
        notice.state, notice.ended_at = NoticeState.DONE, now
    pace = _pace(notice, now)
    if notice.state is not NoticeState.PAUSED:
        author = await session.get_one(Account, notice.author_id)
        shown = Message(_board(tables, notice, pace), _board_buttons(notice))
        await owe(session, author.address, shown, now=now, slot=_slot(notice.id))
    if notice.ended_at is not None:
        return TimerState.FIRED
    notice.seen = {"at": now.isoformat(), "ended": notice.total - notice.waiting}
    policy = tables.policy
    wait = duration(notice.waiting, pace or tables.sends_per_second) / policy.notice_looks
    least = timedelta(seconds=policy.notice_look_seconds)
    most = timedelta(seconds=policy.notice_look_most_seconds)
    return now + min(max(wait, least), most)


async def _send(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say | None:
    """Begin to send a copy to every subscriber, once, however often the button is pressed."""
    if not await audience(session):
        return say("notice.nobody_toast")
    if not await _moved(session, notice, NoticeState.SENDING):
        return await _too_late(session, tables, notice, answer)
    now = tables.clock.now()
    await audit.record(session, now, Act.NOTICE, account, f"notice:{notice.id}", what="send")
    notice.sent_at = now
    notice.message = (await message(session, tables, notice.body)).to_json()
    await session.flush()
    look = now + timedelta(seconds=tables.policy.notice_look_seconds)
    await arm(session, notice.id, copies.PROGRESS, look)
    if await copies.spread(session, notice, now):
        await arm(session, notice.id, copies.SPREAD, now)
    await _result(session, tables, notice, answer)
    return say("notice.sending")


TURNS = {
    "pause": ({NoticeState.SENDING}, NoticeState.PAUSED),
    "resume": ({NoticeState.PAUSED}, NoticeState.SENDING),
    "stop": ({NoticeState.SENDING, NoticeState.PAUSED}, NoticeState.STOPPED),
}
"""From which states a button turns a notice, and to which. The claim reads the state: what is in hand
by then, a third of a second's worth, still goes out."""


async def _turn(
    session: AsyncSession,
    tables: Tables,
    notice: Notice,
    act: str,
    account: Account,
    answer: Answer,
) -> Say:
    now = tables.clock.now()
    before, after = TURNS[act]
    await session.refresh(notice, with_for_update=True)
    if notice.state not in before:
        await _result(session, tables, notice, answer)
        return say(f"notice.state.{notice.state}")
    notice.state = after
    await audit.record(session, now, Act.NOTICE, account, f"notice:{notice.id}", what=act)
    if after is NoticeState.STOPPED:
        notice.ended_at = now
    notice.seen = None
    await session.flush()
    if after is NoticeState.SENDING:
        session.info.setdefault(WAKES, set()).add("outbox")
    await _result(session, tables, notice, answer)
    return say(f"notice.turned.{act}")


async def _result(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> None:
    """How far the notice got, in the place of its last card."""
    await session.flush()
    await session.refresh(notice)
    pace = _pace(notice, tables.clock.now())
    await answer(
        *_board(tables, notice, pace), buttons=_board_buttons(notice), slot=_slot(notice.id)
    )


def _board(tables: Tables, notice: Notice, pace: float | None) -> tuple[Say, ...]:
    now = tables.clock.now()
    ended = notice.total - notice.waiting
    done = BAR * ended // max(notice.total, 1)
    counts: dict[str, Any] = {outcome: getattr(notice, outcome) for outcome in OUTCOMES}
    waiting = "unsent" if notice.state is NoticeState.STOPPED else "waiting"
    lines = [
        say(f"notice.outcome.{name}", count=count)
        for name, count in (
            ("sent", counts.pop("sent")),
            (waiting, notice.waiting),
            *counts.items(),
        )
        if count or name in ALWAYS_SHOWN
    ]
    board = say(
        "notice.result",
        state=say(f"notice.state.{notice.state}"),
        bar=say(
            "notice.bar",
            done="\u25b0" * done,
            rest="\u25b1" * (BAR - done),
            percent=100 * ended // max(notice.total, 1),
        ),
        lines=lines,
        total=notice.total,
        time=f"{now.astimezone(SHANGHAI):%H:%M:%S}",
    )
    if notice.spread_at is None:
        return board, say("notice.spreading")
    if notice.state is not NoticeState.SENDING or not notice.waiting:
        return (board,)
    rate = [say("notice.rate", rate=f"{pace:.1f}")] if pace else []
    return board, *rate, _finish(tables, notice.waiting, pace or tables.sends_per_second)


def _finish(tables: Tables, waiting: int, per_second: float) -> Say:
    """When the last copy goes out at this pace, as people say it."""
    now = tables.clock.now().astimezone(SHANGHAI)
    end = now + duration(waiting, per_second)
    days = (end.date() - now.date()).days
    key = {0: "today", 1: "tomorrow"}.get(days, "later")
    return say(f"notice.finish.{key}", day=day_words(end.date()), time=f"{end:%H:%M}")


def _pace(notice: Notice, now: datetime) -> float | None:
    """Copies that came to an end each second since the last look; None when that says nothing."""
    if notice.seen is None:
        return None
    seconds = (now - datetime.fromisoformat(notice.seen["at"])).total_seconds()
    ended = notice.total - notice.waiting - int(notice.seen["ended"])
    return ended / seconds if seconds >= 1 and ended > 0 else None


def _board_buttons(notice: Notice) -> tuple[tuple[Button, ...], ...]:
    """To stop for good she pauses first, so that no slip of the finger costs the rest their copy."""
    acts = {
        NoticeState.SENDING: ("pause", "result"),
        NoticeState.PAUSED: ("resume", "stop"),
    }.get(notice.state, ())
    return (tuple(_about(notice.id, act) for act in acts),) if acts else ()


async def _moved(session: AsyncSession, notice: Notice, to: NoticeState) -> bool:
    """Whether this press took the draft; of two at once, one does."""
    taken = await session.scalar(
        update(Notice)
        .where(Notice.id == notice.id, Notice.state == NoticeState.DRAFT)
        .values(state=to)
        .returning(Notice.id)
    )
    return taken is not None


async def _too_late(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> Say:
    await session.refresh(notice)
    if notice.state is NoticeState.DROPPED:
        return say("notice.already_dropped")
    await _result(session, tables, notice, answer)
    return say("notice.already_sent")


async def _notice(session: AsyncSession, value: str) -> Notice | None:
    try:
        return await session.get(Notice, uuid.UUID(hex=value))
    except ValueError:
        return None


def _about(notice: uuid.UUID, act: str) -> Button:
    return button(f"notice.button.{act}", VERB, question=act, value=notice.hex)


def _draft_row(notice: Notice) -> Sequence[Button]:
    return [_about(notice.id, "change"), _about(notice.id, "drop")]


def _leave() -> Button:
    return button("notice.button.leave", LEAVE)


def _stop() -> Button:
    return button("admin.button.stop", "m", value="stop")


def _slot(notice: uuid.UUID) -> str:
    return f"notice:{notice}"
