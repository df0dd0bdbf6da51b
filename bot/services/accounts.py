"""Who is talking: find or make the account, and tell what it may do."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming
from bot.services.drain import Store
from bot.services.tables import Tables
from models.network import Organisation, Staff
from models.party import Account


async def meet(session: AsyncSession, tables: Tables, heard: Incoming) -> Account:
    """The account behind an Incoming; its name is kept as last seen. A write to us unblocks us."""
    now = tables.clock.now()
    account = await by_address(session, heard.account)
    if account is None:
        account = Account(
            address=heard.account,
            created_at=now,
            seen_at=now,
            is_admin=False,
            subscribed=False,
            blocked=False,
        )
        account.name = heard.name
        session.add(account)
        await session.flush()
    account.seen_at = now
    account.blocked = False
    if heard.account in tables.admins:
        account.is_admin = True
    if heard.name and account.name != heard.name:
        account.name = heard.name
    return account


async def anyone(db: Store) -> bool:
    """Whether anybody has ever written: then there is sealed text, and its key must be there."""
    async with db.read() as session:
        return await session.scalar(select(Account.id).limit(1)) is not None


async def by_address(session: AsyncSession, address: str) -> Account | None:
    """The account at a channel's address."""
    found: Account | None = await session.scalar(select(Account).where(Account.address == address))
    return found


async def desks_of_chat(session: AsyncSession, chat: str) -> Sequence[Organisation]:
    """The organisations whose staff's group this chat is."""
    return (await session.scalars(select(Organisation).where(Organisation.chat == chat))).all()


async def works_for(session: AsyncSession, account: Account, desk: uuid.UUID | None) -> bool:
    """Whether the account is staff of that desk now."""
    if desk is None:
        return False
    found = await session.scalar(
        select(Staff.id).where(
            Staff.account_id == account.id, Staff.organisation_id == desk, Staff.left_at.is_(None)
        )
    )
    return found is not None


async def admins(session: AsyncSession) -> Sequence[Account]:
    """Every admin."""
    return (await session.scalars(select(Account).where(Account.is_admin))).all()
