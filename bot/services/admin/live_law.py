"""The law book now in force: the packaged rows, with what admins have checked against the source."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.law import book
from bot.law.book import LawBook
from models.revision import Revision

KIND = "law"


async def law_now(session: AsyncSession) -> LawBook:
    """The book as it is to be shown now."""
    kept = confirmed(await active(session))
    return book.load(tuple((name, date.fromisoformat(kept[name]["on"])) for name in sorted(kept)))


async def active(session: AsyncSession) -> Revision | None:
    """The version in force; None: nothing has been checked."""
    found: Revision | None = await session.scalar(
        select(Revision).where(Revision.kind == KIND, Revision.active)
    )
    return found


def confirmed(row: Revision | None) -> dict[str, dict[str, str]]:
    """Row names with who checked them ("by") and when ("on"), without rows that are gone."""
    known = {row.name for row in book.rows()}
    found: dict[str, Any] = row.body.get("confirmed", {}) if row is not None else {}
    return {name: done for name, done in found.items() if name in known}
