"""Quiet hours (安静时段): no notice goes out at night, and one that is being sent rests until the morning."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.law.deadlines import after_quiet
from bot.law.policy import Policy
from bot.services.tables import SHANGHAI, Tables
from models.outreach import Notice


def hold(tables: Tables, notice: Notice) -> bool:
    """Whether it rests at night: what a second person called urgent does not, nor what the demonstration shows,
    where a day passes at a touch."""
    return not notice.urgent and not tables.demo


def wakes(policy: Policy, at: datetime) -> datetime:
    """``at`` itself by day, else the morning after."""
    return after_quiet(at, policy.quiet_from, policy.quiet_until)


def rests(policy: Policy, at: datetime) -> datetime:
    """When the next night begins; ``at`` itself when it has."""
    if wakes(policy, at) > at:
        return at
    day = at.astimezone(SHANGHAI).date()
    return datetime.combine(day, policy.quiet_from, SHANGHAI).astimezone(at.tzinfo)


def end(policy: Policy, at: datetime, takes: timedelta) -> datetime:
    """When work that takes so long, and rests at night, is done."""
    at = wakes(policy, at)
    while takes > (left := rests(policy, at) - at):
        takes -= left
        at = wakes(policy, at + left)
    return at + takes
