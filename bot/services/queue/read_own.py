"""What is owed to the chats that a terminal shows: read in order and marked as sent."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Clock, Message
from bot.services.outreach import copies
from models.delivery import Outbox, OutboxState


async def take_own(
    session: AsyncSession, clock: Clock, chats: Sequence[str]
) -> list[tuple[str, Message]]:
    """(chat, message) for every due row of these chats, oldest first, notices last; they count as
    sent."""
    now = clock.now()
    rows = await session.scalars(
        select(Outbox)
        .where(Outbox.target.in_(chats), Outbox.state == OutboxState.DUE)
        .order_by(Outbox.id)
    )
    taken = []
    for row in rows:
        taken.append((row.target, Message.from_json(row.payload or {})))
        row.state, row.payload = OutboxState.SENT, None
        row.sent_at = row.done_at = now
    for copy in await copies.addressed(session, chats, now):
        taken.append((copy.target, Message.from_json(copy.payload)))
        await copies.arrived(session, copy, None, [], now)
    return taken
