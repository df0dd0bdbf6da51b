"""Ask the consumer for more (请消费者补充): the taker types a line, the consumer answers it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.chain import hand_over, remind
from bot.services.consumer import drafts
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.case import Case
from models.lifecycle import Action, after
from models.party import Account


async def ask(case: Case, account: Account, answer: Answer) -> None:
    """Wait for the taker's question. Raises NotPossible."""
    after(case.status, Action.ASK)
    account.awaiting = {"verb": "sa", "case": case.token}
    await answer(
        say("ask_more.type", number=case.number or ""),
        buttons=[[button("button.never_mind", "sx", case)]],
    )


async def ask_typed(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer, text: str
) -> None:
    """The question goes to the consumer with the desk's name, not the taker's account."""
    if len(text.strip()) < 2:
        await answer(say("ask_more.empty"))
        return
    account.awaiting = None
    case.apply(
        Action.ASK,
        at=tables.clock.now(),
        by=account.id,
        details={"text": text, "who": account.name or ""},
    )
    await remind.plan(session, tables, case)
    await hand_over.refresh_card(session, tables, case)
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.asked", number=case.number or "", text=text),
        say("told.asked_press" if await drafts.current(session, owner) else "told.asked_how"),
        case=case,
        buttons=[[button("button.answer", "ta", case)], [button("button.progress", "tp", case)]],
    )
    await answer(
        say("ask_more.sent", number=case.number or ""),
        buttons=[[button("button.details", "sv", case)]],
    )
