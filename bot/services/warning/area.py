"""Whose early warnings somebody sees (辖区): the bureau and the admins all, an office its streets, a street its own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import accounts
from bot.services.tables import Tables
from models.network import AUTHORITY, Level, Organisation, Staff
from models.party import Account


@dataclass(frozen=True, slots=True)
class Area:
    """``streets`` are codes, None for all. ``officer``: of the market authority, or an admin; only they read
    names of firms."""

    streets: frozenset[str] | None
    officer: bool

    def sees(self, street: str) -> bool:
        """Whether a street is in it; what has no street is for those who see all."""
        return self.streets is None or street in self.streets


async def of(session: AsyncSession, tables: Tables, account: Account) -> Area | None:
    """The account's area today; None when it has no part in early warnings."""
    if account.is_admin:
        return Area(None, officer=True)
    found = await session.scalars(
        select(Organisation)
        .join(Staff, Staff.organisation_id == Organisation.id)
        .where(accounts.acts(account, accounts.today(tables)), Organisation.level != Level.POINT)
    )
    desks = found.all()
    if not desks:
        return None
    officer = any(desk.level in AUTHORITY for desk in desks)
    if any(desk.level is Level.BUREAU for desk in desks):
        return Area(None, officer)
    codes = await session.scalars(
        select(Organisation.code).where(
            Organisation.level == Level.STREET,
            Organisation.id.in_(accounts.area(tables, account)),
        )
    )
    return Area(frozenset(codes), officer)


async def reviewers(session: AsyncSession, tables: Tables, author: Account) -> list[Account]:
    """Who may look over an author's shoulder: admins and the bureau's staff, on her channel, not herself."""
    bureau = await session.scalars(
        select(Account)
        .join(Staff, Staff.account_id == Account.id)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(Organisation.level == Level.BUREAU, accounts.there(Staff, accounts.today(tables)))
    )
    people = {one.id: one for one in (*await accounts.admins(session), *bureau)}
    return accounts.can_be_asked(people.values(), author)
