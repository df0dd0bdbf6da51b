"""The ledger of payments in advance (先行赔付台账): what a desk and those below it paid and got back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import show_money
from bot.ports import Press
from bot.services import accounts
from bot.services.mediation import case_papers
from bot.services.sending import Answer, button
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.mediation import AdvancePayment, AdvanceState, Recourse
from models.network import Organisation
from models.party import Account

VERB = "szl"
OPEN = "open"
"""The value that asks for what has not come back, of whatever month."""

SHOWN = 15
SETTLED = (Recourse.BACK, Recourse.GIVEN_UP)


async def show(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """A month's payments (``2026-11``, this month by itself) or what is still out, with sums."""
    seen = await seen_by(session, account)
    if seen is None:
        return say("toast.not_staff")
    month = _month(press.value) or accounts.today(tables).replace(day=1)
    value = OPEN if press.value == OPEN else month.strftime("%Y-%m")
    rows = await paid_rows(session, value, seen)
    paid = sum(row.fen for row, _, _ in rows)
    back = sum(row.recovered_fen for row, _, _ in rows)
    before = (month.replace(day=1) - date.resolution).replace(day=1)
    await answer(
        say("ledger.head_open")
        if press.value == OPEN
        else say("ledger.head", year=month.year, month=month.month),
        say(
            "ledger.sums",
            count=len(rows),
            paid=show_money(paid),
            back=show_money(back),
            out=show_money(paid - back),
        )
        if rows
        else say("ledger.none"),
        say("ledger.lines", lines=_lines(rows[:SHOWN])) if rows else None,
        say("ledger.more", count=len(rows) - SHOWN) if len(rows) > SHOWN else None,
        buttons=[
            [button("ledger.button.before", VERB, value=before.strftime("%Y-%m"))],
            [button("ledger.button.open", VERB, value=OPEN)],
            *([[button("ledger.button.xlsx", VERB, None, "xlsx", value)]] if rows else []),
            [button("staff.button.home", "j")],
        ],
    )
    return None


async def paid_rows(
    session: AsyncSession, value: str, seen: ColumnElement[bool]
) -> list[tuple[AdvancePayment, str, str]]:
    """What was paid in a month, or is still out: each with its case's number and its desk's name."""
    month = _month(value)
    wanted = (
        AdvancePayment.asked_at.between(_begins(month), _begins(_next(month)))
        if month is not None
        else AdvancePayment.recourse.not_in(SETTLED)
    )
    found = await session.execute(
        select(AdvancePayment, Case.number, Organisation.name)
        .join(Case, Case.id == AdvancePayment.case_id)
        .join(Organisation, Organisation.id == AdvancePayment.desk_id)
        .where(wanted, seen, AdvancePayment.state == AdvanceState.PAID)
        .order_by(AdvancePayment.asked_at.desc())
    )
    return [(row, number or "", name) for row, number, name in found]


def _lines(rows: Sequence[tuple[AdvancePayment, str, str]]) -> list[Say]:
    return [
        say("ledger.line", number=number, desk=name, line=case_papers.advance_line(row))
        for row, number, name in rows
    ]


async def seen_by(session: AsyncSession, account: Account) -> ColumnElement[bool] | None:
    """Whose payments the account may read: an admin all, staff their desk's and those of the points
    below it; None for anybody else."""
    if account.is_admin:
        return true()
    own: list[uuid.UUID] = [desk.id for _, desk in await accounts.duties(session, account)]
    if not own:
        return None
    below = select(Organisation.id).where(Organisation.parent_id.in_(own))
    return or_(AdvancePayment.desk_id.in_(own), AdvancePayment.desk_id.in_(below), false())


def _month(value: str) -> date | None:
    try:
        return datetime.strptime(value, "%Y-%m").date()  # noqa: DTZ007
    except ValueError:
        return None


def _next(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def _begins(month: date) -> datetime:
    return datetime.combine(month, time(), SHANGHAI)
