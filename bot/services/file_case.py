"""File a case (登记): number, columns, route, hand-over, and what the consumer is told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview import flow
from bot.law.book import Door
from bot.law.deadlines import working_days_after
from bot.route.decide import Route
from bot.services import drafts, hand_over
from bot.services.sending import Answer, button
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, CaseStatus
from models.party import Account


async def preview(session: AsyncSession, tables: Tables, case: Case) -> Say:
    """Who will receive what, told before the person submits."""
    route = await hand_over.plan(session, tables, case)
    return say("review.receives", who=receiver(tables, route), reasons=list(route.because))


def receiver(tables: Tables, route: Route) -> Say:
    """The desk by name, and who really holds the case while that desk has no staff."""
    desk = tables.register.get(route.desk_code) if route.desk_code else None
    holder = tables.register.get(route.held_by) if route.held_by else None
    if desk is not None and (tables.demo or (holder is not None and holder.code == desk.code)):
        return say("receiver.desk", name=desk.name)
    if holder is not None:
        return say("receiver.holder", name=holder.name)
    return say("receiver.triage")


async def file(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    """Submit a reviewed draft. A second tap finds it filed and files nothing."""
    missing = flow.next_question(dict(case.answers or {}), drafts.context(case, tables))
    if missing is not None:
        raise ValueError(f"filed with {missing.key} unanswered")
    now = tables.clock.now()
    open_now = sum(c.closed_at is None for c in await drafts.filed(session, account))
    if open_now >= tables.policy.open_cases_per_person:
        await answer(say("file.too_many", most=tables.policy.open_cases_per_person))
        return
    _fill_columns(case, tables)
    case.number = await _number(session, tables)
    case.filed_at = now
    case.apply(Action.FILE, at=now, by=account.id)
    route = await hand_over.hand_over(session, tables, case, account)
    if not account.subscribed and not account.is_admin:
        offer = [[button("button.subscribe", "us", case)]]
    else:
        offer = []
    due = working_days_after(now.astimezone(SHANGHAI).date(), tables.policy.take_working_days)
    await answer(
        say("file.done", number=case.number),
        door_words(tables, route.door) if route.door is not None else None,
        _who_has_it(tables, case, route),
        say("file.reasons", reasons=list(route.because)),
        say("file.next", day=f"{due.month}月{due.day}日")
        if case.status is CaseStatus.WAITING
        else say("file.next_triage"),
        say("file.keep"),
        buttons=[
            [button("button.progress", "tp", case)],
            [button("button.add", "ta", case), button("button.withdraw", "tw", case)],
            *offer,
        ],
    )


def door_words(tables: Tables, door: Door) -> Say:
    """The right door first: who takes it, what to do before, what to bring."""
    return say(
        "door.card",
        name=door.name,
        how=door.how,
        prerequisite=say("door.prerequisite", text=door.prerequisite) if door.prerequisite else "",
        bring=list(door.bring),
        checked=door.checked_on,
    )


def _who_has_it(tables: Tables, case: Case, route: Route) -> Say:
    if case.status is CaseStatus.TRIAGE:
        return say("file.triage")
    return say(f"file.with_{route.role}", who=receiver(tables, route))


def _fill_columns(case: Case, tables: Tables) -> None:
    """Codes, places and amounts leave the sealed answers for the plain columns that lists need."""
    answers: dict[str, Any] = case.answers or {}
    decision = case.decision or {}

    def of(key: str) -> Any:
        return answers.get(key, {}).get("v")

    where = of("where") or {}
    case.object = drafts.object_of(case) or "other_consumer"
    case.nature = decision.get("nature") or ""
    case.means = decision.get("channel") or ""
    case.fraud = bool(decision.get("fraud"))
    case.merchant = str(of("merchant") or "")[:200]
    case.street_code = where.get("street") or ""
    amount = of("amount")
    case.amount_fen = amount if isinstance(amount, int) else None


async def _number(session: AsyncSession, tables: Tables) -> str:
    """The next number of the day: ``PD261123-0007``."""
    day = tables.clock.now().astimezone(SHANGHAI).strftime("PD%y%m%d")
    last = await session.scalar(select(func.max(Case.number)).where(Case.number.startswith(f"{day}-")))
    return f"{day}-{int(last.rpartition('-')[2]) + 1 if last else 1:04d}"
