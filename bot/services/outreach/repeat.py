"""A notice that comes again (重复): a new one from the same text, that waits for a second person like any other."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.outreach import notice_board, second_person, when
from bot.services.privacy import audit
from bot.services.sending import tell
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.delivery import Timer, TimerState
from models.outreach import Notice, NoticeState
from models.party import Account


async def again(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: what repeats is put before the admins once more, as a new notice that nobody has agreed to yet."""
    before = await session.get(Notice, timer.about_id, with_for_update=True)
    if before is None or not before.repeat:
        return TimerState.CANCELLED
    now = tables.clock.now()
    due = when.following(before.due_at or before.sent_at or now, before.repeat)
    author = await session.get_one(Account, before.author_id)
    notice = Notice(
        author_id=before.author_id,
        body=before.body,
        marks=before.marks,
        media={**before.media, "shared": True} if before.media else None,
        links=before.links,
        audience=before.audience,
        for_staff=before.for_staff,
        repeat=before.repeat,
        due_at=due,
        again_of=before.id,
        state=NoticeState.WAITING,
        created_at=now,
    )
    before.repeat = ""
    session.add(notice)
    await session.flush()
    shown = await notice_board.message(session, tables, notice)
    await tell(
        session,
        tables,
        author.address,
        *shown.parts,
        buttons=shown.buttons,
        media=shown.media,
        captioned=True,
    )
    words = await second_person.wait_for(session, tables, notice, author, audit.BOT)
    await tell(
        session,
        tables,
        author.address,
        say("notice.again", when=when.moment(due)),
        words,
        buttons=second_person.back(notice),
        slot=notice_board.slot(notice.id),
    )
    return TimerState.FIRED
