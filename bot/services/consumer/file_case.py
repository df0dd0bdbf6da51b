"""File a case (登记): number, columns, route, hand-over, and what the consumer is told."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview import flow
from bot.law.book import Door
from bot.ports import Button
from bot.route.precheck import precheck, with_ways
from bot.services.chain import group_event, hand_over, remind
from bot.services.chain.hand_over import Plan
from bot.services.consumer import (
    act_for,
    choose_point,
    drafts,
    help_first,
    joint,
    library,
    locate,
    prepare_text,
)
from bot.services.queue.drain import insert_new
from bot.services.sending import Answer, button, moment_words
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.base import cipher
from models.case import Case, CaseKind
from models.delivery import Meta
from models.lifecycle import Action, CaseStatus
from models.party import Account

LAST_NUMBER = "last_case_number"


async def preview(
    session: AsyncSession, tables: Tables, case: Case
) -> tuple[tuple[Say, ...], list[list[Button]]]:
    """What is told before the person submits: the right door if it is another authority's matter,
    who receives what, and the desks that she may choose; with the buttons to choose them."""
    plan = await hand_over.planned(session, tables, case)
    return (
        *door_card(plan.route.door),
        say("review.receives", reasons=list(plan.route.because)),
        *choose_point.shown(case, plan),
        *_in_advance(tables, case, plan),
    ), choose_point.rows(case, plan, "o", "review")


def _in_advance(tables: Tables, case: Case, plan: Plan) -> tuple[Say, ...]:
    """What a market authority may not take up, said before she submits (order 121 art. 16)."""
    if case.kind is not CaseKind.COMPLAINT:
        return ()
    answers: dict[str, Any] = case.answers or {}
    words = "\n".join(str(answers.get(key, {}).get("v") or "") for key in ("story", "extra"))
    when = answers.get("when", {}).get("v") or {}
    found = precheck(
        words,
        date.fromisoformat(when["last"]) if when else None,
        drafts.today(tables),
        plan.law.doors(plan.dispute.object, plan.dispute.fraud_kinds),
        bool(answers.get("merchant", {}).get("v")),
    )
    return with_ways(found, plan.law.statute("five_ways"))


def door_card(door: Door | None) -> tuple[Say, ...]:
    """The right door: who takes it, its number, what to do before and what to bring."""
    if door is None:
        return ()
    return (
        say(
            "door.card",
            name=door.name,
            number=say("door.number", number=door.number)
            if door.number and door.number not in door.name
            else "",
            how=door.how,
        ),
        *((say("door.prerequisite", text=door.prerequisite),) if door.prerequisite else ()),
        *((say("door.bring", things=list(door.bring)),) if door.bring else ()),
        say("door.checked", day=door.checked_on.isoformat()),
    )


async def file(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> None:
    """Submit a reviewed draft. A second tap finds it filed and files nothing."""
    missing = flow.next_question(dict(case.answers or {}), drafts.context(case, tables))
    if missing is not None:
        raise ValueError(f"filed with {missing.key} unanswered")
    now = tables.clock.now()
    mine = await drafts.filed(session, account)
    open_now = sum(c.closed_at is None for c in mine)
    lately = sum(c.filed_at is not None and c.filed_at > now - timedelta(days=1) for c in mine)
    if lately >= tables.policy.cases_per_day:
        await answer(say("file.too_many_today", most=tables.policy.cases_per_day))
        return
    if open_now >= tables.policy.open_cases_per_person:
        await answer(say("file.too_many", most=tables.policy.open_cases_per_person))
        return
    plan = await enter(session, tables, case, account)
    route = plan.route
    if not account.subscribed and not account.is_admin:
        offer = [[button("button.subscribe", "us", case)]]
    else:
        offer = []
    agent, letter = act_for.filed(case)
    await answer(
        say("file.done", number=case.number or ""),
        *door_card(route.door),
        say("file.reasons", reasons=list(route.because)),
        say("file.next", day=moment_words(await remind.promised(session, tables, case), now))
        if case.status is CaseStatus.WAITING
        else say("file.next_triage"),
        say("file.keep"),
        agent,
        buttons=[
            *(
                [[button("button.packet", prepare_text.VERB, case)]]
                if route.door is not None
                else []
            ),
            *letter,
            [button("button.progress", "tp", case)],
            [button("button.add", "ta", case), button("button.withdraw", "tw", case)],
            *choose_point.entry(case, plan),
            *([] if help_first.helping(tables, account) else library.entry(case)),
            *offer,
        ],
        venue=plan.venue(route.held_by),
    )


async def enter(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    by: Account,
    details: dict[str, Any] | None = None,
) -> Plan:
    """Number a reviewed draft and hand it over."""
    now = tables.clock.now()
    act_for.settle(case)
    fill_columns(case)
    case.number = await next_number(session, tables)
    case.filed_at = now
    case.apply(Action.FILE, at=now, by=by.id, details=details)
    plan = await hand_over.hand_over(session, tables, case, by)
    await locate.owe(session, tables, case)
    await group_event.watch(session, tables, case)
    await joint.came(session, tables, case)
    return plan


def fill_columns(case: Case) -> None:
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
    case.merchant = str(of("merchant") or "")
    case.phone_blind = blind_phone(str(of("phone") or ""))
    case.street_code = where.get("street") or ""
    amount = of("amount")
    case.amount_fen = amount if isinstance(amount, int) else None


def blind_phone(phone: str) -> bytes | None:
    """The fingerprint by which cases of one number are found; None without a number."""
    return cipher().blind(f"phone:{re.sub('[^0-9]', '', phone)}") if phone else None


async def next_number(session: AsyncSession, tables: Tables) -> str:
    """The next number of the day: ``PD261123-0007``. Who files at the same time waits for our commit."""
    date = tables.clock.now().astimezone(SHANGHAI)
    day = f"{tables.network.region.prefix}{date:%y%m%d}"
    await insert_new(session, Meta, [{"key": LAST_NUMBER, "value": ""}], ["key"])
    last = await session.get_one(Meta, LAST_NUMBER, with_for_update=True, populate_existing=True)
    # Cases may be older than this row.
    highest = last.value or await session.scalar(select(func.max(Case.number))) or ""
    prefix, _, count = highest.partition("-")
    last.value = f"{day}-{int(count) + 1 if prefix == day else 1:04d}"
    return str(last.value)
