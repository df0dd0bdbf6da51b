"""What a person is shown of a desk: how far it is, when it is open, what it is known for.

A distance is shown only as exactly as both ends are known; hours tell and never decide.
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce

from bot.facts.dates import show_when
from bot.route.hours import Shift, next_open, open_at, read_hours
from bot.route.nearest import distance_m
from bot.route.register import Desk, Register
from bot.texts.catalogue import Say, say

DAYS = range(1, 8)

EXACT_M = {"surveyed": 10, "address": 100}
"""Metres to which a place of this precision is known."""


def away(
    desk: Desk, register: Register, pin: tuple[float, float] | None, street_code: str | None
) -> Say:
    """How far it is from a WGS-84 pin, or from a street or town that is all that is known."""
    if desk.level == "bureau":
        return say("offer.bureau")
    if desk.level == "street":
        return say("offer.street")
    if pin and desk.placed and desk.lat is not None and desk.lon is not None:
        unit = EXACT_M[desk.precision]
        metres = round(distance_m(*pin, desk.lat, desk.lon) / unit) * unit
        if metres >= 1000:
            return say("offer.kilometres", kilometres=f"{metres / 1000:.1f}")
        return (
            say("offer.metres", metres=metres)
            if metres > unit
            else say("offer.within", metres=unit)
        )
    street = register.street_of(desk.code)
    if street and street.code == street_code:
        return say("offer.same_street")
    return say("offer.in_street", street=street.name) if street else say("offer.no_place")


def opening(desk: Desk, at: datetime) -> Say:
    """Open now, when it will be looked at, or that the hours are not known."""
    now = open_at(desk.hours, at)
    if now is None:
        return say("offer.hours_unknown")
    if now:
        return say("offer.open")
    begins = next_open(desk.hours, at)
    if begins is None:
        return say("offer.shut")
    return say("offer.opens", month=begins.month, day=begins.day, time=begins.strftime("%H:%M"))


def hours_words(hours: str) -> list[Say]:
    """The hours of a desk as lines to read; none when they are unknown or unreadable."""
    try:
        return [_shift_words(shift) for shift in read_hours(hours)]
    except ValueError:
        return []


def _shift_words(shift: Shift) -> Say:
    if shift.dates:
        days: Say | str = show_when(*shift.dates)
    elif shift.holiday:
        days = say("hours.holiday")
    elif shift.working:
        days = say("hours.work")
    elif len(shift.weekdays) == len(DAYS):
        days = say("hours.daily")
    else:
        days = _weekdays(sorted(shift.weekdays))
    if not shift.spans:
        return say("hours.closed", days=days)
    spans = [
        f"{start // 60}:{start % 60:02}–{end // 60 if end == 1440 else end // 60 % 24}:{end % 60:02}"
        for start, end in shift.spans
    ]
    return say("hours.line", days=days, spans=spans)


def _weekdays(days: list[int]) -> Say:
    """Three or more in a row by their first and last: 周一至周五、周日."""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    found: list[Say] = []
    for run in runs:
        names = [say(f"hours.day_{day}") for day in run]
        long = len(run) > 2
        found += [say("hours.span", first=names[0], last=names[-1])] if long else names
    return reduce(lambda first, then: say("hours.also", first=first, then=then), found)


def known(desk: Desk) -> Say | None:
    """What it is, how it was rated, what it promises."""
    found = [say(f"point_type.{desk.type}")] if desk.level == "point" and desk.type else []
    if desk.tier:
        found.append(say(f"offer.tier_{desk.tier}"))
    if desk.fast_return_minutes:
        found.append(say("offer.fast_return", minutes=desk.fast_return_minutes))
    if desk.prepay_fen:
        found.append(say("offer.prepay", yuan=desk.prepay_fen // 100))
    if desk.languages:
        found.append(say("offer.languages", languages=list(desk.languages)))
    if not found:
        return None
    return reduce(lambda first, then: say("offer.and", first=first, then=then), found)


def line(
    desk: Desk,
    register: Register,
    pin: tuple[float, float] | None,
    street_code: str | None,
    at: datetime,
) -> Say:
    """One desk of those offered, in a line."""
    about = known(desk)
    return say(
        "offer.line" if about else "offer.line_plain",
        name=desk.name,
        known=about or "",
        away=away(desk, register, pin, street_code),
        opening=opening(desk, at),
    )
