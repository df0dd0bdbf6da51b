"""The second person (第二个人): the other admins see a notice as its readers will; while there are none, it
waits a while, and is then nobody's but the author's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import accounts
from bot.services.outreach import choose_readers, nights, notice_board, release, when
from bot.services.outreach.readers import Audience, size
from bot.services.privacy import audit
from bot.services.queue.timers import arm
from bot.services.sending import Rows, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.delivery import Timer, TimerState
from models.outreach import Notice, NoticeState
from models.party import Account
from models.privacy import Act

ALONE = "notice_alone"
"""The kind of timer at whose end a notice of the only admin goes out."""


async def wait_for(
    session: AsyncSession, tables: Tables, notice: Notice, author: Account, by: Account | str
) -> Say:
    """A notice that is WAITING is frozen and put before the others, or waits; what its author is told."""
    now = tables.clock.now()
    notice.message = (await notice_board.message(session, tables, notice)).to_json()
    readers = await size(session, Audience.from_json(notice.audience))
    others = await others_of(session, author)
    await record(session, now, notice, by, "ask", others=len(others))
    if others:
        await _show(session, tables, notice, author, others, readers)
        return say("notice.asked", readers=readers)
    wait = _wait(tables)
    await arm(session, notice.id, ALONE, now + wait)
    goes = notice.due_at or now + wait
    if notice.due_at is None and nights.hold(tables, notice):
        goes = nights.wakes(tables.policy, goes)
    if goes > now + wait:
        return say("notice.alone_due", readers=readers, when=when.moment(goes))
    return _alone(tables, readers, now + wait)


async def alone(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: the only admin's wait is over. Whoever has become an admin meanwhile is asked instead."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None or notice.state is not NoticeState.WAITING:
        return TimerState.CANCELLED
    author = await session.get_one(Account, notice.author_id)
    if others := await others_of(session, author):
        readers = await size(session, Audience.from_json(notice.audience))
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
    await record(session, tables.clock.now(), notice, audit.BOT, "send")
    due = await release.release(session, tables, notice)
    if due is not None:
        await tell(
            session,
            tables,
            author.address,
            say("notice.scheduled", when=when.moment(due)),
            buttons=back(notice),
            slot=notice_board.slot(notice.id),
        )
    else:
        await release.show(session, tables, notice, author)
    return TimerState.FIRED


async def _show(
    session: AsyncSession,
    tables: Tables,
    notice: Notice,
    author: Account,
    others: Sequence[Account],
    readers: int,
) -> None:
    """The others see what readers will get, and below it what is wanted of them."""
    shown = await notice_board.message(session, tables, notice)
    audience = Audience.from_json(notice.audience)
    for other in others:
        await tell(
            session,
            tables,
            other.address,
            *shown.parts,
            buttons=shown.buttons,
            media=shown.media,
            captioned=True,
        )
        await tell(
            session,
            tables,
            other.address,
            say("notice.review", who=name(author)),
            say(
                "notice.plan",
                who=choose_readers.words(tables, audience),
                readers=readers,
                when=when.words(tables, notice),
            ),
            *notice_board.leads_to(notice),
            buttons=[
                [notice_board.about(notice.id, act) for act in ("yes", "no")],
                [notice_board.about(notice.id, "urgent")],
            ],
            slot=notice_board.slot(notice.id),
        )


async def told(
    session: AsyncSession, tables: Tables, notice: Notice, by: Account, words: Say
) -> None:
    """The cards of the other admins that were asked lose their buttons."""
    author = await session.get_one(Account, notice.author_id)
    for other in await others_of(session, author):
        if other.id != by.id:
            await tell(
                session,
                tables,
                other.address,
                words,
                slot=notice_board.slot(notice.id),
            )


async def others_of(session: AsyncSession, author: Account) -> list[Account]:
    """The admins that can be asked: on the author's channel, and not shut off from the bot."""
    return accounts.can_be_asked(await accounts.admins(session), author)


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


async def record(
    session: AsyncSession,
    now: datetime,
    notice: Notice,
    by: Account | str,
    what: str,
    **details: int,
) -> None:
    await audit.record(session, now, Act.NOTICE, by, f"notice:{notice.id}", what=what, **details)


def name(account: Account) -> str | Say:
    return account.name or say("notice.colleague")


def back(notice: Notice) -> Rows:
    return [[notice_board.about(notice.id, "back")]]
