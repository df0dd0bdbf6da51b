"""Pay in advance (先行赔付): a point pays instead of the merchant, and gets it back from him afterwards.

Above a sum a second person decides, never the one who asked. Suda moves no money: it keeps who decided what.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import parse_money, show_money
from bot.law.advance import load
from bot.ports import Incoming, Press
from bot.services import accounts, case_papers, hand_over, papers
from bot.services.mediate import ADVANCE
from bot.services.papers import Form, Step
from bot.services.sending import Answer, Rows, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.services.timers import arm
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
            buttons=_taker_rows(case, paid),
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
    _note(tables, case, account, say(f"paper.advance.event.{row.state}", money=show_money(fen)))
    if row.state is S.APPROVED:
        await _promise(session, tables, case, row)
        await answer(
            say("paper.advance.go", money=show_money(fen), until=_clock(row.due_at)),
            buttons=_taker_rows(case, row),
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
    for chat in dict.fromkeys(chat for chat in chats if chat is not None):
        await tell(
            session,
            tables,
            chat,
            say(
                "paper.advance.call",
                number=case.number or "",
                desk=desk.name,
                band=hand_over.band(row.fen),
                who=by.name or "",
            ),
            case=case,
            buttons=[[button("advance.button.look", ANYONE, case, "look")]],
            slot=_slot(row),
            handover=True,
        )
    admins = [admin for admin in await accounts.admins(session) if admin.id != by.id]
    for admin in admins:
        await tell(
            session,
            tables,
            admin.address,
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
    return bool(admins or any(chats))


def _slot(row: AdvancePayment) -> str:
    return f"advance:{row.id.hex}"


# Whoever may act for the desk


async def anyone_pressed(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    case: Case,
    account: Account,
    answer: Answer,
) -> Say | None:
    """Look at a request, decide it, or note what came back; the right is looked up anew each time."""
    press = heard.press
    row = await case_papers.advance(session, case)
    if press is None or row is None:
        return say("toast.stale")
    desk = await session.get_one(Organisation, row.desk_id)
    if not await _may(session, tables, account, desk, heard):
        return say("toast.not_staff")
    if press.question == "back":
        return await _recourse(tables, case, account, answer, row, press.value)
    if row.state is not S.ASKED:
        return say("advance.toast.decided", state=say(f"paper.advance.state.{row.state}"))
    if account.id in {row.by_id, case.account_id}:
        return say("advance.toast.not_same")
    match press.question:
        case "look":
            await _show(session, tables, case, account, row)
            return say("advance.toast.private")
        case "yes" if heard.private:
            await _decide(session, tables, case, account, answer, row, S.APPROVED, "")
        case "no" if heard.private:
            account.awaiting = {"verb": ANYONE, "case": case.token}
            await answer(say("paper.advance.why_not", number=case.number or ""))
        case _:
            return say("toast.stale")
    return None


async def anyone_typed(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    case: Case,
    account: Account,
    answer: Answer,
) -> None:
    """Why the request is refused, or how much came back."""
    waiting = account.awaiting or {}
    row = await case_papers.advance(session, case)
    desk = await session.get(Organisation, row.desk_id) if row is not None else None
    if row is None or desk is None or not await _may(session, tables, account, desk, heard):
        account.awaiting = None
        await answer(say("toast.not_staff"))
        return
    if waiting.get("back"):
        await _part_back(tables, case, account, answer, row, heard.text)
        return
    if len(heard.text.strip()) < 4:
        await answer(say("close.reason_short"))
        return
    account.awaiting = None
    if row.state is not S.ASKED or account.id == row.by_id:
        await answer(say("advance.toast.decided", state=say(f"paper.advance.state.{row.state}")))
        return
    await _decide(session, tables, case, account, answer, row, S.REFUSED, heard.text)


async def _may(
    session: AsyncSession, tables: Tables, account: Account, desk: Organisation, heard: Incoming
) -> bool:
    """Staff of the desk, of what is above it, and admins; in the demonstration whoever is there."""
    if account.is_admin or await accounts.may_act(session, tables, account, desk):
        return True
    return tables.demo and (heard.private or await accounts.chat_of(session, desk) == heard.chat)


async def _show(
    session: AsyncSession, tables: Tables, case: Case, account: Account, row: AdvancePayment
) -> None:
    """The whole request, to the second person alone; the consumer sees that it was read."""
    if Action.VIEW in allowed(case.status):
        case.apply(
            Action.VIEW, at=tables.clock.now(), by=account.id, details={"who": account.name or ""}
        )
    by = await session.get_one(Account, row.by_id)
    await tell(
        session,
        tables,
        account.address,
        say("paper.advance.request", number=case.number or "", who=by.name or ""),
        say("paper.lines", lines=FORM.lines(row.reason or {})),
        say("paper.advance.decide"),
        case=case,
        buttons=[
            [button("advance.button.yes", ANYONE, case, "yes")],
            [button("advance.button.no", ANYONE, case, "no")],
        ],
    )


async def _decide(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    row: AdvancePayment,
    state: AdvanceState,
    why: str,
) -> None:
    row.state, row.decided_by_id, row.decided_at = state, account.id, tables.clock.now()
    _note(tables, case, account, say(f"paper.advance.event.{state}", money=show_money(row.fen)))
    taker = await session.get_one(Account, row.by_id)
    await tell(
        session,
        tables,
        taker.address,
        say(
            f"paper.advance.told.{state}",
            number=case.number or "",
            who=account.name or "",
            money=show_money(row.fen),
            until=_clock(row.due_at),
            why=why,
        ),
        case=case,
        buttons=_taker_rows(case, row),
    )
    if state is S.APPROVED:
        await _promise(session, tables, case, row)
    await answer(say(f"paper.advance.decided.{state}", number=case.number or ""))


async def _promise(session: AsyncSession, tables: Tables, case: Case, row: AdvancePayment) -> None:
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
            until=_clock(row.due_at),
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
    _note(tables, case, account, say("paper.advance.event.paid", money=show_money(row.fen)))
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
        say("paper.advance.paid_done", money=show_money(row.fen)), buttons=_taker_rows(case, row)
    )
    return None


# What comes back from the merchant


async def _recourse(
    tables: Tables, case: Case, account: Account, answer: Answer, row: AdvancePayment, value: str
) -> Say | None:
    if row.state is not S.PAID or value not in list(Recourse):
        return say("toast.stale")
    if value == Recourse.PARTLY:
        account.awaiting = {"verb": ANYONE, "case": case.token, "back": True}
        await answer(say("paper.advance.how_much", money=show_money(row.fen)))
        return None
    came = row.fen if value == Recourse.BACK else row.recovered_fen
    await _came_back(tables, case, account, answer, row, Recourse(value), came)
    return say("advance.toast.noted")


async def _part_back(
    tables: Tables, case: Case, account: Account, answer: Answer, row: AdvancePayment, text: str
) -> None:
    money = parse_money(text)
    if money is None or not 0 < money.fen < row.fen:
        await answer(say("wrong.amount"), say("paper.advance.how_much", money=show_money(row.fen)))
        return
    account.awaiting = None
    await _came_back(tables, case, account, answer, row, Recourse.PARTLY, money.fen)


async def _came_back(
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    row: AdvancePayment,
    recourse: Recourse,
    fen: int,
) -> None:
    row.recourse, row.recovered_fen = recourse, fen
    if Action.ADVANCE in allowed(case.status):
        _note(tables, case, account, case_papers.advance_line(row), inward=True)
    await answer(case_papers.advance_line(row), buttons=_taker_rows(case, row))


def _taker_rows(case: Case, row: AdvancePayment) -> Rows:
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
        buttons=_taker_rows(case, row),
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


def _note(tables: Tables, case: Case, account: Account, what: Say, *, inward: bool = False) -> None:
    """``inward``: it is the desk's own book-keeping, not the consumer's news."""
    case.apply(
        Action.ADVANCE,
        at=tables.clock.now(),
        by=account.id,
        details={"who": account.name or "", "reason": what.to_json(), "inward": inward},
    )


def _clock(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%m-%d %H:%M")
