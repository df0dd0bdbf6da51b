"""What is counted for the early warning: complaints by kind, street and person, and nothing else of a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.taxonomy import OUT_OF_SCOPE
from bot.figures.hot import Filed
from bot.services import accounts
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind
from models.lifecycle import CaseStatus
from models.network import Level, Organisation

NOT_COUNTED = (CaseStatus.WITHDRAWN, CaseStatus.MERGED)


def midnight(tables: Tables) -> datetime:
    """The beginning of today in Shanghai: what is counted ends there, so that it stands still for a day."""
    return datetime.combine(accounts.today(tables), time(), SHANGHAI)


async def filed(
    session: AsyncSession, since: datetime, until: datetime
) -> list[tuple[datetime, Filed]]:
    """The complaints filed from ``since`` up to ``until``, with when."""
    found = await session.execute(
        select(
            Case.filed_at, Case.object, Case.street_code, Case.account_id, Case.phone_blind
        ).where(
            Case.filed_at >= since,
            Case.filed_at < until,
            Case.kind == CaseKind.COMPLAINT,
            Case.status.not_in(NOT_COUNTED),
            Case.object != OUT_OF_SCOPE,
        )
    )
    return [
        (at, Filed(kind, street, account, phone))
        for at, kind, street, account, phone in found
        if at is not None
    ]


async def streets(session: AsyncSession) -> Mapping[str, str]:
    """The streets and towns by code, with their names."""
    found = await session.execute(
        select(Organisation.code, Organisation.name)
        .where(Organisation.level == Level.STREET)
        .order_by(Organisation.serial)
    )
    return dict(found.all())


def place(names: Mapping[str, str], street: str) -> str | Say:
    """A street as it is told; the whole district without one."""
    return names.get(street) or say("warning.district")
