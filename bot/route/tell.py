"""Rows of the law book as texts to say; the words themselves are in ``texts/zh/law.toml``."""

from __future__ import annotations

from collections.abc import Iterable

from bot.law.book import Door, Doors, Evidence, Hotline, Statute
from bot.texts.catalogue import Say, say


def door(where: Door) -> Say:
    """One place to turn to, with its number when it has one."""
    if where.number:
        return say("law.door.call", name=where.name, number=where.number, how=where.how)
    return say("law.door.go", name=where.name, how=where.how)


def doors(row: Doors, first: Door | None = None) -> tuple[Say, ...]:
    """Who takes it: the first door, what to bring, a note, then the doors after it."""
    first = first or row.first
    told = [say("law.door.first", door=door(first))]
    told.append(say("law.door.bring", items=list(row.bring)))
    told.append(say("law.door.note", note=row.note))
    after = [
        d for d in (row.first, *row.then) if d != first and d.code not in ("merchant", "liaison")
    ]
    names = [_called(d) for d in after]
    if names and row.before and first == row.first:
        told.append(say("law.door.then_after", before=row.before, names=names))
    elif names:
        told.append(say("law.door.then", names=names))
    return tuple(told)


def _called(where: Door) -> str:
    shown = where.number and where.number not in where.name
    return f"{where.name} {where.number}" if shown else where.name


def statute(row: Statute) -> Say:
    """A rule with its source, and 待核对 when it rests on one copy."""
    return say(
        "law.statute.to_confirm" if row.status == "to_confirm" else "law.statute.verified",
        cited=row.cited,
        says=row.says,
        checked=row.checked_on.isoformat(),
    )


def hotline(row: Hotline) -> Say:
    """A telephone line: what for, when."""
    return say(
        "law.hotline.hours" if row.hours else "law.hotline.plain",
        number=row.number,
        name=row.name,
        takes=row.takes,
        hours=row.hours,
    )


def evidence(rows: Iterable[Evidence]) -> tuple[Say, ...]:
    """A checklist, one line an item with how to get it."""
    return tuple(say("law.evidence.item", name=row.name, how=row.how) for row in rows)


def never_ask(items: Iterable[str]) -> Say:
    """What nobody here will ever ask for."""
    return say("law.evidence.never", items=list(items))
