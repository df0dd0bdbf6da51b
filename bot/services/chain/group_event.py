"""What many cases together tell (群体性消费争议): several people about one merchant; and, for officers only, one
account with very many complaints (order 121 art. 17), which refuses nothing by itself.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.names import same_merchant
from bot.services import accounts
from bot.services.chain import hand_over, robots
from bot.services.sending import tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.base import cipher
from models.case import Case, CaseKind
from models.network import Level, Organisation

YEAR = timedelta(days=365)
SHOWN = 10


async def watch(session: AsyncSession, tables: Tables, case: Case) -> None:
    """A complaint was filed: the first one that makes it a group event is told to the street, the bureau and
    the admins, once. Groups see numbers alone.
    """
    merchant = same_merchant(case.merchant or "")
    if case.kind is not CaseKind.COMPLAINT or not merchant:
        return
    case.merchant_mark = cipher().blind(f"merchant:{merchant}")
    await session.flush()
    policy = tables.policy
    since = tables.clock.now() - timedelta(days=policy.group_days)
    found = (
        await session.execute(
            select(Case.number, Case.account_id, Case.street_code)
            .where(
                Case.merchant_mark == case.merchant_mark,
                Case.kind == CaseKind.COMPLAINT,
                Case.filed_at >= since,
            )
            .order_by(Case.filed_at)
        )
    ).all()
    people = {owner for _, owner, _ in found}
    before = {owner for number, owner, _ in found if number != case.number}
    if len(people) < policy.group_people or len(before) >= policy.group_people:
        return
    numbers = [number or "" for number, _, _ in found[-SHOWN:]]
    said = {"days": policy.group_days, "people": len(people), "numbers": numbers}
    streets = {code for _, _, code in found if code}
    desks = await session.scalars(
        select(Organisation).where(
            (Organisation.level == Level.BUREAU) | Organisation.code.in_(streets)
        )
    )
    concerned = desks.all()
    for desk in concerned:
        await robots.forward(session, tables, "group", case, desk, f"group:{case.token}")
    chats = [await accounts.chat_of(session, desk) for desk in concerned]
    for chat in dict.fromkeys(chat for chat in chats if chat is not None):
        await tell(session, tables, chat, say("group_event.told", **said), handover=True)
    await hand_over.tell_admins(
        session,
        tables,
        case,
        say("group_event.told_admin", merchant=case.merchant or "", **said),
    )


async def signals(session: AsyncSession, tables: Tables, case: Case) -> Say | None:
    """What an officer may want to know of the person's other complaints; None when they are not many."""
    since = tables.clock.now() - YEAR
    mine = (
        Case.account_id == case.account_id,
        Case.kind == CaseKind.COMPLAINT,
        Case.filed_at >= since,
    )
    count = await session.scalar(select(func.count()).select_from(Case).where(*mine)) or 0
    if count < tables.policy.signal_cases:
        return None
    alike = select(func.count()).select_from(Case).where(*mine, Case.object == case.object)
    same = await session.scalar(alike) or 0
    return say("signal.told", number=case.number or "", count=count, same=same)
