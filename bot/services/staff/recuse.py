"""Withdraw from a case (回避): the taker has ties to the merchant, so a colleague or another desk has it."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.sending import Answer, button
from bot.services.staff import pass_on, return_case
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, after
from models.party import Account

VERB = "sq"


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """Whose ties they are: her own, then ``to`` a colleague; or the whole ``desk``'s. Raises NotPossible."""
    after(case.status, Action.SEND_BACK)
    there = {one.id.hex: one for one in await pass_on.colleagues(session, tables, case)}
    if press.question == "desk":
        await return_case.send_back(session, tables, case, account, answer, "conflict")
        return None
    chosen = there.get(press.value)
    if press.question == "to" and chosen is not None:
        await pass_on.give(
            session, tables, case, account, chosen, say("recuse.reason"), withdrawn=account.id
        )
        await answer(say("recuse.done", number=case.number or "", who=chosen.name or ""))
        return None
    await answer(
        say("recuse.who", number=case.number or "")
        if there
        else say("recuse.alone", number=case.number or ""),
        buttons=[
            *(
                [button(say("recuse.button.to", who=one.name or ""), VERB, case, "to", one.id.hex)]
                for one in there.values()
            ),
            [button("recuse.button.desk", VERB, case, "desk")],
            [button("button.never_mind", "sx", case)],
        ],
    )
    return say("toast.stale") if press.question else None
