"""A made-up year of a district: points, cases with their events, and ledgers, from one seed.

Everything in it is drawn by chance; no person, firm or figure in it exists. Rows go in by the table, as an
installation has them after a year; the books are then written up by the product itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.taxonomy import NATURES, OUT_OF_SCOPE, codes
from bot.route.register import Desk
from bot.services.network.import_points import write
from bot.services.tables import SHANGHAI, Tables
from models.base import Base, uuid7
from models.books import WorkKind
from models.case import CaseKind, Event, new_token
from models.lifecycle import Action, CaseStatus, after
from models.network import Level, Organisation
from models.party import Account

CHUNK = 2_000
SEASON = (6, 7, 12, 8, 8, 10, 9, 9, 7, 7, 11, 9)
"""How much of a year's cases each month brings: most around 15 March, the sales of June and November."""

TYPES = ("mall", "supermarket", "market", "scenic", "primary", "middle", "kindergarten", "firm")
MEDIAN_FEN = 30_000


@dataclass(frozen=True, slots=True)
class Point:
    """Where cases lie: its street's id comes with it, and how well it works, from 0 to 1."""

    id: uuid.UUID
    code: str
    street: tuple[uuid.UUID, str]
    good: float
    busy: float


async def add_points(session: AsyncSession, tables: Tables, total: int) -> None:
    """Further points beside the packaged ones, up to ``total``, spread over the streets."""
    streets = tables.register.streets
    lacking = total - len(tables.register.points)
    made = [
        Desk(
            f"S{number:05d}",
            f"{streets[number % len(streets)].name}{number}",
            "point",
            streets[number % len(streets)].code,
            type=TYPES[number % len(TYPES)],
            street_code=streets[number % len(streets)].code,
        )
        for number in range(max(0, lacking))
    ]
    await write(session, [(desk, True) for desk in made], "made up", tables.clock.now())


async def points_of(session: AsyncSession, dice: Random, most: int = 0) -> list[Point]:
    """All points below streets, each with its own diligence; the first ``most`` when that is given."""
    rows = (await session.execute(select(Organisation).order_by(Organisation.serial))).scalars()
    desks = {row.id: row for row in rows}
    made = []
    for row in desks.values():
        above = desks.get(row.parent_id) if row.parent_id else None
        if row.level is Level.POINT and above is not None and above.level is Level.STREET:
            busy = dice.paretovariate(1.6)
            made.append(
                Point(
                    row.id, row.code, (above.id, above.code), dice.betavariate(6, 3), min(busy, 40)
                )
            )
    return made[:most] if most else made


async def add_cases(
    session: AsyncSession,
    dice: Random,
    points: Sequence[Point],
    year: int,
    count: int,
    months: int = 12,
) -> int:
    """So many filed cases of the year (its first ``months``) with all that happened to them; how many events
    that makes."""
    people, staff = await _accounts(session, count)
    kinds = [code for code in codes() if code != OUT_OF_SCOPE]
    weights = [1 / (rank + 2) for rank in range(len(kinds))]
    dice.shuffle(kinds)
    busy = [point.busy for point in points]
    events = 0
    made = (
        _case(dice, number, _moment(dice, year, months), point, kind, dice.choice(people), staff)
        for number, (point, kind) in enumerate(
            zip(
                dice.choices(points, busy, k=count),
                dice.choices(kinds, weights, k=count),
                strict=True,
            ),
            1,
        )
    )
    while part := list(islice(made, CHUNK)):
        rows = [event for _, each in part for event in each]
        await _put(session, "case_file", [case for case, _ in part])
        await _put(session, "event", rows)
        events += len(rows)
    return events


async def add_work(
    session: AsyncSession, dice: Random, points: Sequence[Point], year: int, each: int
) -> int:
    """About ``each`` lines of the ledger at every point; how many that makes."""
    staff = await session.scalar(select(Account.id).where(Account.address == "made:staff"))
    rows = []
    for point in points:
        for _ in range(round(each * 2 * point.good * dice.random())):
            kind = dice.choice(tuple(WorkKind))
            day = date(year, 1, 1) + timedelta(days=dice.randrange(365))
            rows.append(
                {
                    "id": uuid7(),
                    "desk_id": point.id,
                    "by_id": staff,
                    "kind": kind,
                    "count": dice.choice((10, 20, 50)) if kind is not WorkKind.CLUE else 1,
                    "day": day,
                    "photo": "",
                    "made_at": datetime(day.year, day.month, day.day, 4, tzinfo=UTC),
                }
            )
    for at in range(0, len(rows), CHUNK):
        await _put(session, "work_entry", rows[at : at + CHUNK])
    return len(rows)


async def _put(session: AsyncSession, table: str, rows: list[dict[str, Any]]) -> None:
    """Rows by the table: no object for each."""
    connection = await session.connection()
    await connection.execute(Base.metadata.tables[table].insert(), rows)


