"""Take the consent back (撤回同意): open cases end, and all that was kept on its ground is erased.

PIPL art. 15 (at any time, as easily as it was given) and 47 (what was kept is then erased).
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Press
from bot.services.privacy import audit
from bot.services.privacy.erase import erase, fingerprints, lines
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import OPEN, Action, allowed
from models.party import Account
from models.privacy import Act, Rule


async def sure(session: AsyncSession, account: Account, answer: Answer) -> None:
    """What then happens, and one button to do it."""
    going, held = await _all(session, account)
    open_now = [case for case in going if case.status in OPEN]
    yes = Press("d", question="withdraw_yes", value=fingerprints(going))
    await answer(
        say("withdraw_consent.sure"),
        say("withdraw_consent.open", lines=lines(open_now)) if open_now else None,
        say("withdraw_consent.held", lines=lines(held)) if held else None,
        say("erase.remains"),
        buttons=[
            [Button(say("withdraw_consent.button.yes"), yes)],
            [button("withdraw_consent.button.no", "d", question="home")],
        ],
    )


async def withdraw(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, shown: str
) -> Say | None:
    """End what is open, erase everything; those who read it are told. What changed since it was shown
    is shown anew."""
    going, held = await _all(session, account)
    if shown != fingerprints(going):
        await sure(session, account, answer)
        return say("erase.changed")
    now = tables.clock.now()
    for case in going:
        if case.status in OPEN:
            case.apply(Action.WITHDRAW, at=now, by=account.id)
            case.closed_at = now
    await audit.record(session, now, Act.WITHDRAW_CONSENT, account, account)
    await erase(
        session,
        tables,
        going,
        Rule.WITHDRAWN,
        account,
        person=account if not held else None,
        report_to=account.address,
    )
    return say("withdraw_consent.done")


async def _all(session: AsyncSession, account: Account) -> tuple[list[Case], list[Case]]:
    """What ends and is erased, and what the lifecycle does not let her withdraw any more."""
    cases = (await session.scalars(select(Case).where(Case.account_id == account.id))).all()
    held = [c for c in cases if c.status in OPEN and Action.WITHDRAW not in allowed(c.status)]
    return [case for case in cases if case not in held], held
