"""What was written down about a case (调解记录、和解协议、先行赔付), as rows and as lines to read."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import show_money
from bot.services.mediation.papers import Form
from bot.services.sending import day_words
from bot.services.tables import SHANGHAI
from bot.texts.catalogue import Say, say
from models.case import Case
from models.mediation import (
    AdvancePayment,
    AdvanceState,
    Mediation,
    Recourse,
    Settlement,
    SettlementState,
)


async def mediations(session: AsyncSession, case: Case) -> Sequence[Mediation]:
    """The case's talks with both sides, the first first."""
    found = await session.scalars(
        select(Mediation).where(Mediation.case_id == case.id).order_by(Mediation.number)
    )
    return found.all()


async def settlement(session: AsyncSession, case: Case) -> Settlement | None:
    """The case's newest agreement, whatever became of it."""
    found: Settlement | None = await session.scalar(
        select(Settlement)
        .where(Settlement.case_id == case.id)
        .order_by(Settlement.number.desc())
        .limit(1)
    )
    return found


async def drop_open(session: AsyncSession, case: Case) -> None:
    """The case goes another way: an agreement that nobody has kept or broken no longer counts."""
    agreed = await settlement(session, case)
    if agreed is not None and agreed.state is SettlementState.OPEN:
        agreed.state = SettlementState.DROPPED


async def advance(session: AsyncSession, case: Case) -> AdvancePayment | None:
    """The case's payment in advance, None when there is none or it was refused."""
    found: AdvancePayment | None = await session.scalar(
        select(AdvancePayment)
        .where(
            AdvancePayment.case_id == case.id,
            AdvancePayment.state.not_in((AdvanceState.REFUSED, AdvanceState.DROPPED)),
        )
        .order_by(AdvancePayment.asked_at.desc())
        .limit(1)
    )
    return found


async def drop_unpaid(session: AsyncSession, case: Case) -> AdvancePayment | None:
    """The case leaves the hands that would have paid: what is not paid yet is not paid. The payment that
    was already approved, None when there was none."""
    row = await advance(session, case)
    if row is None or row.state is AdvanceState.PAID:
        return None
    approved = row.state is AdvanceState.APPROVED
    row.state = AdvanceState.DROPPED
    return row if approved else None


async def count(session: AsyncSession, table: type[Mediation | Settlement], case: Case) -> int:
    """How many of them the case has."""
    return await session.scalar(select(func.count()).where(table.case_id == case.id)) or 0


def mediation_lines(form: Form, rows: Sequence[Mediation]) -> list[Say]:
    """Each talk under its number."""
    return [
        say(
            "paper.record.shown",
            number=row.number,
            at=row.made_at.astimezone(SHANGHAI).strftime("%m-%d %H:%M"),
            lines=form.lines(row.record or {}),
        )
        for row in rows
    ]


def settlement_line(row: Settlement) -> Say:
    """An agreement in one line: by when, how much, and how it stands."""
    return say(
        "paper.agreement.shown",
        day=day_words(row.due_on),
        money=money_words(row.fen),
        state=say(f"paper.agreement.state.{row.state}"),
    )


def advance_line(row: AdvancePayment, inside: bool = True) -> Say:
    """A payment in advance in one line: how much, how it stands, and ``inside`` what came back."""
    line = say(
        "paper.advance.shown",
        money=show_money(row.fen),
        state=say(f"paper.advance.state.{row.state}"),
    )
    if row.state is not AdvanceState.PAID or not inside:
        return line
    back = say(f"paper.advance.recourse.{row.recourse}")
    if row.recourse is Recourse.PARTLY:
        back = say("paper.advance.recourse.partly_sum", money=show_money(row.recovered_fen))
    return say("paper.advance.shown_paid", line=line, recourse=back)


def money_words(fen: int) -> str | Say:
    """A sum, or that there is none."""
    return show_money(fen) if fen else say("close.nothing")
