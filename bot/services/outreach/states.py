"""A press turns a notice from one state to the next once, whoever presses how often."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.outreach import notice_board
from bot.services.sending import Answer
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.outreach import Notice, NoticeState

UNSENT = (
    NoticeState.DRAFT,
    NoticeState.WAITING,
    NoticeState.REFUSED,
    NoticeState.DROPPED,
    NoticeState.SCHEDULED,
)


async def moved(
    session: AsyncSession, notice: Notice, after: NoticeState, *before: NoticeState
) -> bool:
    """Whether this press turned the notice; of two at once, one does."""
    taken = await session.scalar(
        update(Notice)
        .where(Notice.id == notice.id, Notice.state.in_(before))
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
