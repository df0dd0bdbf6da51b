"""The daily digest (每日简报): what came, went and waits in one's own area, once a day, to whoever wants it.

To admins, and to staff of streets, offices and the bureau. Nothing is sent when there is nothing to tell.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button
from bot.services import accounts
from bot.services.chain import assign
from bot.services.queue.timers import arm
from bot.services.sending import button, tell
from bot.services.staff import today
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case, Event
from models.delivery import Outbox, OutboxState, Timer, TimerState
from models.lifecycle import Action, CaseStatus
from models.network import Level, Organisation, Robot, Staff
from models.outreach import Notice, NoticeState
from models.party import Account, SecondStep, StepState
from models.warning import Burst

TIMER = "digest"
EVERYBODY = uuid.UUID(int=3)
"""What the timer is about."""

DAY = timedelta(days=1)
LEVELS = (Level.STREET, Level.OFFICE, Level.BUREAU)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of an area, since the last digest; ``late`` and ``waiting`` as it stands now."""

    new: int
    taken: int
    closed: int
    late: int
    waiting: int

    def any(self) -> bool:
        return any((self.new, self.taken, self.closed, self.late, self.waiting))


async def plan(session: AsyncSession, tables: Tables) -> None:
    """Let the next digest fall due."""
    await arm(session, EVERYBODY, TIMER, _next(tables))


async def send(session: AsyncSession, tables: Tables, _timer: Timer) -> datetime | TimerState:
    """A timer: one message to everybody who wants it and has something to read; then wait for the next day. In
    the demonstration, where a day passes at a touch, nothing is sent."""
    if tables.demo:
        return _next(tables)
    known: dict[frozenset[uuid.UUID], Counts] = {}
    running = await _running(session, tables)
    for account in await _readers(session, tables):
        desks = [
            desk.id for _, desk in await accounts.duties(session, account) if desk.level in LEVELS
        ]
        key = frozenset() if account.is_admin else frozenset(desks)
        if key not in known:
            known[key] = await _count(session, tables, account)
        await _tell(session, tables, account, known[key], running if account.is_admin else {})
    return _next(tables)


async def _readers(session: AsyncSession, tables: Tables) -> list[Account]:
    day = accounts.today(tables)
    works = (
        select(Staff.account_id)
        .join(Organisation, Organisation.id == Staff.organisation_id)
        .where(Organisation.level.in_(LEVELS), accounts.there(Staff, day))
    )
    found = await session.scalars(
        select(Account)
        .where(Account.digest, ~Account.blocked, Account.is_admin | Account.id.in_(works))
        .order_by(Account.id)
    )
    return list(found)


async def _count(session: AsyncSession, tables: Tables, account: Account) -> Counts:
    now = tables.clock.now()
    since = now - DAY
    mine: ColumnElement[bool] = (
        true() if account.is_admin else Case.desk_id.in_(accounts.area(tables, account))
    )

    async def number(*where: ColumnElement[bool]) -> int:
        return await session.scalar(select(func.count()).select_from(Case).where(mine, *where)) or 0

    taken = select(func.count(Event.case_id.distinct())).join(Case, Case.id == Event.case_id)
    standing = await today.ordered(session, tables, mine)
    return Counts(
        new=await number(Case.filed_at >= since),
        taken=await session.scalar(
            taken.where(mine, Event.action == Action.TAKE, Event.at >= since)
        )
        or 0,
        closed=await number(Case.closed_at >= since),
        late=sum(stands.late(now) > timedelta() for _, stands in standing),
        waiting=await number(Case.status == CaseStatus.WAITING),
    )


async def _running(session: AsyncSession, tables: Tables) -> Mapping[str, int]:
    """What admins read besides: to assign, to decide, notices on their way, what was not sent, bursts."""
    since = tables.clock.now() - DAY

    async def number(model: type, *where: ColumnElement[bool]) -> int:
        return await session.scalar(select(func.count()).select_from(model).where(*where)) or 0

    found = {
        "triage": await assign.waiting(session),
        "steps": await number(
            SecondStep, SecondStep.state == StepState.WAITING, SecondStep.until > since + DAY
        ),
        "notices": await number(
            Notice, Notice.state.in_((NoticeState.SENDING, NoticeState.PAUSED))
        ),
        "failed": await number(
            Outbox,
            Outbox.state.in_((OutboxState.DEAD, OutboxState.UNKNOWN)),
            Outbox.done_at >= since,
        ),
        "bursts": await number(Burst, Burst.found_at >= since),
        "robots": await number(Robot, Robot.failing_since.is_not(None)),
    }
    return {name: count for name, count in found.items() if count}


async def _tell(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    counts: Counts,
    running: Mapping[str, int],
) -> None:
    if not counts.any() and not running:
        return
    local = tables.clock.now().astimezone(SHANGHAI)
    lines: list[Say] = [say(f"digest.{name}", count=count) for name, count in running.items()]
    rows: list[list[Button]] = [[button("today.button.list", today.VERB)]]
    if account.is_admin:
        rows = [[button("admin.button.triage", "m", value="triage")], *rows]
        rows.append([button("admin.button.status", "m", value="status")])
    await tell(
        session,
        tables,
        account.address,
        say("digest.head", month=local.month, day=local.day),
        say(
            "digest.counts",
            new=counts.new,
            taken=counts.taken,
            closed=counts.closed,
            waiting=counts.waiting,
            late=counts.late,
        ),
        say("digest.lines", lines=lines) if lines else None,
        buttons=[*rows, [button("settings.digest.on", "uz", question="digest", value="on")]],
        key=f"{TIMER}:{local.date()}:{account.id}",
    )


def _next(tables: Tables) -> datetime:
    local = tables.clock.now().astimezone(SHANGHAI)
    at = tables.policy.digest_at
    due = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return due if due > local else due + DAY
