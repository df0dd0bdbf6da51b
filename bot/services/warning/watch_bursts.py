"""Bursts (突增): looked for once a day, told once to the staff of the street and above, who may warn subscribers.

How they are found is :mod:`bot.figures.bursts`; who gets what is here. Groups and officers read counts alone.
"""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.taxonomy import OUT_OF_SCOPE, codes
from bot.figures import bursts, hot, rules
from bot.figures.bursts import Cell
from bot.figures.hot import Filed
from bot.figures.rules import BurstRule
from bot.law.deadlines import after_quiet
from bot.ports import Button
from bot.services import accounts
from bot.services.queue.timers import arm
from bot.services.sending import button, day_words, tell
from bot.services.tables import SHANGHAI, Tables
from bot.services.warning import counting
from bot.texts.catalogue import Say, say
from models.case import Case
from models.delivery import Timer, TimerState
from models.network import Level, Organisation, Staff
from models.party import Account
from models.warning import Burst

TIMER = "burst_watch"
WATCH = uuid.UUID(int=2)
"""There is one watch; its timer is about this."""

ALERT = "wa"
WEEK = timedelta(days=7)


async def plan(session: AsyncSession, tables: Tables) -> None:
    """Let the next look fall due, if none waits: one that was missed while nothing ran is made up for."""
    waiting = await session.scalar(
        select(Timer.id).where(
            Timer.about_id == WATCH, Timer.kind == TIMER, Timer.state == TimerState.WAITING
        )
    )
    if waiting is None:
        # A generation of its own, since a watch that was given up would never look again.
        day = accounts.today(tables).toordinal()
        await arm(session, WATCH, TIMER, _next(tables), generation=day)


async def look(session: AsyncSession, tables: Tables, _timer: Timer) -> datetime | TimerState:
    """A timer: find what is new, tell it, and wait for the next day. Nobody is told at night."""
    now, policy = tables.clock.now(), tables.policy
    if (free := after_quiet(now, policy.quiet_from, policy.quiet_until)) > now:
        return free
    rule = rules.load().burst
    until = counting.midnight(tables)
    weeks = await _weeks(session, until, rule)
    if weeks >= rule.least_weeks:
        names = await counting.streets(session)
        filed = await counting.filed(session, until - (weeks + 1) * WEEK, until)
        weekly = by_week(filed, until, weeks)
        kinds = [code for code in codes() if code != OUT_OF_SCOPE]
        cells = len(kinds) * (len(names) + 1)
        found = own_only(bursts.find(weekly, cells, replace(rule, weeks=weeks)))
        rows = [
            await _keep(session, tables, burst, until.date())
            for burst in found
            if not await _told_lately(session, tables, burst.cell, rule)
        ]
        await _tell(session, tables, rows, names)
    return _next(tables)


def own_only(found: Sequence[bursts.Burst]) -> list[bursts.Burst]:
    """Without those of the whole district of which half or more lies in streets that are told by themselves."""
    inside: Counter[str] = Counter()
    for burst in found:
        if burst.cell[1]:
            inside[burst.cell[0]] += burst.people
    return [b for b in found if b.cell[1] or 2 * inside[b.cell[0]] < b.people]


def by_week(
    filed: Sequence[tuple[datetime, Filed]], until: datetime, weeks: int
) -> Mapping[Cell, list[int]]:
    """Different people of each cell and week, the oldest week first; the street "" is the district."""
    who = hot.persons([case for _, case in filed])
    inside: defaultdict[Cell, list[set[Hashable]]] = defaultdict(
        lambda: [set() for _ in range(weeks + 1)]
    )
    for at, case in filed:
        week = weeks - (until - at - timedelta(microseconds=1)) // WEEK
        for street in {case.street, ""}:
            inside[case.object, street][week].add(who[case.account])
    return {cell: [len(week) for week in counted] for cell, counted in inside.items()}


