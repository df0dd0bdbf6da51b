"""Notices to subscribers (群发通知): write, look, send once, pause or stop, see how it goes; subscribe
and leave.

Before it goes out another person looks at it (:mod:`bot.services.outreach.approve_notice`). A notice's copies are made and counted in :mod:`bot.services.outreach.copies`. How far it is stands in one
message, edited at a modest pace while it is sent and once more at its end.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Incoming, Message, Press
from bot.services.outreach import approve_notice, copies, notice_board
from bot.services.privacy import audit
from bot.services.queue.deliver import owe
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.delivery import WAKES, Timer, TimerState
from models.outreach import Notice, NoticeState
from models.party import Account
from models.privacy import Act

JOIN = "us"


async def compose(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """Ask for the notice's text."""
    account.awaiting = {"verb": notice_board.VERB}
    await answer(
        say(
            "notice.ask",
            most=tables.policy.notice_characters,
            readers=await notice_board.audience(session),
        ),
        buttons=[[_stop()]],
    )


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """The text: shown exactly as readers will get it, or asked for again with what is wrong. Or why another's
    notice is refused."""
    if about := str((account.awaiting or {}).get("notice", "")):
        notice = await _notice(session, about)
        await approve_notice.reason(session, tables, heard, notice, account, answer)
        return
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
    shown = await notice_board.message(session, tables, body)
    await answer(*shown.parts, buttons=shown.buttons)
    readers = await notice_board.audience(session)
    if not readers:
        await answer(
            say("notice.nobody"), buttons=[_draft_row(notice)], slot=notice_board.slot(notice.id)
        )
        return
    pace = tables.sends_per_second
    await answer(
        say("notice.check", readers=readers),
        notice_board.finish(tables, readers, pace) if readers >= pace * 60 else None,
        buttons=[[notice_board.about(notice.id, "send")], _draft_row(notice)],
        slot=notice_board.slot(notice.id),
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button under a notice: ``send``, ``change``, ``drop``; ``back``; another admin's ``yes``,
    ``no``; ``result``; ``pause``, ``resume``, ``stop``."""
    notice = await _notice(session, press.value)
    if notice is None:
        return say("notice.gone")
    act = press.question
    if act in DECISIONS:
        return await DECISIONS[act](session, tables, notice, account, answer)
    if act == "result" or act in TURNS:
        if notice.state in approve_notice.UNSENT:
            return say(f"notice.state.{notice.state}")
        if act in TURNS:
            return await _turn(session, tables, notice, act, account, answer)
        await notice_board.result(session, tables, notice, answer)
        return say("notice.refreshed")
    if not await approve_notice.moved(session, notice, NoticeState.DRAFT, NoticeState.DROPPED):
        return await approve_notice.too_late(session, tables, notice, answer)
    if act == "change":
        await answer(say("notice.dropped_to_change"), slot=notice_board.slot(notice.id))
        await compose(session, tables, account, answer)
    else:
        await answer(say("notice.dropped"), slot=notice_board.slot(notice.id))
    return None


async def is_authors(session: AsyncSession, press: Press, account: Account) -> bool:
    """Whether the button is about a notice of the account's own: who wrote an alert need be no admin."""
    if press.verb != notice_board.VERB:
        return False
    notice = await _notice(session, press.value)
    return notice is not None and notice.author_id == account.id


DECISIONS = {
    "send": approve_notice.ask,
    "back": approve_notice.take_back,
    "yes": approve_notice.approve,
    "no": approve_notice.refuse,
}


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
    await answer(say(key), buttons=[[notice_board.leave()]])
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
    pace = notice_board.pace_of(notice, now)
    if notice.state is not NoticeState.PAUSED:
        author = await session.get_one(Account, notice.author_id)
        shown = Message(
            notice_board.board(tables, notice, pace), notice_board.board_buttons(notice)
        )
        await owe(session, author.address, shown, now=now, slot=notice_board.slot(notice.id))
    if notice.ended_at is not None:
        return TimerState.FIRED
    notice.seen = {"at": now.isoformat(), "ended": notice.total - notice.waiting}
    policy = tables.policy
    wait = (
        notice_board.duration(notice.waiting, pace or tables.sends_per_second) / policy.notice_looks
    )
    least = timedelta(seconds=policy.notice_look_seconds)
    most = timedelta(seconds=policy.notice_look_most_seconds)
    return now + min(max(wait, least), most)


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
        await notice_board.result(session, tables, notice, answer)
        return say(f"notice.state.{notice.state}")
    notice.state = after
    await audit.record(session, now, Act.NOTICE, account, f"notice:{notice.id}", what=act)
    if after is NoticeState.STOPPED:
        notice.ended_at = now
    notice.seen = None
    await session.flush()
    if after is NoticeState.SENDING:
        session.info.setdefault(WAKES, set()).add("outbox")
    await notice_board.result(session, tables, notice, answer)
    return say(f"notice.turned.{act}")


async def _notice(session: AsyncSession, value: str) -> Notice | None:
    try:
        return await session.get(Notice, uuid.UUID(hex=value))
    except ValueError:
        return None


def _draft_row(notice: Notice) -> Sequence[Button]:
    return [notice_board.about(notice.id, "change"), notice_board.about(notice.id, "drop")]


def _stop() -> Button:
    return button("admin.button.stop", "m", value="stop")
