"""Search the audit chain (审计查询): by act, person, case and period; that somebody searched is a line of it too.

Lines name people and cases by ids; here those become the names and numbers that are still there.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.privacy import audit
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.network import Staff
from models.party import Account
from models.privacy import Act, Audit

PER_PAGE = 8
MOST = 5000
"""Lines of one file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is sought; '' for anything. ``act`` is an Act's code; ``whom`` as :func:`named` gives it, whoever
    did it or whom it was about; ``since`` and ``until`` are days in Shanghai (ISO), both inclusive."""

    act: str = ""
    whom: str = ""
    since: str = ""
    until: str = ""

    def to_json(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class Found:
    """A line as it is read."""

    seq: int
    at: datetime
    act: Say | str
    by: Say | str
    about: Say | str
    details: str


async def search(
    session: AsyncSession, tables: Tables, wanted: Wanted, by: Account | str, page: int = 0
) -> tuple[int, list[Found]]:
    """How many lines there are, and one page of them, the newest first. The first page is recorded."""
    where = _where(wanted)
    count = await session.scalar(select(func.count()).select_from(Audit).where(*where)) or 0
    lines = await session.scalars(
        select(Audit)
        .where(*where)
        .order_by(Audit.seq.desc())
        .offset(page * PER_PAGE)
        .limit(PER_PAGE)
    )
    found = await _read(session, lines.all())
    if not page:
        await note(session, tables, wanted, by, count)
    return count, found


async def note(
    session: AsyncSession, tables: Tables, wanted: Wanted, by: Account | str, found: int
) -> None:
    """Record that somebody searched, for what, and how many lines there were."""
    now, sought = tables.clock.now(), "|".join((wanted.act, wanted.since, wanted.until))
    await audit.record(session, now, Act.SEARCH, by, wanted.whom, found=found, sought=sought)


async def rows(
    session: AsyncSession, tables: Tables, wanted: Wanted
) -> list[tuple[int, str, str, str, str, str]]:
    """The lines of a file: number, time, act, who, whom or what, details; the newest of too many."""
    lines = await session.scalars(
        select(Audit).where(*_where(wanted)).order_by(Audit.seq.desc()).limit(MOST)
    )

    def plain(words: Say | str) -> str:
        return tables.texts.plain(words) if isinstance(words, Say) else words

    return [
        (
            one.seq,
            one.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S"),
            plain(one.act),
            plain(one.by),
            plain(one.about),
            one.details,
        )
        for one in await _read(session, lines.all())
    ]


async def named(session: AsyncSession, text: str) -> list[str]:
    """The chain's names of what was typed: a case's number, an account's number, or part of a name of staff."""
    words = text.strip()
    case = await session.scalar(select(Case.id).where(Case.number == words.upper()))
    if case is not None:
        return [f"case:{case}"]
    if words.isdecimal():
        one = await session.scalar(select(Account.id).where(Account.address == f"tg:{words}"))
        return [f"account:{one}"] if one is not None else []
    if not words:
        return []
    acted = select(Audit.by).distinct().where(Audit.by.like("account:%"))
    ids = [_id(name) for name in await session.scalars(acted)]
    known = await session.scalars(select(Account).where(Account.id.in_([i for i in ids if i])))
    return [audit.who(one) for one in known if words in (one.name or "")]


def day(text: str) -> date | None:
    """A day as typed: 2026-11-28; None when it is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _where(wanted: Wanted) -> Sequence[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = []
    if wanted.act:
        asked.append(Audit.act == wanted.act)
    if wanted.whom:
        asked.append(or_(Audit.by == wanted.whom, Audit.about == wanted.whom))
    for bound, later in ((wanted.since, False), (wanted.until, True)):
        if not bound:
            continue
        found = day(bound)
        if found is None:
            return [false()]
        begins = datetime.combine(found + timedelta(days=later), time(), SHANGHAI).astimezone(UTC)
        asked.append(Audit.at < begins if later else Audit.at >= begins)
    return asked


async def _read(session: AsyncSession, lines: Sequence[Audit]) -> list[Found]:
    people = await _people(session, lines)
    cases = await _numbers(session, lines)

    def who(name: str) -> Say | str:
        kind, _, key = name.partition(":")
        if kind == "account":
            return people.get(key) or say("search.gone_person")
        if kind == "case":
            return cases.get(key) or say("search.gone_case")
        if name == audit.BOT:
            return say("search.bot")
        return key if kind == "operator" else name

    return [
        Found(
            line.seq,
            line.at,
            say(f"search.act.{line.act}") if line.act in KNOWN else line.act,
            who(line.by),
            who(line.about) if line.about else "",
            " ".join(f"{name}={value}" for name, value in (line.details or {}).items()),
        )
        for line in lines
    ]


KNOWN = frozenset(act.value for act in Act)


async def _people(session: AsyncSession, lines: Iterable[Audit]) -> Mapping[str, Say | str]:
    """Names of staff and admins; anybody else by her account's number alone."""
    ids = {_id(name) for line in lines for name in (line.by, line.about) if _is(name, "account")}
    keys = [i for i in ids if i]
    worked = set(await session.scalars(select(Staff.account_id).where(Staff.account_id.in_(keys))))
    found = await session.scalars(select(Account).where(Account.id.in_(keys)))
    return {
        str(one.id): say(
            "search.person",
            name=(one.name or "") if one.is_admin or one.id in worked else "",
            account=one.address.partition(":")[2],
        )
        for one in found
    }


async def _numbers(session: AsyncSession, lines: Iterable[Audit]) -> Mapping[str, str]:
    ids = {_id(name) for line in lines for name in (line.by, line.about) if _is(name, "case")}
    found = await session.execute(
        select(Case.id, Case.number).where(Case.id.in_([i for i in ids if i]))
    )
    return {str(key): number or "" for key, number in found}


def _is(name: str, kind: str) -> bool:
    return name.partition(":")[0] == kind


def _id(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name.partition(":")[2])
    except ValueError:
        return None
