"""Counting the days of the law.

Order 121, art. 45 (市场监督管理投诉举报处理办法 第四十五条): the day it begins is not counted; when
the last day is a statutory holiday (法定节假日), the first day after it is the last.
"""

from __future__ import annotations

import logging
import tomllib
from datetime import date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import chinese_calendar

log = logging.getLogger(__name__)
ONE = timedelta(days=1)
ZONE = ZoneInfo("Asia/Shanghai")


def working_days_after(start: date, n: int) -> date:
    """The ``n``-th working day (工作日) after ``start``; ``start`` itself when n is 0.

    Raises ValueError when n is negative.
    """
    if n < 0:
        raise ValueError(f"a duration of {n} working days")
    day = start
    while n:
        day += ONE
        n -= is_working_day(day)
    return day


def working_days_before(end: date, n: int) -> date:
    """The ``n``-th working day (工作日) before ``end``; ``end`` itself when n is 0.

    Raises ValueError when n is negative.
    """
    if n < 0:
        raise ValueError(f"a duration of {n} working days")
    day = end
    while n:
        day -= ONE
        n -= is_working_day(day)
    return day


def days_after(start: date, n: int) -> date:
    """``n`` natural days after ``start``, moved past a statutory holiday at its end.

    Raises ValueError when n is negative.
    """
    if n < 0:
        raise ValueError(f"a duration of {n} days")
    day = start + timedelta(days=n)
    while n and is_holiday(day):
        day += ONE
    return day


def working_moment_after(at: datetime, n: int, opens: time, closes: time) -> datetime:
    """The same time of day on the ``n``-th working day after, moved into office hours; ``at`` is aware,
    the hours are Shanghai's. Raises ValueError when n is negative."""
    local = at.astimezone(ZONE)
    day = working_days_after(local.date(), n)
    clock = min(max(local.time(), opens), closes)
    return datetime.combine(day, clock, ZONE).astimezone(at.tzinfo)


def working_time_between(start: datetime, end: datetime, opens: time, closes: time) -> timedelta:
    """Office time from ``start`` to ``end``, both aware; none when ``end`` is not the later one."""
    first, last = start.astimezone(ZONE), end.astimezone(ZONE)
    total, day = timedelta(), first.date()
    while day <= last.date():
        if is_working_day(day):
            begins = max(first, datetime.combine(day, opens, ZONE))
            total += max(min(last, datetime.combine(day, closes, ZONE)) - begins, timedelta())
        day += ONE
    return total


def after_working_time(start: datetime, needed: timedelta, opens: time, closes: time) -> datetime:
    """When ``needed`` office time has gone by after ``start`` (aware); ``start`` itself for none."""
    moment, left = start.astimezone(ZONE), needed
    while left > timedelta():
        end = datetime.combine(moment.date(), closes, ZONE)
        free = working_time_between(moment, end, opens, closes)
        if free >= left:
            begins = max(moment, datetime.combine(moment.date(), opens, ZONE))
            return (begins + left).astimezone(start.tzinfo)
        left -= free
        moment = datetime.combine(moment.date() + ONE, opens, ZONE)
    return start


def after_quiet(at: datetime, begins: time, ends: time) -> datetime:
    """``at`` itself, or the end of the night that it falls into: nobody is written to unasked then.

    The night runs from ``begins`` past midnight to ``ends``, in Shanghai.
    """
    local = at.astimezone(ZONE)
    if ends <= local.time() < begins:
        return at
    day = local.date() + (ONE if local.time() >= begins else timedelta())
    return datetime.combine(day, ends, ZONE).astimezone(at.tzinfo)


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> bool:
    """Whether offices work on ``day``, with the State Council's moved days (调休)."""
    if official(day.year):
        return bool(chinese_calendar.is_workday(day))
    return day.weekday() < 5 and day not in _statutory(day.year)


def is_holiday(day: date) -> bool:
    """Whether ``day`` lies in a statutory holiday; an ordinary weekend does not."""
    if official(day.year):
        off, name = chinese_calendar.get_holiday_detail(day)
        return bool(off and name)
    return day in _statutory(day.year)


@cache
def official(year: int) -> bool:
    """Whether the State Council's arrangement for ``year`` is known; if not, says so in the log.

    Without it the statutory days are known by law but the moved days are not, so a date counted
    through such a year may be some days off and is to be shown as an estimate.
    """
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        log.warning(
            "holiday table lacks %d: dates are counted without moved working days; "
            "update the package chinesecalendar",
            year,
        )
        return False
    return True


def missing_years(today: date, ahead_days: int) -> list[int]:
    """Years between today and ``ahead_days`` later whose arrangement is unknown, for doctor."""
    last = (today + timedelta(days=ahead_days)).year
    return [year for year in range(today.year, last + 1) if not official(year)]


@cache
def _statutory(year: int) -> frozenset[date]:
    table = tomllib.loads(files("bot.law").joinpath("holidays.toml").read_text("utf-8"))
    days = [*table["every_year"]["days"], *table["year"].get(str(year), {}).get("days", ())]
    return frozenset(date.fromisoformat(f"{year}-{day}") for day in days)
