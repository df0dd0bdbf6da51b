"""Versions (版本) of data that is edited while the product runs: the one in force, and a next one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from models.party import Account
from models.revision import Revision


async def active(session: AsyncSession, kind: str) -> Revision | None:
    """The version in force; None: the packaged file, version 0."""
    found: Revision | None = await session.scalar(
        select(Revision).where(Revision.kind == kind, Revision.active)
    )
    return found


async def before(session: AsyncSession, row: Revision) -> Revision | None:
    """The version before that one, if it is not the packaged file."""
    found: Revision | None = await session.scalar(
        select(Revision)
        .where(Revision.kind == row.kind, Revision.version < row.version)
        .order_by(Revision.version.desc())
        .limit(1)
    )
    return found


async def keep(
    session: AsyncSession, now: datetime, kind: str, body: Any, by: Account, reason: str
) -> Revision:
    """Make ``body`` the version in force."""
    last = await session.scalar(select(func.max(Revision.version)).where(Revision.kind == kind))
    await session.execute(
        update(Revision).where(Revision.kind == kind, Revision.active).values(active=False)
    )
    row = Revision(
        kind=kind,
        version=(last or 0) + 1,
        body=body,
        author=str(by.id),
        reason=reason,
        created_at=now,
        active=True,
    )
    session.add(row)
    await session.flush()
    return row
