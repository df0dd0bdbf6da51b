"""Change the claim (改诉求) of a filed case: said anew, shown beside the old one, confirmed, and told to the
taker. What was asked for before stays in the event."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview import flow
from bot.interview.questions import BY_KEY
from bot.interview.terms import Given, Wrong
from bot.ports import Press
from bot.services.consumer import drafts
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, allowed
from models.party import Account

VERB = "tzc"
CLAIM, SUM = "claim", "claim_amount"


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """Begin, or confirm what was typed."""
    waiting = account.awaiting or {}
    if press.question == "yes" and (waiting.get("case") != case.token or "text" not in waiting):
        return say("claim.toast")
    if press.question != "yes":
        account.awaiting = {"verb": VERB, "case": case.token}
        await answer(
            say("claim.ask", now=_shown(tables, case, case.answers or {})),
            buttons=[[button("claim.keep", "tp", case)]],
        )
        return None
    account.awaiting = None
    before = _shown(tables, case, case.answers or {})
    case.answers = _read(tables, case, waiting["text"])
    now = _shown(tables, case, case.answers)
    case.apply(
        Action.CLAIM,
        at=tables.clock.now(),
        by=account.id,
        details={"text": waiting["text"], "before": tables.texts.plain(before)},
    )
    await answer(
        say("claim.done", number=case.number or "", now=now),
        buttons=[[button("button.progress", "tp", case)]],
    )
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            say("claim.told", number=case.number or "", before=before, now=now),
            case=case,
            buttons=[[button("button.details", "sv", case)]],
        )
    return None


async def typed(tables: Tables, case: Case, account: Account, answer: Answer, text: str) -> None:
    """The new claim in her words; what is too vague is asked again, and nothing changes before she
    confirms."""
    if Action.CLAIM not in allowed(case.status):
        account.awaiting = None
        await answer(say("toast.not_now", status=say(f"status.{case.status}")))
        return
    try:
        answers = _read(tables, case, text)
    except Wrong as wrong:
        await answer(wrong.say, say("claim.again"), buttons=[[button("claim.keep", "tp", case)]])
        return
    account.awaiting = {"verb": VERB, "case": case.token, "text": text}
    await answer(
        say(
            "claim.sure",
            before=_shown(tables, case, case.answers or {}),
            now=_shown(tables, case, answers),
        ),
        buttons=[
            [button("claim.yes", VERB, case, "yes")],
            [button("claim.keep", "tp", case)],
        ],
    )


def _read(tables: Tables, case: Case, text: str) -> dict[str, Any]:
    """The answers with the new claim, and with its sum when it names one. Raises Wrong."""
    kept = {key: said for key, said in (case.answers or {}).items() if key not in {CLAIM, SUM}}
    context = drafts.context(case, tables)
    return flow.answer(BY_KEY[CLAIM], Given(text=text), kept, context)


def _shown(tables: Tables, case: Case, answers: dict[str, Any]) -> Say:
    context = drafts.context(case, tables)
    claim = flow.show(CLAIM, answers, context) or say("close.nothing")
    money = flow.show(SUM, answers, context) if answers.get(SUM, {}).get("v") else None
    return (
        say("claim.with_sum", claim=claim, money=money)
        if money
        else say("claim.plain", claim=claim)
    )
