"""Return a case (退回) with a reason: it goes to another desk, or to the triage queue where only a
person can tell which; the consumer hears who sent it back, why, and who has it now."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.chain import hand_over, refer
from bot.services.sending import Answer, button, tell
from bot.services.staff.ask_consumer import ask
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.case import Case
from models.lifecycle import Action, after
from models.party import Account

REASONS = (
    "missing",
    "not_ours",
    "busy",
    "address_unclear",
    "duplicate",
    "withdrawn",
    "conflict",
    "other",
)
MISSING, WITHDRAWN = "missing", "withdrawn"
ASKS_HER = frozenset({MISSING, WITHDRAWN})
"""Reasons that return nothing: the consumer is asked, for material or for her word."""

ELSEWHERE = frozenset({"not_ours", "conflict", "busy"})
"""Reasons of the desk's own: another desk can have it at once."""


async def reasons(case: Case, answer: Answer) -> None:
    """Why it can't stay here. Raises NotPossible."""
    after(case.status, Action.SEND_BACK)
    await answer(
        say("return.why", number=case.number or ""),
        buttons=[[button(f"return.{code}", "srr", case, value=code)] for code in REASONS],
    )


async def give_back(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, code: str
) -> None:
    """Return it; "other" wants a line of words, which only the taker's private talk can give."""
    if code not in REASONS:
        await reasons(case, answer)
        return
    after(case.status, Action.SEND_BACK)
    if code == MISSING:
        await _ask_for_material(case, account, answer)
        return
    if code == WITHDRAWN:
        await _ask_for_her_word(session, tables, case, answer)
        return
    if code == "other" and case.taker_id == account.id:
        account.awaiting = {"verb": "srr", "case": case.token}
        await answer(say("return.type"), buttons=[[button("button.never_mind", "sx", case)]])
        return
    await send_back(session, tables, case, account, answer, code)


async def return_typed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, text: str
) -> None:
    """The taker's own words why."""
    if len(text.strip()) < 4:
        await answer(say("close.reason_short"))
        return
    account.awaiting = None
    await send_back(session, tables, case, account, answer, "other", text)


async def _ask_for_material(case: Case, account: Account, answer: Answer) -> None:
    """What is missing is asked for, not sent back; who has not taken the case takes it first."""
    if case.taker_id == account.id:
        await answer(say("return.missing_ask"))
        await ask(case, account, answer)
    else:
        await answer(say("return.missing_take"), buttons=[[button("button.take", "st", case)]])


async def _ask_for_her_word(
    session: AsyncSession, tables: Tables, case: Case, answer: Answer
) -> None:
    """Only the consumer withdraws a complaint: she is asked, and the case stays where it is till then."""
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.withdrawn", number=case.number or ""),
        case=case,
        buttons=[
            [button("button.goes_on", "twn", case)],
            [button("button.withdraw_yes", "twy", case)],
        ],
        key=f"withdrawn:{case.token}:{len(case.events)}",
    )
    await answer(say("return.withdrawn_asked", number=case.number or ""))


async def send_back(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    code: str,
    text: str = "",
) -> None:
    """Return it for a reason in ``REASONS``, or in the taker's own words. Raises NotPossible."""
    reason = say("return.said", text=text) if text else say(f"return.{code}")
    order = refer.delegated(case)
    if order is not None:
        held = await hand_over.desk_of(session, case)
        office = await refer.answered(session, tables, case, account, order, reason)
        if office is not None:
            owner = await session.get_one(Account, case.account_id)
            await tell(
                session,
                tables,
                owner.address,
                say(
                    "refer.told_back",
                    number=case.number or "",
                    desk=held.name if held else "",
                    office=office.name,
                ),
                case=case,
                buttons=[[button("button.progress", "tp", case)]],
            )
            await answer(say("return.done_on", number=case.number or "", now=office.name))
            return
    desk = await hand_over.take_back(session, tables, case, account, reason)
    name = desk.name if desk else ""
    owner = await session.get_one(Account, case.account_id)
    buttons = [[button("button.progress", "tp", case), button("button.add", "ta", case)]]
    if code in ELSEWHERE:
        route, now = await hand_over.again(session, tables, case, account, desk)
        if now is not None:
            await tell(
                session,
                tables,
                owner.address,
                say(
                    "told.returned_on",
                    number=case.number or "",
                    desk=name,
                    reason=reason,
                    now=now.name,
                ),
                say("file.reasons", reasons=list(route.because)),
                case=case,
                buttons=buttons,
            )
            await answer(say("return.done_on", number=case.number or "", now=now.name))
            return
    elif desk is not None:
        await hand_over.take_away(session, tables, case, desk, None)
    await tell(
        session,
        tables,
        owner.address,
        say("told.returned", number=case.number or "", desk=name, reason=reason),
        say("told.returned_address") if code == "address_unclear" else None,
        case=case,
        buttons=buttons,
    )
    await hand_over.call_for_triage(session, tables, case, reason)
    await answer(say("return.done", number=case.number or ""))
