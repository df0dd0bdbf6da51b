"""Verify what exists of the audit (核对): every case's events (经过) against the lifecycle's table."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.texts.catalogue import Say, say
from models.case import Case, Event
from models.lifecycle import TRANSITIONS, CaseStatus


class Verified(NamedTuple):
    """How many cases and events were looked at, and what is wrong with which."""

    cases: int
    events: int
    wrong: tuple[Say, ...]


async def verify(session: AsyncSession) -> Verified:
    """Sequence numbers without a gap from 1, each step one that the lifecycle allows and begun where
    the one before ended, and the last one where the case stands."""
    cases = (await session.execute(select(Case.id, Case.number, Case.token, Case.status))).all()
    steps = await session.execute(
        select(Event.case_id, Event.seq, Event.action, Event.was, Event.status).order_by(
            Event.case_id, Event.seq
        )
    )
    by_case = {case_id: list(group) for case_id, group in groupby(steps, key=lambda row: row[0])}
    wrong: list[Say] = []
    for case_id, number, token, status in cases:
        name = number or token
        stands = CaseStatus.DRAFT
        for place, (_, seq, action, was, then) in enumerate(by_case.get(case_id, ()), 1):
            if seq != place:
                wrong.append(say("cli.audit.gap", case=name, seq=place))
                break
            if was is not stands or TRANSITIONS.get((was, action)) is not then:
                wrong.append(say("cli.audit.step", case=name, seq=seq))
            stands = then
        else:
            if stands is not status:
                wrong.append(say("cli.audit.stands", case=name, events=stands, row=status))
    return Verified(len(cases), sum(map(len, by_case.values())), tuple(wrong))
