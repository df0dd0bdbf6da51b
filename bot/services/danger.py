"""Words of danger (危险词): help first, the duty officer told, the draft kept."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import accounts
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.case import Case
from models.party import Account


async def danger(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    answer: Answer,
    kind: str,
) -> None:
    """Show 110/120 and the crisis line, alert every admin, and say honestly when nobody watches."""
    account = await session.get_one(Account, case.account_id)
    phone = ((case.answers or {}).get("phone") or {}).get("v")
    watching = await accounts.admins(session)
    await answer(
        say(f"danger_card.{kind}"),
        say("danger_card.lines"),
        say("danger_card.told") if watching else say("danger_card.nobody"),
        buttons=[[button("button.resume", "go", value="resume")]],
    )
    for admin in watching:
        await tell(
            session,
            tables,
            admin.address,
            say(
                "danger_card.alert",
                kind=say(f"danger.{kind}"),
                who=account.name or "",
                phone=phone or say("danger_card.no_phone"),
                case=case.number or say("human.not_filed"),
            ),
        )
