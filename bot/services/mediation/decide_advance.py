"""The second person of a payment in advance (先行赔付): whoever may act for the desk and did not ask for it
decides; and whoever may act notes what came back from the merchant (追偿)."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import parse_money, show_money
from bot.ports import Incoming
from bot.services import accounts
from bot.services.mediation import case_papers
from bot.services.mediation.advance import ANYONE, FORM, S, clock, note, promise, taker_rows
from bot.services.privacy import audit
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, after, allowed
from models.mediation import AdvancePayment, AdvanceState, Recourse
from models.network import Organisation
from models.party import Account
from models.privacy import Act


async def anyone_pressed(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    case: Case,
    account: Account,
    answer: Answer,
) -> Say | None:
    """Look at a request, decide it, or note what came back; the right is looked up anew each time. Raises
    NotPossible."""
    press = heard.press
    row = await case_papers.advance(session, case)
    if press is None or row is None:
        return say("toast.stale")
    desk = await session.get_one(Organisation, row.desk_id)
    if not await _may(session, tables, account, desk, heard):
        return say("toast.not_staff")
    if press.question == "back" and heard.private:
        return await _recourse(tables, case, account, answer, row, press.value)
    if row.state is not S.ASKED:
        return say("advance.toast.decided", state=say(f"paper.advance.state.{row.state}"))
    if account.id in {row.by_id, case.account_id}:
        return say("advance.toast.not_same")
    after(case.status, Action.ADVANCE)
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
    now = tables.clock.now()
    case.apply(Action.VIEW, at=now, by=account.id, details={"who": account.name or ""})
    await audit.record(session, now, Act.VIEW, account, case)
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
    after(case.status, Action.ADVANCE)
    row.state, row.decided_by_id, row.decided_at = state, account.id, tables.clock.now()
    note(tables, case, account, say(f"paper.advance.event.{state}", money=show_money(row.fen)))
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
            until=clock(row.due_at),
            why=why,
        ),
        case=case,
        buttons=taker_rows(case, row),
    )
    if state is S.APPROVED:
        await promise(session, tables, case, row)
    await answer(say(f"paper.advance.decided.{state}", number=case.number or ""))


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
        note(tables, case, account, case_papers.advance_line(row), inward=True)
    await answer(case_papers.advance_line(row), buttons=taker_rows(case, row))
