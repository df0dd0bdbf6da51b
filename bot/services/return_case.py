"""Return a case (退回) with a reason; it goes to the triage queue and the consumer hears who and why."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import hand_over
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.case import Case
from models.lifecycle import Action, after
from models.party import Account

REASONS = ("not_ours", "address_unclear", "duplicate", "conflict", "other")


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
    if code == "other" and case.taker_id == account.id:
        account.awaiting = {"verb": "srr", "case": case.token}
        await answer(say("return.type"), buttons=[[button("button.never_mind", "sx", case)]])
        return
    await _return(session, tables, case, account, answer, code, "")


async def return_typed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, text: str
) -> None:
    """The taker's own words why."""
    if len(text.strip()) < 4:
        await answer(say("close.reason_short"))
        return
    account.awaiting = None
    await _return(session, tables, case, account, answer, "other", text)


async def _return(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    code: str,
    text: str,
) -> None:
    desk = await hand_over.desk_of(session, case)
    reason = say("return.said", text=text) if text else say(f"return.{code}")
    case.apply(
        Action.SEND_BACK,
        at=tables.clock.now(),
        by=account.id,
        details={
            "reason": reason.to_json(),
            "text": "",
            "who": account.name or "",
            "desk": desk.name if desk else "",
        },
    )
    case.taker_id = None
    if desk is not None and desk.chat is not None:
        await hand_over.send_card(session, tables, case, desk, anew=False)
    case.desk_id = None
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say(
            "told.returned",
            number=case.number or "",
            desk=desk.name if desk else "",
            reason=reason,
        ),
        case=case,
        buttons=[[button("button.progress", "tp", case), button("button.add", "ta", case)]],
    )
    await hand_over.tell_admins(
        session,
        tables,
        case,
        say("triage.new", number=case.number or "", reason=reason),
        buttons=[[button("button.triage", "mt", case)]],
    )
    await answer(say("return.done", number=case.number or ""))
