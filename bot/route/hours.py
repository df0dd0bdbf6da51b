"""Duty hours (值班时间) of a desk, as a short line of data.

``1-5 09:00-11:30,13:00-17:00; 6,7 10:00-16:00`` gives weekdays (1 Monday to 7 Sunday) and times in
Asia/Shanghai; ``work`` stands for working days with their moved days (调休), ``daily`` for every day.
``holiday`` is a statutory holiday, ``2027-02-06`` or ``2027-02-06..2027-02-12`` certain days; ``closed``
may stand for the times. Certain days go before holidays, and holidays before all the rest.
An end before its start runs past midnight; 24:00 is the end of the day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from bot.law.deadlines import is_holiday, is_working_day

ZONE = ZoneInfo("Asia/Shanghai")
DAYS = re.compile(r"[1-7](?:-[1-7])?(?:,[1-7](?:-[1-7])?)*", re.ASCII)
SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})", re.ASCII)
DAY_MINUTES = 24 * 60
LOOK_AHEAD_DAYS = 15
"""A week's holiday and the days moved around it lie within."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Some days with their spans, in minutes from midnight; no span when it is closed.

    ``dates`` are the first and last of certain days, None when it is about a kind of day.
    """

    weekdays: frozenset[int]
    working: bool
    spans: tuple[tuple[int, int], ...]
    holiday: bool = False
    dates: tuple[date, date] | None = None

    @property
    def rank(self) -> int:
        """Of two shifts about the same day, the one of the higher rank holds."""
        return 2 if self.dates else int(self.holiday)

    def on(self, day: date) -> bool:
        if self.dates:
            return self.dates[0] <= day <= self.dates[1]
        if self.holiday:
            return is_holiday(day)
        return is_working_day(day) if self.working else day.isoweekday() in self.weekdays


@lru_cache(maxsize=1024)
def read_hours(text: str) -> tuple[Shift, ...]:
    """The shifts of a line of hours. Raises ValueError on what it cannot read."""
    shifts = tuple(_shift(part.strip()) for part in text.split(";") if part.strip())
    if shifts and all(shift.rank for shift in shifts):
        raise ValueError("only exceptions: nothing is said of an ordinary day")
    return shifts


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
    return any(start <= minute < end for start, end in spans_on(shifts, today)) or any(
        minute < end - DAY_MINUTES for _, end in spans_on(shifts, yesterday)
    )


def next_open(hours: str, at: datetime) -> datetime | None:
    """When a desk that is off duty is next on it, as Shanghai's time.

    None when its hours are unknown, or when no duty begins within the days that are looked at.
    """
    try:
        shifts = read_hours(hours)
    except ValueError:
        return None
    local = at.astimezone(ZONE)
    for ahead in range(LOOK_AHEAD_DAYS):
        day = local.date() + timedelta(days=ahead)
        for start, _ in spans_on(shifts, day):
            begins = datetime(day.year, day.month, day.day, *divmod(start, 60), tzinfo=ZONE)
            if begins > local:
                return begins
    return None


def after_duty(
    hours: str, at: datetime, minutes: int, usual: str, day: tuple[time, time]
) -> datetime:
    """The moment when ``minutes`` of duty have passed since ``at``, as Shanghai's time: breaks, closed days
    and nights do not count. Duty outside of ``day`` (its beginning and end) does not count either.

    ``usual`` are the hours that stand in for unknown ones, and for those without duty in the days looked at.
    Raises ValueError when those have none either.
    """
    for line in (hours, usual):
        found = _worked(line, at.astimezone(ZONE), minutes, day)
        if found is not None:
            return found
    raise ValueError(f"no duty in {usual!r}")


def _worked(hours: str, since: datetime, minutes: int, day: tuple[time, time]) -> datetime | None:
    try:
        shifts = read_hours(hours)
    except ValueError:
        return None
    begins, ends = (each.hour * 60 + each.minute for each in day)
    left = timedelta(minutes=minutes)
    idle = 0
    midnight = datetime.combine(since.date(), time(), ZONE)
    while shifts and idle < LOOK_AHEAD_DAYS:
        idle += 1
        for start, end in spans_on(shifts, midnight.date()):
            first = max(since, midnight + timedelta(minutes=max(start, begins)))
            last = midnight + timedelta(minutes=min(end, ends))
            if first >= last:
                continue
            idle = 0
            if last - first >= left:
                return first + left
            left -= last - first
            since = last  # Of shifts that overlap, no minute counts twice.
        midnight += timedelta(days=1)
    return None


def spans_on(shifts: tuple[Shift, ...], day: date) -> list[tuple[int, int]]:
    """The spans of a day, in minutes from its midnight; empty when it is closed."""
    there = [shift for shift in shifts if shift.on(day)]
    rank = max((shift.rank for shift in there), default=0)
    return sorted(span for shift in there if shift.rank == rank for span in shift.spans)


def _shift(part: str) -> Shift:
    days, _, times = part.partition(" ")
    closed = times.strip() == "closed"
    spans: tuple[tuple[int, int], ...] = (
        () if closed else tuple(_span(span.strip()) for span in times.split(","))
    )
    if days == "work":
        return Shift(frozenset(), True, spans)
    if days == "holiday":
        return Shift(frozenset(), False, spans, holiday=True)
    if len(days) >= 10 and days[:4].isdecimal():
        return Shift(frozenset(), False, spans, dates=_dates(days))
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


def _dates(days: str) -> tuple[date, date]:
    first, _, last = days.partition("..")
    begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    if end < begin:
        raise ValueError(f"days of duty run backwards: {days!r}")
    return begin, end


def _span(span: str) -> tuple[int, int]:
    match = SPAN.fullmatch(span)
    if not match:
        raise ValueError(f"times of duty not understood: {span!r}")
    h1, m1, h2, m2 = map(int, match.groups())
    start, end = h1 * 60 + m1, h2 * 60 + m2
    if m1 > 59 or m2 > 59 or start >= DAY_MINUTES or end > DAY_MINUTES or start == end:
        raise ValueError(f"no such times of duty: {span!r}")
    return start, end if end > start else end + DAY_MINUTES
