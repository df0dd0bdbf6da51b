"""Count what is in the books (统计): plain sums over plain columns, of a period and an area."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, String, and_, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures.periods import Period
from bot.figures.tally import COUNTED, Tally
from bot.services.books.area import Key, within
from models.books import CaseFigure, WorkEntry, WorkKind
from models.network import Organisation

F = CaseFigure
G = TypeVar("G")
K = TypeVar("K")

FIGURES = tuple(func.coalesce(func.sum(getattr(F, name)), 0) for name in COUNTED)
"""Each figure is a column that is added up: the index of the reports holds them all."""

TIMES = tuple(
    func.aggregate_strings(case((F.received == 1, cast(column, String))), ",")
    for column in (F.take_minutes, F.handle_minutes)
)
"""All minutes of a group in one field: a row for each would be most of the time of a report."""

MONTH = func.substr(cast(F.day, String), 1, 7)
"""``2026-11``."""

BY: Mapping[str, tuple[Any, ...]] = {
    "all": (),
    "desk": (F.desk_id,),
    "object": (F.object,),
    "nature": (F.nature,),
    "month": (MONTH,),
    "facets": (MONTH, F.object, F.nature),
}


async def tallies(
    session: AsyncSession, period: Period, desk: Organisation, by: str, *, times: bool = False
) -> dict[Any, Tally]:
    """The figures of a desk and all below it, by one of ``BY`` (by a tuple where that has not one column); with
    ``times``, how long it took."""
    keys = BY[by]
    query = (
        select(*keys, *FIGURES, *(TIMES if times else ()))
        .where(F.day.between(period.first, period.last), within(F.desk_id, desk))
        .group_by(*keys)
    )
    many = len(keys)
    return {
        row[0] if many == 1 else tuple(row[:many]): _tally(row[many:])
        for row in await session.execute(query)
    }


async def total(
    session: AsyncSession, period: Period, desk: Organisation, *, times: bool = False
) -> Tally:
    """All of it in one."""
    return (await tallies(session, period, desk, "all", times=times)).get((), Tally())


def _tally(row: Sequence[Any]) -> Tally:
    """Of FIGURES, and TIMES when they were asked for."""
    made = Tally()
    for name, number in zip(COUNTED, row, strict=False):
        setattr(made, name, int(number))
    if len(row) > len(COUNTED):
        made.take, made.handle = (
            list(map(int, minutes.split(","))) if minutes else [] for minutes in row[len(COUNTED) :]
        )
    return made


def regrouped(tallies: Mapping[G, Tally], group: Callable[[G], K]) -> dict[K, Tally]:
    """Figures added up by what ``group`` says of each key."""
    made: dict[K, Tally] = {}
    for key, one in tallies.items():
        made.setdefault(group(key), Tally()).add(one)
    return made


@dataclass(slots=True)
class Worked:
    """What was noted by hand: how often, and how many people, leaflets or clues in all; by kind."""

    times: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, other: Worked) -> None:
        """Take in another's."""
        self.times.update(other.times)
        self.sums.update(other.sums)


def _standing(period: Period, desk: Organisation) -> ColumnElement[bool]:
    return and_(
        WorkEntry.undone_at.is_(None),
        WorkEntry.day.between(period.first, period.last),
        within(WorkEntry.desk_id, desk),
    )


async def works(session: AsyncSession, period: Period, desk: Organisation) -> dict[Key, Worked]:
    """The ledger of a desk and all below it, by desk."""
    made: dict[Key, Worked] = {}
    found = await session.execute(
        select(WorkEntry.desk_id, WorkEntry.kind, func.count(), func.sum(WorkEntry.count))
        .where(_standing(period, desk))
        .group_by(WorkEntry.desk_id, WorkEntry.kind)
    )
    for key, kind, times, count in found:
        worked = made.setdefault(key, Worked())
        worked.times[kind.value] += times
        worked.sums[kind.value] += int(count)
    return made


def together(worked: Iterable[Worked]) -> Worked:
    """All of them in one."""
    made = Worked()
    for one in worked:
        made.add(one)
    return made


async def education_days(
    session: AsyncSession, period: Period, desk: Organisation
) -> dict[Key, int]:
    """On how many days there was a training or a lecture, by desk."""
    teaching = (WorkKind.TRAINING, WorkKind.LECTURE)
    found = await session.execute(
        select(WorkEntry.desk_id, func.count(func.distinct(WorkEntry.day)))
        .where(_standing(period, desk), WorkEntry.kind.in_(teaching))
        .group_by(WorkEntry.desk_id)
    )
    return {key: int(count) for key, count in found}
