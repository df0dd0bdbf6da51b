"""Pay in advance (先行赔付): a point pays instead of the merchant, and gets it back from him afterwards.

Above a sum a second person decides, never the one who asked. Suda moves no money: it keeps who decided what.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import show_money
from bot.law.advance import load
from bot.ports import Press
from bot.services import accounts
from bot.services.chain import hand_over
from bot.services.mediation import case_papers, papers
from bot.services.mediation.mediate import ADVANCE
from bot.services.mediation.papers import Form, Step
from bot.services.queue.timers import arm
from bot.services.sending import Answer, Rows, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.delivery import Timer, TimerState
from models.lifecycle import Action, after, allowed
from models.mediation import AdvancePayment, AdvanceState, Recourse
from models.network import Organisation
from models.party import Account

ANYONE = "szq"
"""Buttons for whoever may act for the desk: to look, to decide, to note what came back."""

TIMER = "advance_due"
S = AdvanceState

FORM = Form(
    "advance",
    ADVANCE,
    (
        Step("fen", read=papers.money, show=papers.show_fen),
        Step("proof", load().proofs, ticks=True),
        Step("why", ("refuses", "gone", "slow"), read=papers.words(4)),
    ),
)


def _form(most: int) -> Form:
    """The paper with the desk's limit and the list of proofs watched."""

    def check(step: Step, value: Any) -> Say | None:
        if step.key == "fen" and value > most:
            return say("paper.advance.over", most=show_money(most))
        if step.key == "proof" and (lacking := load().missing(value)):
            names = (say(f"paper.advance.option.proof_{code}") for code in lacking)
            return say("paper.advance.lacking", proofs=papers.several(names))
        return None

    return Form(FORM.name, FORM.verb, FORM.steps, check)


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """A button of the taker's about payment in advance. Raises NotPossible."""
    after(case.status, Action.ADVANCE)
    desk = await hand_over.desk_of(session, case)
    paid = await case_papers.advance(session, case)
    if desk is None:
        return say("toast.not_now", status=say(f"status.{case.status}"))
    if paid is not None:
        if press.question == "paid":
            return await _paid(session, tables, case, account, answer, paid, press.value)
        await answer(
            say("paper.advance.there", number=case.number or ""),
            case_papers.advance_line(paid),
            buttons=taker_rows(case, paid),
        )
        return None
    most = _most(tables, desk)
    if not most:
        await answer(
            say("paper.advance.no_limit", desk=desk.name),
            buttons=[[button("mediate.button.menu", "szm", case)]],
        )
        return None
    body = await papers.pressed(tables, case, account, answer, press, _form(most))
    if body is not None:
        await _asked(session, tables, case, account, answer, desk, body)
    return None


async def typed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, text: str
) -> None:
    """Words for a step. Raises NotPossible."""
    after(case.status, Action.ADVANCE)
    desk = await hand_over.desk_of(session, case)
    most = _most(tables, desk) if desk is not None else 0
    await papers.typed(tables, case, account, answer, text, _form(most))


def _most(tables: Tables, desk: Organisation) -> int:
    known = tables.register.get(desk.code)
    return load().most(known.prepay_fen if known is not None else None)


async def _asked(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    desk: Organisation,
    body: dict[str, Any],
) -> None:
    now, fen = tables.clock.now(), int(body["fen"])
    row = AdvancePayment(
        case_id=case.id,
        desk_id=desk.id,
        by_id=account.id,
        state=S.ASKED if load().needs_second(fen) else S.APPROVED,
        fen=fen,
        second=load().needs_second(fen),
        asked_at=now,
        due_at=load().due(fen, now),
        recourse=Recourse.NOT_YET,
        recovered_fen=0,
    )
    row.reason = body
    session.add(row)
    await arm(session, row.id, TIMER, row.due_at)
    note(tables, case, account, say(f"paper.advance.event.{row.state}", money=show_money(fen)))
    if row.state is S.APPROVED:
        await promise(session, tables, case, row)
        await answer(
            say("paper.advance.go", money=show_money(fen), until=clock(row.due_at)),
            buttons=taker_rows(case, row),
        )
        return
    asked = await _call_second(session, tables, case, account, desk, row)
    await answer(
        say("paper.advance.waits" if asked else "paper.advance.nobody", money=show_money(fen)),
        buttons=[[button("button.details", "sv", case)]],
    )


