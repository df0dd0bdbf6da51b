"""The law book now in force: the packaged rows, with what admins have checked against the source."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law import book
from bot.law.book import LawBook
from bot.services.admin import revisions
from models.revision import Revision

KIND = "law"


async def law_now(session: AsyncSession) -> LawBook:
    """The book as it is to be shown now."""
    kept = confirmed(await revisions.active(session, KIND))
    return book.load(tuple((name, date.fromisoformat(kept[name]["on"])) for name in sorted(kept)))


def confirmed(row: Revision | None) -> dict[str, dict[str, str]]:
    """Row names with who checked them ("by") and when ("on"), without rows that are gone."""
    known = {row.name for row in book.rows()}
    found: dict[str, Any] = row.body.get("confirmed", {}) if row is not None else {}
    return {name: done for name, done in found.items() if name in known}
