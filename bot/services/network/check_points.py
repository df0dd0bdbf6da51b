"""The register's quality (名册质量): what is missing, doubtful or stale, each with what to do about it."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files

from rapidfuzz import fuzz
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.deadlines import working_days_after
from bot.route.nearest import distance_m
from bot.route.register import Desk, Register
from bot.services import accounts
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import CaseStatus
from models.network import Level, LiaisonPoint, Organisation

KINDS = (
    "no_staff",
    "no_place",
    "duplicate",
    "never_answered",
    "no_hours",
    "no_contact",
    "stale",
)


@dataclass(frozen=True, slots=True)
class Likeness:
    """When two points may be one (``check_points.toml``): metres, and likeness of 100 (rapidfuzz ratio);
    what names and addresses may have or lack, as patterns."""

    near_m: float
    alike: float
    name_filling: re.Pattern[str]
    address_filling: re.Pattern[str]


@cache
def likeness() -> Likeness:
    """The packaged limits."""
    row = tomllib.loads(files(__package__).joinpath("check_points.toml").read_text("utf-8"))
    return Likeness(
        row["near_m"],
        row["alike"],
        re.compile(row["name_filling"]),
        re.compile(row["address_filling"]),
    )


@dataclass(frozen=True, slots=True)
class Quality:
    """One kind of trouble: the codes of the points that have it, by the order of the register."""

    kind: str
    codes: tuple[str, ...]

    @property
    def says(self) -> Say:
        return say(f"quality.{self.kind}", count=len(self.codes))

    @property
    def mend(self) -> Say:
        """The next door."""
        return say(f"quality.mend_{self.kind}")


async def check(session: AsyncSession, tables: Tables) -> list[Quality]:
    """Every kind of trouble that some point has, in the order of KINDS."""
    points = tables.register.points
    staffed = await accounts.staffed(session, accounts.today(tables))
    found = {
        "no_staff": [desk for desk in points if desk.code not in staffed],
        "no_place": [desk for desk in points if not desk.placed],
        "duplicate": duplicates(tables.register),
        "no_hours": [desk for desk in points if not desk.hours],
        "no_contact": [desk for desk in points if not desk.contacts],
    }
    codes = {kind: [desk.code for desk in desks] for kind, desks in found.items()}
    codes["never_answered"] = await _never_answered(session, tables)
    codes["stale"] = await _stale(session, tables)
    return [Quality(kind, tuple(codes[kind])) for kind in KINDS if codes[kind]]


def duplicates(register: Register) -> list[Desk]:
    """Points that may be one: the same name in one street, the same address, or next to each other with
    names alike."""
    groups: defaultdict[tuple[str, str], list[Desk]] = defaultdict(list)
    for desk in register.points:
        groups[desk.street_code, _name(desk)].append(desk)
        if len(address := likeness().address_filling.sub("", desk.address)) > 3:
            groups["", address].append(desk)
    twice = {desk.code for group in groups.values() if len(group) > 1 for desk in group}
    twice |= _close(desk for desk in register.points if desk.placed)
    return [desk for desk in register.points if desk.code in twice]


def _close(desks: Iterable[Desk]) -> set[str]:
    """Codes of placed desks near one with a name alike; compared along the latitude only
    with those within reach."""
    found: set[str] = set()
    window: list[Desk] = []
    limits = likeness()
    reach = limits.near_m / 111_000
    for desk in sorted(desks, key=lambda desk: desk.lat or 0):
        if desk.lat is None or desk.lon is None:
            continue
        window = [other for other in window if desk.lat - (other.lat or 0) <= reach]
        for other in window:
            if other.lat is None or other.lon is None:
                continue
            if distance_m(desk.lat, desk.lon, other.lat, other.lon) > limits.near_m:
                continue
            if fuzz.ratio(_name(desk), _name(other)) >= limits.alike:
                found |= {desk.code, other.code}
        window.append(desk)
    return found


def _name(desk: Desk) -> str:
    return likeness().name_filling.sub("", desk.name) or desk.name


async def _never_answered(session: AsyncSession, tables: Tables) -> list[str]:
    """Points where cases lie that nobody ever took, the first of them longer than promised."""
    days = tables.policy.silent_working_days
    found = await session.execute(
        select(Organisation.code, func.min(Case.filed_at))
        .join(Case, Case.desk_id == Organisation.id)
        .where(Organisation.level == Level.POINT, Case.status != CaseStatus.DRAFT)
        .group_by(Organisation.code, Organisation.serial)
        .having(func.count(Case.taker_id) == 0)
        .order_by(Organisation.serial)
    )
    day = accounts.today(tables)
    return [
        code
        for code, first in found
        if first is not None and working_days_after(first.astimezone(SHANGHAI).date(), days) < day
    ]


async def _stale(session: AsyncSession, tables: Tables) -> list[str]:
    """Points that no table confirmed within the policy's days; those packaged with the program, never."""
    since = tables.clock.now() - timedelta(days=tables.policy.point_checked_days)
    table = LiaisonPoint.__table__
    return list(
        await session.scalars(
            select(table.c.code)
            .where(
                table.c.level == Level.POINT,
                (table.c.checked_at.is_(None)) | (table.c.checked_at < since),
            )
            .order_by(table.c.serial)
        )
    )
