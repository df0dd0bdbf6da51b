"""What falls due by itself about a case: one table of kinds, each with the status it is for, the events
that begin its wait, and when it is due. What then happens stands in :mod:`bot.services.overdue`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.deadlines import after_quiet, working_moment_after
from bot.law.policy import Policy
from bot.services.tables import Tables
from bot.services.timers import arm
from models.case import Case
from models.lifecycle import Action, CaseStatus

DESK, STREET, ANSWER, DRAFT = "desk_reminder", "escalation", "answer_reminder", "draft_reminder"


@dataclass(frozen=True, slots=True)
class Wait:
    """A kind of waiting. ``since``: the last such event begins it and numbers its generation, so that
    what is due for an earlier hand-over or question means nothing; none for a draft, which waits once.
    ``after``: the kind that must have happened before, and from which ``due`` then counts.
    """

    status: CaseStatus
    since: frozenset[Action]
    due: Callable[[Policy, datetime], datetime]
    after: str = ""

    def began(self, case: Case) -> tuple[int, datetime]:
        """The generation, and when this waiting began."""
        for event in reversed(case.events):
            if event.action in self.since:
                return event.seq, event.at
        return 0, case.touched_at


def _desk(policy: Policy, since: datetime) -> datetime:
    return _working(policy, since, policy.take_working_days)


def _street(policy: Policy, since: datetime) -> datetime:
    return _working(policy, since, policy.escalate_working_days)


def _working(policy: Policy, since: datetime, days: int) -> datetime:
    return working_moment_after(since, days, policy.office_from, policy.office_until)


def _draft(policy: Policy, since: datetime) -> datetime:
    return _hours(policy, since, policy.draft_reminder_hours)


def _answer(policy: Policy, since: datetime) -> datetime:
    return _hours(policy, since, policy.answer_reminder_hours)


def _hours(policy: Policy, since: datetime, hours: int) -> datetime:
    return after_quiet(since + timedelta(hours=hours), policy.quiet_from, policy.quiet_until)


HANDED = frozenset({Action.HAND_OVER, Action.REOPEN, Action.UNMERGE})

WAITS = {
    DESK: Wait(CaseStatus.WAITING, HANDED, _desk),
    STREET: Wait(CaseStatus.WAITING, HANDED, _street, after=DESK),
    ANSWER: Wait(CaseStatus.ASKING, frozenset({Action.ASK}), _answer),
    DRAFT: Wait(CaseStatus.DRAFT, frozenset(), _draft),
}


async def plan(session: AsyncSession, tables: Tables, case: Case) -> None:
    """Arm what falls due if the case stays as it is. What was armed before needs no undoing: a timer
    whose case has gone on finds that out when it falls due."""
    for kind, wait in WAITS.items():
        if case.status is wait.status and not wait.after:
            generation, began = wait.began(case)
            due = wait.due(tables.policy, began)
            await arm(session, case.id, kind, due, generation=generation)
