"""Whose figures somebody may see (谁看什么): a desk and all that stands below it; admins and the bureau see all."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from bot.services import accounts
from bot.services.tables import Tables
from models.network import Level, LiaisonPoint, Organisation, Staff
from models.party import Account

Key = uuid.UUID | None
"""A desk; None for what lies with no desk (待分派)."""

_table = LiaisonPoint.__table__.c


async def own(session: AsyncSession, tables: Tables, account: Account) -> Sequence[Organisation]:
    """The desks that the account acts for today, the highest first."""
    acts = select(Staff.organisation_id).where(accounts.acts(account, accounts.today(tables)))
    found = await session.scalars(
        select(Organisation).where(Organisation.id.in_(acts)).order_by(Organisation.serial)
    )
    return found.all()


async def roots(session: AsyncSession, tables: Tables, account: Account) -> Sequence[Organisation]:
    """The desks whose figures the account begins with: the bureau for an admin, else its own."""
    if not account.is_admin:
        return await own(session, tables, account)
    found = await session.scalars(select(Organisation).where(Organisation.level == Level.BUREAU))
    return found.all()


async def may_see(
    session: AsyncSession, tables: Tables, account: Account, desk: Organisation
) -> bool:
    """Admins all; staff their own desk and what is below it."""
    return account.is_admin or await accounts.may_act(session, tables, account, desk)


async def whose(session: AsyncSession, code: str) -> Organisation | None:
    """The desk of this code, the bureau for none; None when there is no such desk."""
    wanted = Organisation.code == code if code else Organisation.level == Level.BUREAU
    found: Organisation | None = await session.scalar(
        select(Organisation).where(wanted).order_by(Organisation.serial).limit(1)
    )
    return found


def within(column: InstrumentedAttribute[Any], desk: Organisation) -> ColumnElement[bool]:
    """Rows of the desk and of all below it; of the bureau every row, those of no desk too."""
    if desk.level is Level.BUREAU:
        return true()
    if desk.level is Level.POINT:
        return column == desk.id
    return column.in_(accounts.with_all_below(Organisation.id == desk.id))


class Tree:
    """Every desk by its id, as plain rows: (id, code, name, level, parent_id, serial, type, tier)."""

    def __init__(self, rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
        self.desks: Mapping[Key, Row[*tuple[Any, ...]]] = {row.id: row for row in rows}

    def street(self, key: Key) -> Key:
        """The street that a point lies in; the desk itself where there is none."""
        row = self.desks.get(key)
        if row is not None and row.level is Level.POINT and row.parent_id is not None:
            above = self.desks.get(row.parent_id)
            if above is not None and above.level is Level.STREET:
                found: Key = above.id
                return found
        return key

    def type(self, key: Key) -> str:
        """A point's type; of any other desk its level, "" of none."""
        row = self.desks.get(key)
        if row is None:
            return ""
        return (row.type or "other") if row.level is Level.POINT else row.level.value


async def tree(session: AsyncSession) -> Tree:
    """All desks, read in one go without an object for each."""
    found = await session.execute(
        select(
            *(_table.id, _table.code, _table.name, _table.level),
            *(_table.parent_id, _table.serial, _table.type, _table.tier),
        ).order_by(_table.serial)
    )
    return Tree(found.all())
