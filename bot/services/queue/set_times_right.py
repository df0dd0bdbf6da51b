"""After the clock was set back (校时): what was written in the future must not wait for it to come again."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from models.delivery import Inbox, InboxState, Outbox, OutboxState, literally

LONGEST_INBOX_WAIT = timedelta(minutes=1)
"""No update is put off longer than this by itself."""

SKEW = timedelta(seconds=5)
"""Clocks of two hosts may differ so much."""


async def set_times_right(session: AsyncSession, now: datetime) -> int:
    """Make due what only a wrong clock holds back; how many rows that were.

    Deadlines keep their date: they are right again as soon as the clock is.
    """
    inbox = await session.execute(
        update(Inbox)
        .where(Inbox.state == literally(InboxState.OPEN), Inbox.run_at > now + LONGEST_INBOX_WAIT)
        .values(run_at=now)
    )
    outbox = await session.execute(
        update(Outbox)
        .where(Outbox.state == literally(OutboxState.DUE), Outbox.created_at > now + SKEW)
        .values(run_at=now, created_at=now, hold_until=None)
    )
    return int(getattr(inbox, "rowcount", 0)) + int(getattr(outbox, "rowcount", 0))
