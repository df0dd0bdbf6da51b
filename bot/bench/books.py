"""The books of a made-up year: how long they take to be written up, and each report, message, workbook and picture."""

from __future__ import annotations

import asyncio
import math
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot import app
from bot.adapters import charts, fonts, workbook
from bot.bench import district
from bot.bench.measure import ROUNDS, Measure
from bot.figures import periods
from bot.services.books import count, draw_pictures, fill_workbook, rate_points, words, write_up
from bot.settings import Settings
from models.books import CaseFigure
from models.case import Case
from models.lifecycle import CaseStatus
from models.network import Level, Organisation

POINTS, CASES, YEAR, SEED = 1_919, 100_000, 2025, 7
LINES = 6
"""Lines of the ledger at a point, more or less."""

Work = Callable[[AsyncSession], Awaitable[Any]]

REPORT, MESSAGE = "≤ 2000 ms", "≤ 500 ms"


def books(settings: Settings) -> list[Measure]:
    """A district of 1,919 points with 100,000 cases in a year, on SQLite."""
    return asyncio.run(_books(settings))


async def _books(settings: Settings) -> list[Measure]:
    with tempfile.TemporaryDirectory(prefix="suda-bench-") as folder:
        own = settings.model_copy(
            update={
                "data_dir": Path(folder),
                "database_url": f"sqlite:///{Path(folder, 'bench.db')}",
                "key_file": Path(folder, "keyring.json"),
            }
        )
        async with app.open_house(own, demo=True) as house:
            made = await _make(house)
            return [*made, *await _reports(house), *await _files(house, settings), _memory()]


async def _make(house: app.House) -> list[Measure]:
    """The year, and its books written up in the commits in which a running bot does it."""
    dice = Random(SEED)  # noqa: S311
    async with house.db.write() as session:
        await district.add_points(session, house.tables, POINTS)
    await house.tables.network.refresh(house.db)
    async with house.db.write() as session:
        points = await district.points_of(session, dice)
        events = await district.add_cases(session, dice, points, YEAR, CASES)
        lines = await district.add_work(session, dice, points, YEAR, LINES)
    begun, longest, left = time.perf_counter(), 0.0, 1
    while left:
        one = time.perf_counter()
        async with house.db.write() as session:
            left = await write_up.catch_up(session, house.tables, write_up.CHUNK)
        longest = max(longest, time.perf_counter() - one)
    took = time.perf_counter() - begun
    return [
        _row("points", len(house.tables.register.points), "rows"),
        _row("cases", CASES, "rows"),
        _row("events", events, "rows"),
        _row("lines of the ledger", lines, "rows"),
        _row("written up, cases a second", CASES / took, "1/s"),
        _row(f"longest commit of {write_up.CHUNK} cases written up", longest * 1000, "ms"),
    ]


async def _reports(house: app.House) -> list[Measure]:
    year, month = periods.year(YEAR), periods.month(YEAR, 11)
    async with house.db.read() as session:
        desks = (await session.scalars(select(Organisation))).all()
        bureau = next(one for one in desks if one.level is Level.BUREAU)
        street = next(one for one in desks if one.level is Level.STREET)
        point = next(one for one in desks if one.parent_id == street.id)
        await _reconcile(session, bureau)
    places = (("the district", bureau), ("a street", street), ("a point", point))
    made = []
    for name, desk in places:
        for when, period in (("a year", year), ("a month", month)):
            made += await _timed(house, f"message: {name}, {when}", _whole(desk, period), MESSAGE)
    for by in ("desk", "type", "object", "nature"):
        made += await _timed(
            house,
            f"message: the district by {by}, a year",
            lambda session, by=by: words.broken_down(session, year, bureau, by),  # type: ignore[misc]
            MESSAGE,
        )
    for by in ("point", "desk", "type", "object", "nature"):
        made += await _timed(
            house,
            f"report with times by {by}, a year",
            lambda session, by=by: words.broken_down(  # type: ignore[misc]
                session, year, bureau, by, times=True
            ),
            REPORT,
        )
    made += await _timed(
        house,
        "rating of all points simulated",
        lambda session: rate_points.simulate(session, house.tables, year),
        REPORT,
    )
    return made


def _whole(desk: Organisation, period: periods.Period) -> Work:
    """What the message of a desk needs: its figures with times, the period before, the ledger."""

    async def work(session: AsyncSession) -> None:
        await count.total(session, period, desk, times=True)
        await count.total(session, period.before(), desk)
        await count.works(session, period, desk)

    return work


async def _files(house: app.House, settings: Settings) -> list[Measure]:
    """A workbook and the pictures of the whole year, from the first count to the last byte."""
    year, font = periods.year(YEAR), fonts.find_font(settings.font_file)
    async with house.db.read() as session:
        bureau = await session.scalar(select(Organisation).where(Organisation.level == "bureau"))
    assert bureau is not None

    async def filled(session: AsyncSession) -> None:
        workbook.workbook(await fill_workbook.pages(session, house.tables, bureau, year))

    async def drawn(session: AsyncSession) -> None:
        for one in await draw_pictures.pictures(session, house.tables, bureau, year):
            charts.png(one, font)

    return [
        *await _timed(
            house,
            "workbook gathered",
            lambda session: fill_workbook.pages(session, house.tables, bureau, year),
            REPORT,
        ),
        *await _timed(house, "workbook gathered and written (an errand)", filled, ""),
        *await _timed(house, "four pictures gathered and drawn (an errand)", drawn, ""),
    ]


async def _timed(house: app.House, what: str, work: Work, goal: str) -> list[Measure]:
    """Median and p95 of some rounds, each in a session of its own, and the process's own time in them."""
    spent, own = [], []
    for _ in range(ROUNDS * 2):
        begun, used = time.perf_counter(), time.process_time()
        async with house.db.read() as session:
            await work(session)
        spent.append((time.perf_counter() - begun) * 1000)
        own.append((time.process_time() - used) * 1000)
    rounds, worst = len(spent), sorted(spent)[math.ceil(0.95 * len(spent)) - 1]
    return [
        Measure("books", what, statistics.median(spent), "ms", rounds, None, goal),
        Measure("books", f"{what}: p95", worst, "ms", rounds, None, goal),
        Measure("books", f"{what}: own time", statistics.median(own), "ms", rounds, None, goal),
    ]


async def _reconcile(session: AsyncSession, bureau: Organisation) -> None:
    """The message's count is that of the cases themselves. Raises ValueError when it is not."""
    told = await count.total(session, periods.year(YEAR), bureau)
    again = await session.scalar(
        select(func.count())
        .select_from(CaseFigure)
        .where(CaseFigure.first.is_(False), CaseFigure.held)
    )
    cases = await session.scalar(
        select(func.count())
        .select_from(Case)
        .where(Case.filed_at.is_not(None), Case.status != CaseStatus.MERGED)
    )
    if told.received != (cases or 0) - (again or 0):
        raise ValueError(f"{told.received} told, {cases} cases, {again} of them again")


def _memory() -> Measure:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return _row(
        "memory at its highest", peak / (1024 if sys.platform != "darwin" else 1024**2), "MiB"
    )


def _row(what: str, value: float, unit: str) -> Measure:
    return Measure("books", what, value, unit, 1)