async def _weeks(session: AsyncSession, until: datetime, rule: BurstRule) -> int:
    """Whole weeks before the one in question for which there are cases; an installation begins with none."""
    first = await session.scalar(select(func.min(Case.filed_at)))
    return min((until - first) // WEEK - 1, rule.weeks) if first is not None else 0


async def _told_lately(session: AsyncSession, tables: Tables, cell: Cell, rule: BurstRule) -> bool:
    since = tables.clock.now() - timedelta(days=rule.rest_days)
    found = await session.scalar(
        select(Burst.id)
        .where(Burst.object == cell[0], Burst.street_code == cell[1], Burst.found_at > since)
        .limit(1)
    )
    return found is not None


async def _keep(session: AsyncSession, tables: Tables, found: bursts.Burst, until: date) -> Burst:
    row = Burst(
        object=found.cell[0],
        street_code=found.cell[1],
        since=until - WEEK,
        until=until - timedelta(days=1),
        people=found.people,
        expected=found.expected,
        chance=found.chance,
        found_at=tables.clock.now(),
    )
    session.add(row)
    await session.flush()
    return row


async def _tell(
    session: AsyncSession, tables: Tables, rows: Sequence[Burst], names: Mapping[str, str]
) -> None:
    """One message to each reader, with what is of her area."""
    by_reader: defaultdict[str, list[Burst]] = defaultdict(list)
    for row in rows:
        for address in await _readers(session, tables, row.street_code):
            by_reader[address].append(row)
    for address, told in by_reader.items():
        await tell(
            session,
            tables,
            address,
            say("burst.told", lines=[line(row, names) for row in told]),
            say("burst.what_now"),
            buttons=[alert_button(row, names) for row in told if may_alert(row)],
        )


def line(row: Burst, names: Mapping[str, str]) -> Say:
    """A burst in numbers, for staff."""
    return say(
        "burst.line",
        place=counting.place(names, row.street_code),
        object=say(f"object.{row.object}"),
        since=day_words(row.since),
        until=day_words(row.until),
        people=row.people,
        usual=f"{row.expected:.1f}",
    )


def may_alert(row: Burst) -> bool:
    """Whether enough people are concerned for the public to be told."""
    return row.people >= rules.load().hot.k


def alert_button(row: Burst, names: Mapping[str, str]) -> list[Button]:
    """The way to an alert."""
    label = say(
        "burst.button.alert",
        place=counting.place(names, row.street_code),
        object=say(f"object.{row.object}"),
    )
    return [button(label, ALERT, question="look", value=row.id.hex)]


async def _readers(session: AsyncSession, tables: Tables, street: str) -> list[str]:
    """The groups of the street and of what is above it, in place of a group its staff; and the admins."""
    wanted = Organisation.level == Level.BUREAU
    if street:
        wanted |= Organisation.code == street
    desks = {desk.id: desk for desk in await session.scalars(select(Organisation).where(wanted))}
    below = next((desk for desk in desks.values() if desk.code == street), None)
    while below is not None and below.parent_id is not None and below.parent_id not in desks:
        below = await session.get_one(Organisation, below.parent_id)
        desks[below.id] = below
    addresses = [desk.chat for desk in desks.values() if desk.chat is not None]
    without = [desk.id for desk in desks.values() if desk.chat is None]
    alone = await session.scalars(
        select(Account.address)
        .join(Staff, Staff.account_id == Account.id)
        .where(
            Staff.organisation_id.in_(without),
            accounts.there(Staff, accounts.today(tables)),
            Account.blocked.is_(False),
        )
    )
    admins = [admin.address for admin in await accounts.admins(session) if not admin.blocked]
    return list(dict.fromkeys((*addresses, *alone, *admins)))


def _next(tables: Tables) -> datetime:
    local = tables.clock.now().astimezone(SHANGHAI)
    at = rules.load().burst.at
    due = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return due if due > local else due + timedelta(days=1)
