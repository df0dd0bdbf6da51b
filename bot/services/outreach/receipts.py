"""已读确认: staff say that they have read a notice to them, and its author sees who has not."""

from __future__ import annotations

import uuid

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services import accounts
from bot.services.outreach.notice_board import about
from bot.services.sending import Answer
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.delivery import OutboxState
from models.outreach import Delivery, Notice
from models.party import Account

SHOWN = 30
"""People named at once."""


async def read(session: AsyncSession, tables: Tables, account: Account, press: Press) -> Say:
    """A reader's 我已读; the first time counts."""
    try:
        notice = uuid.UUID(hex=press.value)
    except ValueError:
        return say("notice.gone")
    mine = (Delivery.notice_id == notice, Delivery.account_id == account.id)
    noted = await session.scalar(
        update(Delivery)
        .where(*mine, Delivery.read_at.is_(None))
        .values(read_at=tables.clock.now())
        .returning(Delivery.account_id)
    )
    if noted is not None:
        return say("notice.toast.read")
    known = await session.scalar(select(Delivery.account_id).where(*mine))
    return say("notice.toast.read_already" if known is not None else "notice.toast.read_old")


async def unread(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> None:
    """Who got it and has not said so, with the desks they work for."""
    found = await session.scalars(
        select(Account)
        .join(Delivery, Delivery.account_id == Account.id)
        .where(
            Delivery.notice_id == notice.id,
            Delivery.state == OutboxState.SENT,
            Delivery.read_at.is_(None),
        )
        .order_by(Account.id)
    )
    people = found.all()
    lines = []
    for person in people[:SHOWN]:
        desks = [desk.name for _, desk in await accounts.duties(session, person)]
        lines.append(
            say("notice.unread_line", who=person.name or say("notice.colleague"), desks=desks)
        )
    await answer(
        say("notice.unread", count=len(people), lines=lines) if people else say("notice.all_read"),
        say("notice.unread_more", count=len(people) - SHOWN) if len(people) > SHOWN else None,
        say("notice.read_kept", days=tables.policy.notice_read_days),
        buttons=[[about(notice.id, "result")]],
    )
