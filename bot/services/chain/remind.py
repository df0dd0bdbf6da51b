"""What falls due by itself about a case: one table of kinds, each with the status it is for, the events
that begin its wait, and when it is due. What then happens stands in :mod:`bot.services.chain.overdue`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.clocks import Rule
from bot.law.deadlines import after_quiet, working_days_after, working_days_before
from bot.law.policy import Policy
from bot.route.hours import after_duty
from bot.route.register import Desk
from bot.services.chain import legal_clocks
from bot.services.queue.timers import arm
from bot.services.tables import SHANGHAI, Tables
from models.case import Case
from models.lifecycle import HANDED, OPEN, Action, CaseStatus
from models.network import Organisation

DESK, NEXT, ANSWER, DRAFT = "desk_reminder", "escalation", "answer_reminder", "draft_reminder"
TRIAGE = "triage_reminder"
DUE, DUE_AGAIN, DUE_TAKER = "performance", "performance_again", "performance_taker"
DECIDE_NEAR, MEDIATION_NEAR, CLUE_NEAR = "decide_near", "mediation_near", "clue_near"
LIMIT_PASSED = "limit_passed"


@dataclass(frozen=True, slots=True)
class Wait:
    """A kind of waiting. ``since``: the last such event begins it and numbers its generation, so that
    what is due for an earlier hand-over or question means nothing; none for a draft, which waits once.
    ``due`` counts from there, in the hours of the desk that has the case, if one has it.
    ``after``: the kind that must have happened before, and from which ``due`` then counts.
    ``law``: it is about one of these clocks of the law, and ``due`` counts from the last day of that.
    """

    status: frozenset[CaseStatus]
    since: frozenset[Action]
    due: Callable[[Policy, Desk | None, datetime], datetime]
    after: str = ""
    law: frozenset[Rule] = frozenset()

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


def _near(rule: Rule) -> Callable[[Policy, Desk | None, datetime], datetime]:
    def due(policy: Policy, _desk: Desk | None, limit: datetime) -> datetime:
        last = limit.astimezone(SHANGHAI).date()
        day = working_days_before(last, policy.limit_reminder_working_days[rule])
        return datetime.combine(day, policy.office_from, SHANGHAI).astimezone(limit.tzinfo)

    return due


def _passed(policy: Policy, _desk: Desk | None, limit: datetime) -> datetime:
    """The next morning that the office is there."""
    day = working_days_after(limit.astimezone(SHANGHAI).date(), 1)
    return datetime.combine(day, policy.office_from, SHANGHAI).astimezone(limit.tzinfo)


def _in(*status: CaseStatus) -> frozenset[CaseStatus]:
    return frozenset(status)


AGREED, WAITING = _in(CaseStatus.AGREED), _in(CaseStatus.WAITING)
AGREE, SET_BY = frozenset({Action.AGREE}), legal_clocks.SET_BY

WAITS = {
    DESK: Wait(WAITING, HANDED, take_by),
    NEXT: Wait(WAITING, HANDED, take_by, after=DESK),
    TRIAGE: Wait(_in(CaseStatus.TRIAGE), frozenset({Action.QUEUE, Action.SEND_BACK}), take_by),
    ANSWER: Wait(_in(CaseStatus.ASKING), frozenset({Action.ASK}), _answer),
    DRAFT: Wait(_in(CaseStatus.DRAFT), frozenset(), _draft),
    DUE: Wait(AGREED, AGREE, _agreed),
    DUE_AGAIN: Wait(AGREED, AGREE, _again, after=DUE),
    DUE_TAKER: Wait(AGREED, AGREE, _again, after=DUE_AGAIN),
    DECIDE_NEAR: Wait(OPEN, SET_BY, _near("decide"), law=frozenset({"decide"})),
    MEDIATION_NEAR: Wait(
        OPEN, SET_BY, _near("mediation_limit"), law=frozenset({"mediation_limit"})
    ),
    CLUE_NEAR: Wait(OPEN, SET_BY, _near("clue_check"), law=frozenset({"clue_check"})),
    LIMIT_PASSED: Wait(
        OPEN, SET_BY, _passed, law=frozenset({"decide", "mediation_limit", "clue_check"})
    ),
}


async def plan(session: AsyncSession, tables: Tables, case: Case) -> None:
    """Arm what falls due if the case stays as it is. What was armed before needs no undoing: a timer
    whose case has gone on finds that out when it falls due."""
    for kind, wait in WAITS.items():
        if case.status not in wait.status or wait.after:
            continue
        begun = await began(session, tables, case, wait)
        if begun is not None:
            generation, since = begun
            due = wait.due(tables.policy, await holder(session, tables, case), since)
            await arm(session, case.id, kind, due, generation=generation)


async def began(
    session: AsyncSession, tables: Tables, case: Case, wait: Wait
) -> tuple[int, datetime] | None:
    """The generation of this waiting and the moment from which its ``due`` counts; None where it is about a
    clock of the law that does not run."""
    if not wait.law:
        return wait.began(case)
    clock = await legal_clocks.running(session, case)
    if clock is None or clock.due is None or clock.rule not in wait.law:
        return None
    limit = datetime.combine(clock.due, tables.policy.office_until, SHANGHAI)
    return wait.began(case)[0], limit.astimezone(UTC)


async def promised(session: AsyncSession, tables: Tables, case: Case) -> datetime:
    """Until when the desk that has a waiting case is to take it."""
    wait = WAITS[DESK]
    _, began = wait.began(case)
    return wait.due(tables.policy, await holder(session, tables, case), began)


async def holder(session: AsyncSession, tables: Tables, case: Case) -> Desk | None:
    """The desk that has the case, as the register knows it."""
    desk = await session.get(Organisation, case.desk_id) if case.desk_id else None
    return tables.register.get(desk.code) if desk is not None else None
