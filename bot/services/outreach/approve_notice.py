"""A second person for a notice to all (双人复核): another admin sees it as readers will and says yes or no.

While there is one admin only, it waits instead, and she can stop it. It is decided once, whoever presses
how often, and each step is a line of the audit chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming
from bot.services import accounts
from bot.services.outreach import copies, notice_board
from bot.services.privacy import audit
from bot.services.queue.timers import arm
from bot.services.sending import Answer, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.delivery import Timer, TimerState
from models.outreach import Notice, NoticeState
from models.party import Account
from models.privacy import Act

ALONE = "notice_alone"
"""The kind of timer at whose end a notice of the only admin goes out."""

UNSENT = (NoticeState.DRAFT, NoticeState.WAITING, NoticeState.REFUSED, NoticeState.DROPPED)


async def ask(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say:
    """The author's 发送: other admins are asked, or, while there are none, it waits a while."""
    readers = await notice_board.audience(session)
    if not readers:
        return say("notice.nobody_toast")
    if not await moved(session, notice, NoticeState.DRAFT, NoticeState.WAITING):
        return await too_late(session, tables, notice, answer)
    now = tables.clock.now()
    notice.message = (await notice_board.message(session, tables, notice.body)).to_json()
    others = await _others(session, account)
    await _record(session, now, notice, account, "ask", others=len(others))
    if others:
        await _show(session, tables, notice, account, others, readers)
        words = say("notice.asked", readers=readers)
    else:
        wait = _wait(tables)
        await arm(session, notice.id, ALONE, now + wait)
        words = _alone(tables, readers, now + wait)
    await answer(
        words,
        buttons=[[notice_board.about(notice.id, "back")]],
        slot=notice_board.slot(notice.id),
    )
    return say("notice.toast.asked" if others else "notice.toast.alone")


