"""找人工: the person wants a human; a call-back is noted, the admins are told, and she hears when."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law.deadlines import working_days_after
from bot.services import accounts
from bot.services.privacy import audit
from bot.services.sending import Answer, day_words, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, allowed
from models.party import Account
from models.privacy import Act


async def call_back(
    session: AsyncSession, tables: Tables, case: Case | None, account: Account, answer: Answer
) -> None:
    """Leave the task; without a phone number, the next line typed is taken as one."""
    if not await accounts.admins(session):
        await answer(say("human.nobody"), say("human.instead"))
        return
    phone = ((case.answers or {}).get("phone") or {}).get("v") if case is not None else None
    if not phone:
        account.awaiting = {"verb": "call_back", "case": case.token if case else ""}
        await answer(say("human.phone"), say("human.or_not"), say("human.instead"))
        return
    await note(session, tables, case, account, str(phone))
    await answer(say("human.noted", day=due(tables)), say("human.instead"))


def due(tables: Tables) -> Say:
    """The day by which she is called back."""
    today = tables.clock.now().astimezone(SHANGHAI).date()
    return day_words(working_days_after(today, tables.policy.call_back_working_days))


async def note(
    session: AsyncSession, tables: Tables, case: Case | None, account: Account, phone: str
) -> None:
    """Write the event and tell every admin; the number goes to them alone."""
    if case is not None and Action.CALL_BACK in allowed(case.status):
        case.apply(Action.CALL_BACK, at=tables.clock.now(), by=account.id, details={"phone": phone})
    for admin in await accounts.admins(session):
        await tell(
            session,
            tables,
            admin.address,
            say(
                "human.task",
                who=account.name or "",
                phone=phone,
                case=(case.number if case is not None else None) or say("human.not_filed"),
            ),
            case=case,
        )
        told = case or account
        await audit.record(session, tables.clock.now(), Act.TOLD, admin, told, why="call_back")
