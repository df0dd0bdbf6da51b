"""Complaints that were filed and settled before a play or a test begins, of people who are not in it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.texts import catalogue
from models.case import Case, CaseKind
from models.lifecycle import CaseStatus
from models.network import Organisation
from models.party import Account


async def past_cases(
    session: AsyncSession,
    at: datetime,
    what: str,
    street: str,
    people: int,
    merchant: str = "",
    **fields: object,
) -> None:
    """One complaint of each of so many people; ``what`` (its object) and ``street`` by their names, "" for no street."""
    texts = catalogue.load()
    keys = sorted(key for key in texts.keys() if key.startswith("object."))  # noqa: SIM118
    code = next(key for key in keys if texts.raw(key) == what).removeprefix("object.")
    found = select(Organisation.code).where(Organisation.name == street)
    place = (await session.scalars(found)).one() if street else ""
    for _ in range(people):
        person = Account(created_at=at, seen_at=at)
        person.address = f"tg:{person.id.int % 10**12}"
        session.add(person)
        await session.flush()
        case = Case(
            **{
                "status": CaseStatus.SETTLED,
                "kind": CaseKind.COMPLAINT,
                "account_id": person.id,
                "object": code,
                "street_code": place,
                "created_at": at,
                "touched_at": at,
                "filed_at": at,
                "closed_at": at,
                **fields,
            }
        )
        case.merchant = merchant or None
        session.add(case)