async def _call_second(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    by: Account,
    desk: Organisation,
    row: AdvancePayment,
) -> bool:
    """The desk's group and its street's are asked for somebody else, and so are the admins; the groups learn
    the band alone."""
    above = await session.get(Organisation, desk.parent_id) if desk.parent_id else None
    chats = [await accounts.chat_of(session, desk), above.chat if above is not None else None]
    admins = [admin for admin in await accounts.admins(session) if admin.id != by.id]
    groups = [chat for chat in dict.fromkeys(chats) if chat is not None]
    for address in (*groups, *(admin.address for admin in admins)):
        await tell(
            session,
            tables,
            address,
            say(
                "paper.advance.call",
                number=case.number or "",
                desk=desk.name,
                band=hand_over.band(row.fen),
                who=by.name or "",
            ),
            case=case,
            buttons=[[button("advance.button.look", ANYONE, case, "look")]],
            handover=True,
        )
    return bool(admins or groups)


async def promise(session: AsyncSession, tables: Tables, case: Case, row: AdvancePayment) -> None:
    """What she may expect now, and from whom."""
    owner = await session.get_one(Account, case.account_id)
    desk = await session.get_one(Organisation, row.desk_id)
    await tell(
        session,
        tables,
        owner.address,
        say(
            "told.advance",
            number=case.number or "",
            desk=desk.name,
            money=show_money(row.fen),
            until=clock(row.due_at),
        ),
        case=case,
        buttons=[[button("button.progress", "tp", case)]],
    )


async def _paid(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    row: AdvancePayment,
    sure: str,
) -> Say | None:
    """The taker says that it was paid; asked back once, since it is money."""
    if row.state is not S.APPROVED:
        return say("advance.toast.decided", state=say(f"paper.advance.state.{row.state}"))
    if sure != "yes":
        await answer(
            say("paper.advance.sure", money=show_money(row.fen)),
            buttons=[
                [button("advance.button.paid_yes", ADVANCE, case, "paid", "yes")],
                [button("button.never_mind", "sx", case)],
            ],
        )
        return None
    row.state, row.paid_at = S.PAID, tables.clock.now()
    note(tables, case, account, say("paper.advance.event.paid", money=show_money(row.fen)))
    owner = await session.get_one(Account, case.account_id)
    desk = await session.get_one(Organisation, row.desk_id)
    await tell(
        session,
        tables,
        owner.address,
        say(
            "told.advance_paid", number=case.number or "", desk=desk.name, money=show_money(row.fen)
        ),
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )
    await answer(
        say("paper.advance.paid_done", money=show_money(row.fen)), buttons=taker_rows(case, row)
    )
    return None


def taker_rows(case: Case, row: AdvancePayment) -> Rows:
    """What can be done with a payment as it stands."""
    details = [button("button.details", "sv", case)]
    if row.state is S.APPROVED:
        return [[button("advance.button.paid", ADVANCE, case, "paid")], details]
    if row.state is not S.PAID:
        return [details]
    return [
        *(
            [button(f"advance.button.back.{one}", ANYONE, case, "back", one)]
            for one in (Recourse.ASKING, Recourse.PARTLY, Recourse.BACK, Recourse.GIVEN_UP)
        ),
        *([[button("button.settle", "ss", case)]] if Action.SETTLE in allowed(case.status) else []),
        details,
    ]


# When it is late


async def overdue(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """The tier's time is over: whoever has it in hand is told, and so is the consumer, honestly."""
    row = await session.get(AdvancePayment, timer.about_id, with_for_update=True)
    if row is None or row.state not in {S.ASKED, S.APPROVED}:
        return TimerState.CANCELLED
    case = await session.get_one(Case, row.case_id)
    taker = await session.get_one(Account, row.by_id)
    await tell(
        session,
        tables,
        taker.address,
        say(f"paper.advance.late.{row.state}", number=case.number or "", money=show_money(row.fen)),
        case=case,
        buttons=taker_rows(case, row),
    )
    if row.state is S.APPROVED:
        owner = await session.get_one(Account, case.account_id)
        await tell(
            session,
            tables,
            owner.address,
            say("told.advance_late", number=case.number or "", money=show_money(row.fen)),
            case=case,
            buttons=[[button("button.progress", "tp", case)]],
        )
    return TimerState.FIRED


def note(tables: Tables, case: Case, account: Account, what: Say, *, inward: bool = False) -> None:
    """``inward``: it is the desk's own book-keeping, not the consumer's news."""
    case.apply(
        Action.ADVANCE,
        at=tables.clock.now(),
        by=account.id,
        details={"who": account.name or "", "reason": what.to_json(), "inward": inward},
    )


def clock(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")