async def take_back(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say | None:
    """Nobody gets it: the author's stop, as long as nothing was sent."""
    if not await moved(session, notice, NoticeState.WAITING, NoticeState.DROPPED):
        return await too_late(session, tables, notice, answer)
    await _record(session, tables.clock.now(), notice, account, "back")
    await answer(say("notice.dropped"), slot=notice_board.slot(notice.id))
    await _told(session, tables, notice, account, say("notice.taken_back"))
    return None


async def approve(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say:
    """Another admin's yes: it goes out."""
    if notice.author_id == account.id:
        return say("notice.own")
    if not await notice_board.audience(session):
        return say("notice.nobody_toast")
    if not await moved(session, notice, NoticeState.WAITING, NoticeState.SENDING):
        return await too_late(session, tables, notice, answer)
    notice.reviewer_id = account.id
    await _record(session, tables.clock.now(), notice, account, "send")
    await _begin(session, tables, notice)
    await notice_board.result(session, tables, notice, answer)
    author = await session.get_one(Account, notice.author_id)
    await _board(session, tables, notice, author)
    await tell(session, tables, author.address, say("notice.approved", who=_name(account)))
    await _told(session, tables, notice, account, say("notice.approved", who=_name(account)))
    return say("notice.toast.approved")


async def refuse(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say | None:
    """Another admin's no: why, is asked first."""
    if notice.author_id == account.id:
        return say("notice.own")
    await session.refresh(notice)
    if notice.state is not NoticeState.WAITING:
        return await too_late(session, tables, notice, answer)
    account.awaiting = {"verb": notice_board.VERB, "notice": notice.id.hex}
    await answer(say("notice.why", most=tables.policy.notice_reason_characters), buttons=_STOP)
    return None


async def reason(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    notice: Notice | None,
    account: Account,
    answer: Answer,
) -> None:
    """The words of a no: the author gets them, and nobody the notice."""
    most = tables.policy.notice_reason_characters
    words = heard.text.strip()
    if heard.files or not words:
        await answer(say("notice.why", most=most), buttons=_STOP)
        return
    if len(words) > most:
        await answer(say("notice.too_long", count=len(words), most=most), buttons=_STOP)
        return
    account.awaiting = None
    if notice is None or notice.author_id == account.id:
        await answer(say("notice.gone"))
        return
    if not await moved(session, notice, NoticeState.WAITING, NoticeState.REFUSED):
        toast = await too_late(session, tables, notice, answer)
        await answer(say("notice.no_too_late", state=toast))
        return
    notice.reviewer_id = account.id
    await _record(session, tables.clock.now(), notice, account, "refuse")
    await answer(say("notice.refused"), slot=notice_board.slot(notice.id))
    author = await session.get_one(Account, notice.author_id)
    await tell(
        session,
        tables,
        author.address,
        say("notice.state.refused"),
        slot=notice_board.slot(notice.id),
    )
    await tell(
        session,
        tables,
        author.address,
        say("notice.refused_why", who=_name(account), reason=words),
        buttons=[[button("notice.button.again", "m", value="notice")]],
    )
    await _told(session, tables, notice, account, say("notice.refused_by", who=_name(account)))


async def alone(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: the only admin's wait is over. Whoever has become an admin meanwhile is asked instead."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None or notice.state is not NoticeState.WAITING:
        return TimerState.CANCELLED
    author = await session.get_one(Account, notice.author_id)
    if others := await _others(session, author):
        readers = await notice_board.audience(session)
        await _show(session, tables, notice, author, others, readers)
        await tell(
            session,
            tables,
            author.address,
            say("notice.asked", readers=readers),
            buttons=[[notice_board.about(notice.id, "back")]],
            slot=notice_board.slot(notice.id),
        )
        return TimerState.FIRED
    notice.state = NoticeState.SENDING
    await _record(session, tables.clock.now(), notice, audit.BOT, "send")
    await _begin(session, tables, notice)
    await _board(session, tables, notice, author)
    return TimerState.FIRED


async def moved(
    session: AsyncSession, notice: Notice, before: NoticeState, after: NoticeState
) -> bool:
    """Whether this press turned the notice; of two at once, one does."""
    taken = await session.scalar(
        update(Notice)
        .where(Notice.id == notice.id, Notice.state == before)
        .values(state=after)
        .returning(Notice.id)
    )
    return taken is not None


async def too_late(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> Say:
    """What became of it, for a press that comes after."""
    await session.refresh(notice)
    if notice.state in UNSENT:
        return say(f"notice.state.{notice.state}")
    await notice_board.result(session, tables, notice, answer)
    return say("notice.already_sent")


_STOP = [[button("admin.button.stop", "m", value="stop")]]


async def _begin(session: AsyncSession, tables: Tables, notice: Notice) -> None:
    """The first copies are made."""
    now = tables.clock.now()
    notice.sent_at = now
    await session.flush()
    look = now + timedelta(seconds=tables.policy.notice_look_seconds)
    await arm(session, notice.id, copies.PROGRESS, look)
    if await copies.spread(session, notice, now):
        await arm(session, notice.id, copies.SPREAD, now)
    await session.flush()


async def _show(
    session: AsyncSession,
    tables: Tables,
    notice: Notice,
    author: Account,
    others: Sequence[Account],
    readers: int,
) -> None:
    """The others see what readers will get, and below it what is wanted of them."""
    shown = await notice_board.message(session, tables, notice.body)
    acts = [notice_board.about(notice.id, act) for act in ("yes", "no")]
    for other in others:
        await tell(session, tables, other.address, *shown.parts, buttons=shown.buttons)
        await tell(
            session,
            tables,
            other.address,
            say("notice.review", who=_name(author), readers=readers),
            buttons=[acts],
            slot=notice_board.slot(notice.id),
        )


async def _board(session: AsyncSession, tables: Tables, notice: Notice, author: Account) -> None:
    await tell(
        session,
        tables,
        author.address,
        *notice_board.board(tables, notice, None),
        buttons=notice_board.board_buttons(notice),
        slot=notice_board.slot(notice.id),
    )


async def _told(
    session: AsyncSession, tables: Tables, notice: Notice, by: Account, words: Say
) -> None:
    """The cards of the other admins that were asked lose their buttons."""
    author = await session.get_one(Account, notice.author_id)
    for other in await _others(session, author):
        if other.id != by.id:
            await tell(
                session,
                tables,
                other.address,
                words,
                slot=notice_board.slot(notice.id),
            )


async def _others(session: AsyncSession, author: Account) -> list[Account]:
    """The admins that can be asked: on the author's channel, and not shut off from the bot."""
    channel = author.address.partition(":")[0]
    return [
        other
        for other in await accounts.admins(session)
        if other.id != author.id
        and not other.blocked
        and other.address.partition(":")[0] == channel
    ]


def _alone(tables: Tables, readers: int, due: datetime) -> Say:
    at = f"{due.astimezone(SHANGHAI):%H:%M:%S}"
    policy = tables.policy
    if tables.demo:
        seconds = policy.notice_alone_demo_seconds
        return say("notice.alone_demo", readers=readers, seconds=seconds, time=at)
    return say("notice.alone", readers=readers, minutes=policy.notice_alone_minutes, time=at)


def _wait(tables: Tables) -> timedelta:
    if tables.demo:
        return timedelta(seconds=tables.policy.notice_alone_demo_seconds)
    return timedelta(minutes=tables.policy.notice_alone_minutes)


async def _record(
    session: AsyncSession,
    now: datetime,
    notice: Notice,
    by: Account | str,
    what: str,
    **details: int,
) -> None:
    await audit.record(session, now, Act.NOTICE, by, f"notice:{notice.id}", what=what, **details)


def _name(account: Account) -> str | Say:
    return account.name or say("notice.colleague")
