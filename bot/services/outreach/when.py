"""When a notice goes out, in words, and when it comes again."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime

from bot.services.outreach import nights
from bot.services.sending import day_words
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.outreach import Notice, Repeat

DECEMBER = 12


def words(tables: Tables, notice: Notice) -> Say:
    """When it goes out, and how often again."""
    due = notice.due_at
    when = say("schedule.now") if due is None else moment(due)
    now = tables.clock.now()
    if due is None and nights.hold(tables, notice) and nights.wakes(tables.policy, now) > now:
        when = say("schedule.now_night", time=f"{tables.policy.quiet_until:%H:%M}")
    if notice.repeat:
        return say("schedule.repeats", when=when, often=say(f"schedule.often.{notice.repeat}"))
    return when


def moment(at: datetime) -> Say:
    """A day, its year and its minute."""
    local = at.astimezone(SHANGHAI)
    return say("schedule.at", year=local.year, day=day_words(local.date()), time=f"{local:%H:%M}")


def following(at: datetime, repeat: str) -> datetime:
    """The same hour a month or a year later, in Shanghai; a day that this month lacks is its last."""
    local = at.astimezone(SHANGHAI)
    year, month = local.year, local.month
    if repeat == Repeat.YEARLY:
        year += 1
    else:
        year, month = (year + 1, 1) if month == DECEMBER else (year, month + 1)
    day = min(local.day, monthrange(year, month)[1])
    return datetime.combine(date(year, month, day), local.timetz())
