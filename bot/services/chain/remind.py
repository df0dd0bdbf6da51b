"""What falls due by itself about a case: one table of kinds, each with the status it is for, the events
that begin its wait, and when it is due. What then happens stands in :mod:`bot.services.chain.overdue`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.deadlines import after_quiet
from bot.law.policy import Policy
from bot.route.hours import after_duty
from bot.route.register import Desk
from bot.services.queue.timers import arm
from bot.services.tables import Tables
from models.case import Case
from models.lifecycle import HANDED, Action, CaseStatus
from models.network import Organisation

DESK, NEXT, ANSWER, DRAFT = "desk_reminder", "escalation", "answer_reminder", "draft_reminder"
TRIAGE = "triage_reminder"
DUE, DUE_AGAIN, DUE_TAKER = "performance", "performance_again", "performance_taker"


@dataclass(frozen=True, slots=True)
class Wait:
    """A kind of waiting. ``since``: the last such event begins it and numbers its generation, so that
    what is due for an earlier hand-over or question means nothing; none for a draft, which waits once.
    ``due`` counts from there, in the hours of the desk that has the case, if one has it.
    ``after``: the kind that must have happened before, and from which ``due`` then counts.
    """

    status: CaseStatus
    since: frozenset[Action]
    due: Callable[[Policy, Desk | None, datetime], datetime]
    after: str = ""

    def began(self, case: Case) -> tuple[int, datetime]:
        """The generation, and when this waiting began: with the event, or at the time it is put off to."""
        for event in reversed(case.events):
            if event.action in self.since:
                until = (event.details or {}).get("until")
                return event.seq, datetime.fromisoformat(until) if until else event.at
        return 0, case.touched_at


def take_by(policy: Policy, desk: Desk | None, since: datetime) -> datetime:
    """The promise of a desk by its type, in hours of its own duty; never at night."""
    hours = policy.take_hours.get(desk.type if desk else "", policy.take_hours["other"])
    usual = f"work {policy.office_from:%H:%M}-{policy.office_until:%H:%M}"
    day = policy.quiet_until, policy.quiet_from
    due = after_duty(desk.hours if desk else "", since, hours * 60, usual, day)
    return due.astimezone(since.tzinfo)


def _draft(policy: Policy, _desk: Desk | None, since: datetime) -> datetime:
    return _hours(policy, since, policy.draft_reminder_hours)


def _answer(policy: Policy, _desk: Desk | None, since: datetime) -> datetime:
    return _hours(policy, since, policy.answer_reminder_hours)


def _hours(policy: Policy, since: datetime, hours: int) -> datetime:
    return after_quiet(since + timedelta(hours=hours), policy.quiet_from, policy.quiet_until)


def _agreed(policy: Policy, _desk: Desk | None, since: datetime) -> datetime:
    return _hours(policy, since, 0)


def _again(policy: Policy, _desk: Desk | None, since: datetime) -> datetime:
    return _hours(policy, since, 24 * policy.performance_again_days)


AGREED = frozenset({Action.AGREE})

WAITS = {
    DESK: Wait(CaseStatus.WAITING, HANDED, take_by),
    NEXT: Wait(CaseStatus.WAITING, HANDED, take_by, after=DESK),
    TRIAGE: Wait(CaseStatus.TRIAGE, frozenset({Action.QUEUE, Action.SEND_BACK}), take_by),
    ANSWER: Wait(CaseStatus.ASKING, frozenset({Action.ASK}), _answer),
    DRAFT: Wait(CaseStatus.DRAFT, frozenset(), _draft),
    DUE: Wait(CaseStatus.AGREED, AGREED, _agreed),
    DUE_AGAIN: Wait(CaseStatus.AGREED, AGREED, _again, after=DUE),
    DUE_TAKER: Wait(CaseStatus.AGREED, AGREED, _again, after=DUE_AGAIN),
}


async def plan(session: AsyncSession, tables: Tables, case: Case) -> None:
    """Arm what falls due if the case stays as it is. What was armed before needs no undoing: a timer
    whose case has gone on finds that out when it falls due."""
    for kind, wait in WAITS.items():
        if case.status is wait.status and not wait.after:
            generation, began = wait.began(case)
            due = wait.due(tables.policy, await holder(session, tables, case), began)
            await arm(session, case.id, kind, due, generation=generation)


async def promised(session: AsyncSession, tables: Tables, case: Case) -> datetime:
    """Until when the desk that has a waiting case is to take it."""
    wait = WAITS[DESK]
    _, began = wait.began(case)
    return wait.due(tables.policy, await holder(session, tables, case), began)


async def holder(session: AsyncSession, tables: Tables, case: Case) -> Desk | None:
    """The desk that has the case, as the register knows it."""
    desk = await session.get(Organisation, case.desk_id) if case.desk_id else None
    return tables.register.get(desk.code) if desk is not None else None
