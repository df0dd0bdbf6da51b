"""The triage queue (待分派): an admin reads what no desk could be found for, and gives it to one."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Press
from bot.services.chain.hand_over import assign, band, can_hold, fits, street_name
from bot.services.consumer.drafts import by_token
from bot.services.network.bind_desk import (
    by_serial,
    label,
    number,
    offer_matches,
    stamp,
    stop,
    street_rows,
)
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import CaseStatus
from models.network import Organisation
from models.party import Account

VERB = "mt"
PER_PAGE = 8


async def queue(
    session: AsyncSession, tables: Tables, answer: Answer, page: int = 0, opened: int = 0
) -> None:
    """The cases that wait to be assigned, the longest waiting first."""
    opened = opened or stamp(tables)
    total = await waiting(session)
    page = min(page, max(total - 1, 0) // PER_PAGE)
    cases = (
        await session.scalars(
            select(Case)
            .where(Case.status == CaseStatus.TRIAGE)
            .order_by(Case.filed_at, Case.id)
            .offset(page * PER_PAGE)
            .limit(PER_PAGE)
        )
    ).all()
    rows = [
        [button(say("triage.button.open", number=case.number or ""), VERB, case)] for case in cases
    ]
    turns = []
    if page > 0:
        turns.append(_page(page - 1, opened))
    if (page + 1) * PER_PAGE < total:
        turns.append(_page(page + 1, opened))
    back = [button("admin.button.menu", "m", value="menu")]
    await answer(
        say("triage.head", count=total) if total else say("triage.none"),
        say("triage.lines", lines=[_line(tables, case) for case in cases]) if total else None,
        buttons=[*rows, turns, back] if turns else [*rows, back],
        slot=f"{VERB}:{opened}",
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button: a case to open, ``page`` of the queue, ``desks`` page of a case's desks,
    ``to`` the desk with this serial."""
    if press.question == "page":
        await queue(session, tables, answer, number(press.value), press.version)
        return None
    case = await by_token(session, press.case)
    if case is None or case.status is not CaseStatus.TRIAGE:
        account.awaiting = None
        await queue(session, tables, answer)
        return say("triage.no_longer")
    if press.question == "desks":
        await _desks(session, case, answer, number(press.value), press.version)
        return None
    if press.question == "to":
        return await _assign(session, tables, case, press.value, account, answer)
    account.awaiting = {"verb": VERB, "case": case.token}
    await answer(*_card(tables, case))
    await _desks(session, case, answer, 0, stamp(tables))
    return None


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """The name of a street or point for the case now open."""
    case = await by_token(session, str((account.awaiting or {}).get("case", "")))
    if case is None or case.status is not CaseStatus.TRIAGE:
        account.awaiting = None
        await answer(say("triage.no_longer"))
        await queue(session, tables, answer)
        return

    def pick(desk: Organisation) -> Press:
        return _to(case, desk)

    await offer_matches(session, tables, text, pick, answer)


async def waiting(session: AsyncSession) -> int:
    """How many cases wait to be assigned."""
    return (
        await session.scalar(
            select(func.count()).select_from(Case).where(Case.status == CaseStatus.TRIAGE)
        )
    ) or 0


async def _assign(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    serial: str,
    account: Account,
    answer: Answer,
) -> Say | None:
    desk = await by_serial(session, serial)
    if desk is None:
        return say("bind.no_such_desk")
    if not fits(case, desk):
        await answer(say("triage.clue", number=case.number or ""))
        return say("triage.unstaffed_toast")
    if not await can_hold(session, tables, desk):
        await answer(
            say("triage.unstaffed", name=desk.name),
            buttons=[[button("bind.button.bind", "mb", question="desk", value=str(desk.serial))]],
        )
        return say("triage.unstaffed_toast")
    account.awaiting = None
    await assign(session, tables, case, desk, by=account)
    left = await waiting(session)
    await answer(
        say("triage.assigned", number=case.number or "", name=desk.name),
        say("triage.head", count=left) if left else say("triage.none"),
        buttons=[[button("admin.button.triage", "m", value="triage")]] if left else [],
    )
    return say("triage.assigned_toast")


async def _desks(session: AsyncSession, case: Case, answer: Answer, page: int, opened: int) -> None:
    near = await _near(session, case) if page == 0 else []
    rows = [[Button(label(desk), _to(case, desk))] for desk in near]
    rows += await street_rows(
        session,
        page,
        pick=lambda desk: _to(case, desk),
        turn=lambda to: Press(VERB, case.token, "desks", opened, str(to)),
    )
    await answer(
        say("triage.choose", number=case.number or ""),
        buttons=[*rows, [stop()]],
        slot=f"{VERB}:{case.token}:{opened}",
    )


async def _near(session: AsyncSession, case: Case) -> list[Organisation]:
    """The point that the case was meant for and the street it speaks of, as far as known."""
    codes = [code for code in (case.meant_code, case.street_code) if code]
    found = await session.scalars(
        select(Organisation)
        .where(Organisation.code.in_(codes))
        .order_by(Organisation.serial.desc())
    )
    return list(found)


def _card(tables: Tables, case: Case) -> tuple[Say, ...]:
    """What an admin needs to choose a desk, and nothing of the person's (order 121 art. 37)."""
    reasons = [
        event.details["reason"] for event in case.events if "reason" in (event.details or {})
    ]
    return (
        say(
            "triage.card",
            number=case.number or "",
            line=_line(tables, case),
            merchant=case.merchant or say("triage.no_merchant"),
        ),
        *([say("triage.because", reason=Say.from_json(reasons[-1]))] if reasons else []),
    )


def _line(tables: Tables, case: Case) -> Say:
    return say(
        "triage.line_fraud" if case.fraud else "triage.line",
        number=case.number or "",
        kind=say(f"kind.{case.kind}"),
        object=say(f"object.{case.object}") if case.object else say("triage.no_object"),
        street=street_name(tables, case),
        band=band(case.amount_fen),
        age=_age(tables, case),
    )


def _age(tables: Tables, case: Case) -> Say:
    waited = tables.clock.now() - (case.filed_at or case.created_at)
    if waited.days:
        return say("triage.age_days", days=waited.days)
    if hours := waited.seconds // 3600:
        return say("triage.age_hours", hours=hours)
    return say("triage.age_new")


def _to(case: Case, desk: Organisation) -> Press:
    return Press(VERB, case.token, "to", 0, str(desk.serial))


def _page(page: int, opened: int) -> Button:
    return Button(
        say("triage.button.page", page=page + 1), Press(VERB, "", "page", opened, str(page))
    )
