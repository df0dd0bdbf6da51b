"""How a case stands against the promises of the desk (时限): computed from its events, never stored.

A waiting case should be taken within its desk's hours of duty, a taken one brought to its end within its working
days (law/policy.toml), an agreement kept by its day.
What the consumer is asked stops the second promise until she answers; the law's own days are no business of
this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.law.deadlines import after_working_time, working_moment_after, working_time_between
from bot.law.policy import Policy
from bot.route.register import Desk
from bot.services.chain.remind import DESK, DUE, WAITS
from models.case import Case
from models.lifecycle import Action, CaseStatus


@dataclass(frozen=True, slots=True)
class Standing:
    """``due``: when the next step is promised, None when nothing is (paused, or nobody's yet)."""

    due: datetime | None
    paused: bool = False

    def late(self, now: datetime) -> timedelta:
        """How long it has been due; nothing when it is not."""
        return max(now - self.due, timedelta()) if self.due is not None else timedelta()


def standing(case: Case, policy: Policy, desk: Desk | None) -> Standing:
    """Where an open case stands with the desk that has it."""
    match case.status:
        case CaseStatus.WAITING:
            return Standing(_waits(DESK, case, policy, desk))
        case CaseStatus.AGREED:
            return Standing(_waits(DUE, case, policy, desk))
        case CaseStatus.HANDLING:
            return Standing(promised(case, policy))
        case CaseStatus.ASKING:
            return Standing(None, paused=True)
    return Standing(None)


def _waits(kind: str, case: Case, policy: Policy, desk: Desk | None) -> datetime:
    _, began = WAITS[kind].began(case)
    return WAITS[kind].due(policy, desk, began)


def promised(case: Case, policy: Policy) -> datetime | None:
    """By when the desk means to be through with a case that was taken: its working days from the taking,
    and the office time that it waited for the consumer. Who takes over from a colleague keeps that day."""
    taken: datetime | None = None
    asked: datetime | None = None
    paused = timedelta()
    for event in case.events:
        if event.action is Action.TAKE:
            taken, asked, paused = event.at, None, timedelta()
        elif event.status is CaseStatus.ASKING and event.was is not CaseStatus.ASKING:
            asked = event.at
        elif event.was is CaseStatus.ASKING and event.status is not CaseStatus.ASKING and asked:
            paused += working_time_between(asked, event.at, policy.office_from, policy.office_until)
            asked = None
    if taken is None:
        return None
    days = policy.handle_working_days[case.part]
    due = working_moment_after(taken, days, policy.office_from, policy.office_until)
    return after_working_time(due, paused, policy.office_from, policy.office_until)
