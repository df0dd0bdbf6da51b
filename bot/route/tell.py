"""Rows of the law book as texts to say; the words themselves are in ``texts/zh/law.toml``."""

from __future__ import annotations

from bot.law.book import LIAISON, Door, Doors, Statute
from bot.texts.catalogue import Say, say


def beside(row: Doors, door: Door) -> tuple[Say, ...]:
    """What to know beside the door named first: a note, the doors after it, what is not verified."""
    told = [say("law.doors.note", note=row.note)]
    after = [d.name for d in (row.first, *row.then) if d.code not in (door.code, LIAISON)]
    if after:
        told.append(say("law.doors.then", names=after))
    if door.status == "to_confirm":
        told.append(say("law.doors.to_confirm", checked=door.checked_on.isoformat()))
    return tuple(told)


def statute(row: Statute) -> Say:
    """A rule with its source, and 待核对 when it rests on one copy."""
    checked = row.checked_on.isoformat()
    if row.status == "to_confirm":
        return say("law.statute.to_confirm", cited=row.cited, says=row.says, checked=checked)
    return say("law.statute.verified", cited=row.cited, says=row.says, checked=checked)


def within(seat: str, authority: str) -> bool:
    """Whether a seat (上海市浦东新区) lies in the district that an authority's name begins with."""
    return any(authority.startswith(seat[at:]) for at in range(len(seat) - 1))
