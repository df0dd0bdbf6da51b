"""What a person is shown of a desk: how far it is, when it is open, what it is known for.

A distance is shown only as exactly as both ends are known; hours tell and never decide.
"""

from __future__ import annotations

from datetime import datetime
from functools import reduce

from bot.route.hours import next_open, open_at
from bot.route.nearest import distance_m
from bot.route.register import Desk, Register
from bot.texts.catalogue import Say, say

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
