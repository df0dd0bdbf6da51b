"""Who gets a notice (发给谁): a frozen filter, and the one query of the accounts that it means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from bot.law import topics
from models.case import Case
from models.network import AUTHORITY, Level, Organisation, Staff
from models.party import Account

SUBSCRIBERS, CONSUMERS = "all", "consumers"
LEVELS: Mapping[str, frozenset[Level]] = {
    "points": frozenset({Level.POINT}),
    "streets": frozenset({Level.STREET}),
    "offices": AUTHORITY,
    "staff": frozenset(Level),
}
"""Those who work in the network, by the level of their desk: they get it whether they subscribe or not."""

ROLES = (SUBSCRIBERS, CONSUMERS, *LEVELS)


@dataclass(frozen=True, slots=True)
class Audience:
    """``streets`` and ``topics`` are codes, empty for any; ``cases`` adds whoever had a case of such a topic
    and agreed to be told for that. The parts narrow one another."""

    role: str = SUBSCRIBERS
    streets: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    cases: bool = False

    @property
    def staff(self) -> bool:
        """Whether it is for those who work in the network: then it is confirmed, and not unsubscribed."""
        return self.role in LEVELS

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any] | None) -> Audience:
        """None is all subscribers."""
        if value is None:
            return Audience()
        return Audience(
            value["role"], tuple(value["streets"]), tuple(value["topics"]), value["cases"]
        )


def readers(audience: Audience | None = None) -> Select[UUID]:
    """The accounts that a notice goes to; None is all subscribers."""
    audience = audience or Audience()
    chosen = select(Account.id).where(Account.blocked.is_(False))
    if audience.staff:
        return chosen.where(_works(audience))
    chosen = chosen.where(Account.subscribed)
    if audience.role == CONSUMERS:
        chosen = chosen.where(
            ~exists().where(Staff.account_id == Account.id, Staff.left_at.is_(None))
        )
    if audience.streets:
        # What she chose goes before where her cases are.
        chosen = chosen.where(
            or_(
                Account.street_code.in_(audience.streets),
                and_(Account.street_code == "", _filed(Case.street_code.in_(audience.streets))),
            )
        )
    if audience.topics:
        wants = [
            Account.topics.contains(f",{topic},", autoescape=True) for topic in audience.topics
        ]
        if audience.cases:
            codes = [code for topic in audience.topics for code in topics.load()[topic]]
            wants.append(and_(Account.by_cases, _filed(Case.object.in_(codes))))
        chosen = chosen.where(or_(*wants))
    return chosen


async def size(session: AsyncSession, audience: Audience | None = None) -> int:
    """How many would get a notice sent now."""
    found = select(func.count()).select_from(readers(audience).subquery())
    return await session.scalar(found) or 0


def _filed(what: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Case.account_id == Account.id, Case.filed_at.is_not(None), what)


def _works(audience: Audience) -> ColumnElement[bool]:
    """Staff of that level, in those streets: a point's is the one it lies below, an office's any below it."""
    near = aliased(Organisation)
    mine = [
        Staff.account_id == Account.id,
        Staff.left_at.is_(None),
        Organisation.level.in_(LEVELS[audience.role]),
    ]
    if audience.streets:
        mine.append(
            exists().where(
                near.code.in_(audience.streets),
                or_(
                    near.id == Organisation.id,
                    near.id == Organisation.parent_id,
                    near.parent_id == Organisation.id,
                ),
            )
        )
    return exists(
        select(Staff.id)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(*mine)
        .correlate(Account)
    )
