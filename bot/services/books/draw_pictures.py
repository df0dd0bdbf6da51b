"""Draw up pictures (图) of a desk's figures: a year's course, categories, who has how much, a schematic map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures import periods
from bot.figures.periods import Period
from bot.figures.plots import Bars, Bubble, Bubbles, Picture, Trend
from bot.figures.tally import Tally
from bot.services import accounts
from bot.services.books import count, words
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.network import Level, Organisation

MONTHS = 12
TOP = 8
STREETS = 12


async def pictures(
    session: AsyncSession, tables: Tables, desk: Organisation, period: Period
) -> list[Picture]:
    """A year's course, the commonest categories; of more than one desk, their ranking; of more than one street, a
    schematic map."""
    text = tables.texts.plain
    when = words.period_words(period)
    note = text(say("picture.note"))
    made: list[Picture] = [await _course(session, tables, desk, period, note)]
    by = await count.tallies(session, period, desk, "object")
    made.append(
        Bars(
            text(say("picture.objects", name=desk.name, period=when)),
            note,
            tuple(
                (
                    text(words.code_words("object", key)),
                    float(one.received),
                    f"{one.received:,}",
                )
                for key, one in _most(by, TOP)
            ),
        )
    )
    if desk.level is Level.POINT:
        return made
    below, labels, _ = await words.broken_down(session, period, desk, "desk")
    made.append(
        Bars(
            text(say("picture.desks", name=desk.name, period=when)),
            text(say("picture.desks_note")),
            tuple(
                (
                    text(labels[key]),
                    float(one.received),
                    text(
                        say(
                            "picture.share",
                            count=f"{one.received:,}",
                            share=words.percent(one.solved_share),
                        )
                    ),
                )
                for key, one in _most(below, STREETS)
            ),
        )
    )
    if desk.level is not Level.STREET:
        made.append(await _map(session, tables, below, desk, when))
    return made


def _most(found: Mapping[Any, Tally], most: int) -> list[tuple[Any, Tally]]:
    rows = [(key, one) for key, one in found.items() if one.received]
    return sorted(rows, key=lambda row: (-row[1].received, str(row[0])))[:most]


async def _course(
    session: AsyncSession, tables: Tables, desk: Organisation, period: Period, note: str
) -> Trend:
    """Twelve months up to the period's end."""
    text = tables.texts.plain
    end = min(period.last, accounts.today(tables))
    end = max(end, period.first)
    first = periods.month(end.year, end.month - MONTHS + 1).first
    over = Period("range", first, periods.around(end, "month").last)
    found = await count.tallies(session, over, desk, "month")
    steps = [periods.month(first.year, first.month + n).first for n in range(MONTHS)]

    def row(name: str) -> tuple[float, ...]:
        return tuple(float(getattr(found.get(f"{step:%Y-%m}", Tally()), name)) for step in steps)

    return Trend(
        text(say("picture.course", name=desk.name, year=end.year, month=end.month)),
        note,
        tuple(str(step.month) for step in steps),
        tuple((text(say(f"picture.series.{name}")), row(name)) for name in ("received", "solved")),
    )


async def _map(
    session: AsyncSession,
    tables: Tables,
    below: Mapping[Any, Tally],
    desk: Organisation,
    when: Say,
) -> Bubbles:
    """Streets at their centres, as large as what came in there."""
    text = tables.texts.plain
    found = await session.execute(
        select(Organisation.id, Organisation.name, Organisation.lat, Organisation.lon).where(
            Organisation.level == Level.STREET, Organisation.lat.is_not(None)
        )
    )
    return Bubbles(
        text(say("picture.map", name=desk.name, period=when)),
        text(say("picture.map_note")),
        text(say("picture.schematic")),
        tuple(
            Bubble(row.name, row.lat, row.lon, float(below[row.id].received))
            for row in found
            if row.id in below and below[row.id].received
        ),
    )
