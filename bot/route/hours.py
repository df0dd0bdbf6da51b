"""Duty hours (值班时间) of a desk, as a short line of data.

``1-5 09:00-11:30,13:00-17:00; 6,7 10:00-16:00`` gives weekdays (1 Monday to 7 Sunday) and times in
Asia/Shanghai; ``work`` stands for working days with their moved days (调休), ``daily`` for every day.
An end before its start runs past midnight; 24:00 is the end of the day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.law.deadlines import is_working_day

ZONE = ZoneInfo("Asia/Shanghai")
DAYS = re.compile(r"[1-7](?:-[1-7])?(?:,[1-7](?:-[1-7])?)*", re.ASCII)
SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})", re.ASCII)
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Shift:
    """Some days with their spans, in minutes from midnight."""

    weekdays: frozenset[int]
    working: bool
    spans: tuple[tuple[int, int], ...]

    def on(self, day: date) -> bool:
        return is_working_day(day) if self.working else day.isoweekday() in self.weekdays


@lru_cache(maxsize=1024)
def read_hours(text: str) -> tuple[Shift, ...]:
    """The shifts of a line of hours. Raises ValueError on what it cannot read."""
    return tuple(_shift(part.strip()) for part in text.split(";") if part.strip())


def open_at(hours: str, at: datetime) -> bool | None:
    """Whether a desk is on duty at an aware time; None when its hours are unknown or unreadable."""
    try:
        shifts = read_hours(hours)
    except ValueError:
        return None
    if not shifts:
        return None
    local = at.astimezone(ZONE)
    minute = local.hour * 60 + local.minute
    today, yesterday = local.date(), local.date() - timedelta(days=1)
    return any(
        (start <= minute < end and shift.on(today))
        or (minute < end - DAY_MINUTES and shift.on(yesterday))
        for shift in shifts
        for start, end in shift.spans
    )


def _shift(part: str) -> Shift:
    days, _, times = part.partition(" ")
    spans = tuple(_span(span.strip()) for span in times.split(","))
    if days == "work":
        return Shift(frozenset(), True, spans)
    return Shift(_weekdays(days), False, spans)


def _weekdays(days: str) -> frozenset[int]:
    if days == "daily":
        return frozenset(range(1, 8))
    if not DAYS.fullmatch(days):
        raise ValueError(f"days of duty not understood: {days!r}")
    found: set[int] = set()
    for item in days.split(","):
        first, _, last = item.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    if not found:
        raise ValueError(f"days of duty run backwards: {days!r}")
    return frozenset(found)


def _span(span: str) -> tuple[int, int]:
    match = SPAN.fullmatch(span)
    if not match:
        raise ValueError(f"times of duty not understood: {span!r}")
    h1, m1, h2, m2 = map(int, match.groups())
    start, end = h1 * 60 + m1, h2 * 60 + m2
    if m1 > 59 or m2 > 59 or start >= DAY_MINUTES or end > DAY_MINUTES or start == end:
        raise ValueError(f"no such times of duty: {span!r}")
    return start, end if end > start else end + DAY_MINUTES