async def _accounts(session: AsyncSession, count: int) -> tuple[list[uuid.UUID], uuid.UUID]:
    now = datetime(2020, 1, 1, tzinfo=UTC)
    person: dict[str, Any] = {"subscribed": False, "blocked": False, "is_admin": False}
    person |= {"consent_version": "", "created_at": now, "seen_at": now}
    rows = [
        {"id": uuid7(), "address": f"made:{number}", **person}
        for number in range(1, max(2, count // 2))
    ]
    staff = {"id": uuid7(), "address": "made:staff", **person}
    await _put(session, "account", [*rows, staff])
    return [row["id"] for row in rows], staff["id"]


def _moment(dice: Random, year: int, months: int) -> datetime:
    """A day of the year by its season, and an hour at which people write."""
    month = dice.choices(range(1, months + 1), SEASON[:months])[0]
    hour = min(22, max(7, round(dice.gauss(14, 4))))
    day = dice.randrange(1, 29) if dice.random() < 0.93 else 28
    return datetime(year, month, day, hour, dice.randrange(60), tzinfo=SHANGHAI)


@dataclass(slots=True)
class Story:
    """A case as it is made: its status goes through the lifecycle's table, as any other's."""

    id: uuid.UUID
    at: datetime
    status: CaseStatus
    rows: list[dict[str, Any]]

    def tell(
        self,
        action: Action,
        later: timedelta,
        by: uuid.UUID | None,
        details: dict[str, Any] | None = None,
    ) -> None:
        was, self.status = self.status, after(self.status, action)
        self.at += later
        key = uuid7()
        self.rows.append(
            {
                "id": key,
                "case_id": self.id,
                "seq": len(self.rows) + 1,
                "at": self.at,
                "action": action,
                "by_id": by,
                "was": was,
                "status": self.status,
                "details_sealed": Event.details.seal(key, details) if details else None,
            }
        )


def _case(
    dice: Random,
    number: int,
    filed: datetime,
    point: Point,
    category: str,
    person: uuid.UUID,
    staff: uuid.UUID,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """One case and its events: to a point (or its street), taken or not, brought to an end or not."""
    kind = dice.choices(tuple(CaseKind), (80, 4, 16))[0]
    story = Story(uuid7(), filed, CaseStatus.DRAFT, [])
    soon = timedelta(seconds=1)
    story.tell(Action.FILE, timedelta(), person)
    desk, code = point.id, point.code
    story.tell(Action.HAND_OVER, soon, person, {"code": code})
    result, closed, fen = "", False, 0
    if dice.random() > 0.75 + 0.25 * point.good:
        # Nobody came in time, or it was sent back: the street has it now.
        if dice.random() < 0.5:
            story.tell(Action.SEND_BACK, timedelta(hours=5), staff, {"code": code})
            story.tell(Action.HAND_OVER, soon, staff, {"code": point.street[1]})
        else:
            story.tell(Action.HAND_OVER, timedelta(days=2), None, {"code": point.street[1]})
        desk = point.street[0]
    chance = dice.random()
    if chance < 0.03:
        story.tell(Action.WITHDRAW, timedelta(hours=3), person)
        closed = True
    elif chance < 0.985:
        slow = dice.expovariate(1 / (1.5 + 14 * (1 - point.good)))
        story.tell(Action.TAKE, timedelta(hours=slow), staff)
        if dice.random() < 0.25:
            story.tell(Action.ASK, timedelta(hours=2), staff)
            story.tell(Action.ANSWER, timedelta(hours=dice.expovariate(1 / 20)), person)
        work = timedelta(hours=dice.expovariate(1 / 60))
        if dice.random() < 0.97:
            closed = True
            solved = kind is CaseKind.COMPLAINT and dice.random() < 0.25 + 0.7 * point.good
            if solved:
                story.tell(Action.SETTLE, work, staff)
                result, fen = "settled", round(MEDIAN_FEN * dice.lognormvariate(0, 1))
            else:
                story.tell(Action.END, work, staff)
                result = "no_agreement" if kind is CaseKind.COMPLAINT else "advice_given"
    row = {
        "id": story.id,
        "token": new_token(),
        "number": f"XX{filed:%y}-{number:06d}",
        "status": story.status,
        "kind": kind,
        "account_id": person,
        "object": category,
        "nature": dice.choice(NATURES),
        "desk_id": desk,
        "street_code": point.street[1],
        "role": "dispute",
        "amount_fen": round(MEDIAN_FEN * dice.lognormvariate(0.5, 1)),
        "taker_id": staff if closed else None,
        "result": result,
        "returned_fen": fen or None,
        "created_at": filed,
        "filed_at": filed,
        "closed_at": story.at if closed else None,
        "booked": False,
    }
    if closed and result and dice.random() < 0.35:
        score = 3 if dice.random() < 0.4 + 0.5 * point.good else dice.choice((1, 2))
        details = {"aspect": "solved", "score": score}
        story.tell(Action.RATE, timedelta(hours=1), person, details)
    return {**row, "touched_at": story.at}, story.rows
