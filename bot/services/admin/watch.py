"""The duty officer (值班): the one admin who is told first of words of danger."""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.sending import Answer, button
from bot.texts.catalogue import Say, say
from models.delivery import Meta
from models.party import Account

DUTY = "duty"
"""The Meta row that names the account on duty."""


async def officer(session: AsyncSession) -> Account | None:
    """Who is on duty: an admin whom the bot can still write to; None when nobody is."""
    row = await session.get(Meta, DUTY)
    found = await session.get(Account, uuid.UUID(row.value)) if row is not None else None
    return found if found is not None and found.is_admin and not found.blocked else None


async def show(
    session: AsyncSession, account: Account, answer: Answer, done: Say | None = None
) -> None:
    """Who is on duty now, and the two buttons that change it."""
    now = await officer(session)
    rows = []
    if now is None or now.id != account.id:
        rows.append([button("admin.button.duty_on", "m", value="duty_on")])
    if now is not None:
        rows.append([button("admin.button.duty_off", "m", value="duty_off")])
    await answer(
        done,
        say("admin.duty_now", who=now.name or "") if now else say("admin.duty_none"),
        buttons=[*rows, [button("admin.button.menu", "m", value="menu")]],
    )


async def change(session: AsyncSession, account: Account | None) -> None:
    """Put this admin on duty, or nobody."""
    row = await session.get(Meta, DUTY)
    if row is not None and account is None:
        await session.delete(row)
    elif account is not None:
        await session.merge(Meta(key=DUTY, value=str(account.id)))
    await session.flush()
