"""A coming day and time as people write it: ``明天 9:30``, ``3月15日 上午9点半``, ``2027-03-15 19:00``, ``下周三下午2点``."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.facts.common import fold
from bot.facts.dates import coming_days

ZONE = ZoneInfo("Asia/Shanghai")
LONGEST = timedelta(days=366)
DAYS = {"今天": 0, "今晚": 0, "明天": 1, "明早": 1, "明晚": 1, "后天": 2, "大后天": 3}
WEEKDAYS = "一二三四五六日天"

_DAY = re.compile(
    rf"(?P<word>大后天|{'|'.join(sorted(DAYS, key=len, reverse=True))})"
    rf"|(?P<next>下)?(?:周|星期|礼拜)(?P<weekday>[{WEEKDAYS}])"
    r"|(?P<date>(?:\d{4}[年/.-])?\d{1,2}(?:月|[/.-])\d{1,2}(?!\d)[日号]?)"
)
_LOOSE = re.compile(r"\s*([年月日号点时分半:])\s*")
_TIME = re.compile(
    r"(?P<part>凌晨|早上|早|上午|中午|下午|傍晚|晚上|晚)?\s*"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})|[点时](?P<half>半)?(?:(?P<spoken>\d{1,2})分?)?)"
)
LATE = frozenset({"下午", "傍晚", "晚上", "晚"})
NOON = 12


def parse_moment(text: str, now: datetime) -> datetime | None:
    """The moment in Shanghai; a day without its year is the next one of that name. None when it says something
    else, is past, or lies more than a year ahead."""
    said = _LOOSE.sub(r"\1", fold(text).strip())
    day = _DAY.match(said)
    if day is None:
        return None
    at = _TIME.fullmatch(said[day.end() :].lstrip())
    if at is None:
        return None
    here = now.astimezone(ZONE)
    on = _day(day, here.date())
    clock = _clock(at, "晚" if (day["word"] or "").endswith("晚") else "")
    if on is None or clock is None:
        return None
    moment = datetime.combine(on, clock, ZONE)
    return moment if now < moment <= now + LONGEST else None


def _day(said: re.Match[str], today: date) -> date | None:
    if said["word"]:
        return today + timedelta(days=DAYS[said["word"]])
    if said["weekday"]:
        wanted = min(WEEKDAYS.index(said["weekday"]), 6)
        monday = today - timedelta(days=today.weekday())
        day = monday + timedelta(days=wanted + (7 if said["next"] else 0))
        return day if day >= today else day + timedelta(days=7)
    days = coming_days(said["date"].replace("/", "-").replace(".", "-"), today)
    return days[0] if days is not None else None


def _clock(said: re.Match[str], part: str) -> time | None:
    hour = int(said["hour"])
    minute = int(said["minute"] or said["spoken"] or (30 if said["half"] else 0))
    part = said["part"] or part
    if part in LATE and 1 <= hour < NOON:
        hour += NOON
    if hour > 23 or minute > 59:
        return None
    return time(hour, minute)
