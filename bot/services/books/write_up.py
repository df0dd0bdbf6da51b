"""Write the books up (入账): the figures of a case are made from its events, by whoever looks next.

What happens to a case marks it (``Case.booked``); the hourly sweep and every report write up what is marked. So
nothing is counted on the way of a case, and a figure that was understood wrongly can be made anew.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.deadlines import working_time_between
from bot.law.policy import Policy
from bot.services.chain import remind
from bot.services.tables import SHANGHAI, Tables
from models.base import Base
from models.books import CaseFigure, Outcome
from models.case import ADVICE_GIVEN, Case, CaseKind, Event
from models.lifecycle import HANDED, OPEN, Action, CaseStatus
from models.network import Organisation

CHUNK = 200
IN_CHAT = 1000
"""Cases written up before a report in chat: what is more waits for the sweep, and is told."""

TOLD = (*HANDED, Action.SEND_BACK, Action.RATE)
"""Events whose details say something that counts."""

COUNTED = (Outcome.SOLVED, Outcome.UNSOLVED, Outcome.WITHDRAWN, Outcome.OPEN)
"""What may have become of a case that counts; each has a column."""

NO_FAULT = frozenset({Outcome.OPEN, Outcome.WITHDRAWN, Outcome.MERGED})
"""Nobody can say of a case that was never taken and went so, that it was not taken in time."""

_cases, _events = Case.__table__.c, Event.__table__.c
_figures = Base.metadata.tables["case_figure"]
_UNBOOKED = (Case.booked.is_(False), Case.filed_at.is_not(None))
_NEXT = select(Case.id).where(*_UNBOOKED).limit(CHUNK).with_for_update(skip_locked=True)
"""What another process has in hand is its own: two would count a case twice."""

_BOOK = (
    update(Case)
    .where(_cases.id == bindparam("row"), _cases.touched_at == bindparam("seen"))
    .values(booked=True)
)


async def catch_up(session: AsyncSession, tables: Tables, most: int = IN_CHAT) -> int:
    """Write up what is marked, at most about ``most`` cases; how many are left."""
    done = 0
    while done < most:
        ids = (await session.scalars(_NEXT)).all()
        if not ids:
            return 0
        await write_up(session, tables, ids)
        done += len(ids)
    return await session.scalar(select(func.count()).select_from(Case).where(*_UNBOOKED)) or 0


async def write_up(session: AsyncSession, tables: Tables, ids: Sequence[uuid.UUID]) -> None:
    """Make the figures of these cases anew. One that changes meanwhile stays marked."""
    await session.flush()
    cases = (
        await session.execute(
            select(
                *(_cases.id, _cases.status, _cases.kind, _cases.role, _cases.account_id),
                *(_cases.object, _cases.nature, _cases.desk_id, _cases.result),
                *(_cases.returned_fen, _cases.filed_at, _cases.closed_at, _cases.touched_at),
            ).where(_cases.id.in_(ids), _cases.filed_at.is_not(None))
        )
    ).all()
    events: dict[uuid.UUID, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for event in await session.execute(
        select(
            *(_events.id, _events.case_id, _events.at, _events.action, _events.by_id),
            *(_events.was, _events.status, _events.details_sealed),
        )
        .where(_events.case_id.in_(ids))
        .order_by(_events.case_id, _events.seq)
    ):
        events[event.case_id].append(event)
    known = await session.execute(select(Organisation.id, Organisation.code))
    desks: dict[uuid.UUID, str] = dict(known.all())
    by_code = {code: key for key, code in desks.items()}
    again = await _again(session, cases)
    rows: list[dict[str, Any]] = []
    for case in cases:
        parts = parts_of(case, events[case.id], desks.get(case.desk_id) if case.desk_id else None)
        rows += [
            {
                **_figure(case, part, tables, first=case.id not in again),
                "desk_id": by_code.get(part.code),
            }
            for part in parts
        ]
    await session.execute(delete(CaseFigure).where(CaseFigure.case_id.in_(ids)))
    connection = await session.connection()
    if rows:
        # The table, not the class: one statement for all, whatever is missing in which row.
        await connection.execute(_figures.insert(), rows)
    if cases:
        await connection.execute(_BOOK, [{"row": c.id, "seen": c.touched_at} for c in cases])


@dataclass(slots=True)
class Part:
    """What one desk (``code``, "" for none) did with a case, as its events tell it; ``left`` is how it went
    from there, None while it is there or ended there. ``taken`` is the first taking, ``begun`` the last."""

    code: str
    given: datetime
    taken: datetime | None = None
    begun: datetime | None = None
    asked: datetime | None = None
    pauses: list[tuple[datetime, datetime]] = field(default_factory=list)
    left: Outcome | None = None
    marks: dict[str, int] = field(default_factory=dict)


def parts_of(
    case: Row[*tuple[Any, ...]], events: Iterable[Row[*tuple[Any, ...]]], holder: str | None
) -> list[Part]:
    """The parts of all desks in the order in which they got the case; exactly one has not left it.

    A desk that loses a case by its consumer's own choice or by a person's assignment had no part in it.
    """
    parts: dict[str, Part] = {}
    here: Part | None = None
    for event in events:
        told = _details(event)
        if event.action is Action.SEND_BACK and here is not None and told.get("code"):
            reason = (told.get("reason") or {}).get("say")
            here.left = Outcome.RECUSED if reason == "return.conflict" else Outcome.RETURNED
            here = None
        elif event.action in HANDED and told.get("code"):
            code = str(told["code"])
            if here is not None and here.code != code:
                if event.action in {Action.REFER, Action.DELEGATE}:
                    here.left = Outcome.REFERRED
                elif event.by_id is None:
                    here.left = Outcome.MOVED
                else:
                    del parts[here.code]
            here = parts.setdefault(code, Part(code, event.at))
            here.left = None
        elif event.action is Action.QUEUE and here is not None:
            here.left = Outcome.MOVED
            here = None
        elif here is not None:
            _within(here, event, told)
    if here is None or here.code != (holder or ""):
        # In triage, or with a desk that no event names.
        here = parts.setdefault(holder or "", Part(holder or "", case.filed_at))
        here.left = None
    return list(parts.values())


def _within(here: Part, event: Row[*tuple[Any, ...]], told: Mapping[str, Any]) -> None:
    if event.action is Action.TAKE:
        here.taken = here.taken or event.at
        here.begun, here.asked, here.pauses = event.at, None, []
    elif event.action is Action.RATE:
        here.marks[str(told.get("aspect", ""))] = int(told.get("score", 0))
    elif event.status is CaseStatus.ASKING and event.was is not CaseStatus.ASKING:
        here.asked = event.at
    elif event.was is CaseStatus.ASKING and event.status is not CaseStatus.ASKING and here.asked:
        here.pauses.append((here.asked, event.at))
        here.asked = None


def _details(event: Row[*tuple[Any, ...]]) -> Mapping[str, Any]:
    if event.action not in TOLD or event.details_sealed is None:
        return {}
    opened: Mapping[str, Any] = Event.details.open(event.id, event.details_sealed)
    return opened or {}


def outcome_of(case: Row[*tuple[Any, ...]]) -> Outcome:
    """What became of a case where it is now. Advice that was given, and a clue that was checked, are solved;
    what an authority refused or terminated is not."""
    if case.status in OPEN:
        return Outcome.OPEN
    if case.status is CaseStatus.SETTLED or case.result == ADVICE_GIVEN:
        return Outcome.SOLVED
    if case.status is CaseStatus.CONCLUDED and case.result.startswith("checked"):
        return Outcome.SOLVED
    ends = {CaseStatus.WITHDRAWN: Outcome.WITHDRAWN, CaseStatus.MERGED: Outcome.MERGED}
    return ends.get(case.status, Outcome.UNSOLVED)


def _figure(
    case: Row[*tuple[Any, ...]], part: Part, tables: Tables, *, first: bool
) -> dict[str, Any]:
    policy, register = tables.policy, tables.register
    held = part.left is None
    outcome = part.left or outcome_of(case)
    take = _minutes(policy, part.given, part.taken) if part.taken else None
    handle = None
    if held and part.begun and case.closed_at and outcome is not Outcome.MERGED:
        paused = sum(_minutes(policy, *pause) for pause in part.pauses)
        if part.asked:
            paused += _minutes(policy, part.asked, case.closed_at)
        handle = max(_minutes(policy, part.begun, case.closed_at) - paused, 0)
    prompt: bool | None = None
    if part.taken:
        prompt = part.taken <= remind.take_by(policy, register.get(part.code), part.given)
    elif not held or outcome not in NO_FAULT:
        prompt = False
    kind = case.role if case.kind is CaseKind.COMPLAINT else case.kind.value
    counts = held and first and outcome is not Outcome.MERGED
    return {
        "case_id": case.id,
        "held": held,
        "day": _day(case.filed_at),
        "part": kind,
        "object": case.object,
        "nature": case.nature,
        "outcome": outcome,
        "take_minutes": take,
        "handle_minutes": handle,
        "prompt": prompt,
        "first": first,
        "received": int(counts),
        "complaints": int(counts and case.kind is CaseKind.COMPLAINT),
        "clues": int(counts and case.kind is CaseKind.CLUE),
        "consults": int(counts and case.kind is CaseKind.CONSULT),
        "taken": int(counts and take is not None),
        **{str(one): int(counts and outcome is one) for one in COUNTED},
        "gave_up": int(not held),
        "returned_fen": (case.returned_fen or 0) if counts else 0,
        "rate_sum": sum(part.marks.values()) if counts else 0,
        "rate_count": len(part.marks) if counts else 0,
    }


def _minutes(policy: Policy, start: datetime, end: datetime) -> int:
    """Office time, in whole minutes."""
    spent = working_time_between(start, end, policy.office_from, policy.office_until)
    return spent // timedelta(minutes=1)


def _day(moment: datetime) -> date:
    return moment.astimezone(SHANGHAI).date()


async def _again(
    session: AsyncSession, cases: Iterable[Row[*tuple[Any, ...]]]
) -> frozenset[uuid.UUID]:
    """Consultations of somebody who had one before on the same day."""
    who = {case.account_id for case in cases if case.kind is CaseKind.CONSULT}
    if not who:
        return frozenset()
    found = await session.execute(
        select(_cases.id, _cases.account_id, _cases.filed_at)
        .where(
            _cases.account_id.in_(who),
            _cases.kind == CaseKind.CONSULT,
            _cases.filed_at.is_not(None),
            _cases.status != CaseStatus.MERGED,
        )
        .order_by(_cases.filed_at, _cases.id)
    )
    seen: set[tuple[uuid.UUID, date]] = set()
    again = set()
    for row in found:
        key = (row.account_id, _day(row.filed_at))
        if key in seen:
            again.add(row.id)
        seen.add(key)
    return frozenset(again)
