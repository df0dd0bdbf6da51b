"""The clocks of the law (法定期限), computed from what happened to a case.

They run only in the hands of a market authority (市场监管部门), from the day it received the case: decide
(order 121 art. 15), mediate (art. 23, stopped by an appraisal, art. 22), check a clue (art. 27). Days are counted
as art. 45 says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from bot.law.book import LawBook
from bot.law.deadlines import days_after, official, working_days_after

Rule = Literal["decide", "mediation_limit", "clue_check"]
Colour = Literal["late", "near", "far", "paused", "done"]

CLOSES = frozenset({"settle", "end", "withdraw", "refuse", "terminate", "checked"})
LEAVES = frozenset({"send_back", "reopen"})
"""It is no longer in the authority's hands, or begins anew."""


@dataclass(frozen=True, slots=True)
class Clock:
    """One time limit by the name of its statute: the day that began it, its last day (None while an
    appraisal stops it), and the day on which it was kept or ended, None while it runs."""

    rule: Rule
    begun: date
    due: date | None
    done: date | None = None

    @property
    def estimated(self) -> bool:
        """Whether the holidays of its last year are not announced yet, so that it may be some days off."""
        return self.due is not None and not official(self.due.year)

    def colour(self, today: date, near: int) -> Colour:
        """``near``: so many working days before its end, or fewer, are left."""
        if self.done is not None:
            return "done"
        if self.due is None:
            return "paused"
        if today > self.due:
            return "late"
        return "near" if working_days_after(today, near) >= self.due else "far"


def clocks(happened: Iterable[tuple[str, date]], law: LawBook, clue: bool) -> tuple[Clock, ...]:
    """The clocks of a case; ``happened`` are its actions by name, each with its day in Shanghai, in order."""
    running: dict[Rule, Clock] = {}
    since: date | None = None
    paused = 0
    extended = False
    for action, day in happened:
        if action in LEAVES:
            running, since, paused, extended = {}, None, 0, False
        elif action == "receive":
            rule: Rule = "clue_check" if clue else "decide"
            if rule not in running:
                running[rule] = Clock(rule, day, law.statute(rule).due(day))
        elif action == "accept" and "mediation_limit" not in running:
            running = _done(running, day)
            running["mediation_limit"] = Clock(
                "mediation_limit", day, law.statute("mediation_limit").due(day)
            )
        elif action == "appraise" and since is None and "mediation_limit" in running:
            since = day
            running["mediation_limit"] = replace(running["mediation_limit"], due=None)
        elif action == "appraised" and since is not None:
            paused += (day - since).days
            since = None
            clock = running["mediation_limit"]
            days = law.statute("mediation_limit").days + paused
            running["mediation_limit"] = replace(clock, due=days_after(clock.begun, days))
        elif action == "extend" and "clue_check" in running and not extended:
            extended = True
            clock = running["clue_check"]
            days = 2 * law.statute("clue_check").days
            running["clue_check"] = replace(clock, due=working_days_after(clock.begun, days))
        elif action in CLOSES:
            running = _done(running, day)
    return tuple(running.values())


def _done(running: dict[Rule, Clock], day: date) -> dict[Rule, Clock]:
    return {
        rule: clock if clock.done is not None else replace(clock, done=day)
        for rule, clock in running.items()
    }
