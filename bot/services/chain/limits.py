"""Before a limit of the law ends, whoever has to keep it is reminded; the office hears when it has passed.

To officers alone; the consumer was told the day when it began.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import accounts
from bot.services.chain import authority, hand_over, legal_clocks
from bot.services.sending import button, day_words, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action
from models.party import Account


async def near(session: AsyncSession, tables: Tables, case: Case, _owner: Account) -> None:
    """Whoever has it, and the office when it is out of the office's hands for now; not when the day is over,
    which :func:`passed` tells."""
    clock = await legal_clocks.running(session, case)
    today = accounts.today(tables)
    if clock is not None and clock.due is not None and today <= clock.due:
        told = say(
            "overdue.limit_near",
            number=case.number or "",
            rule=say(f"official.rule_{clock.rule}"),
            day=day_words(clock.due),
            days=(clock.due - today).days,
        )
        estimated = [say("official.estimated")] if clock.estimated else []
        await _tell_officers(
            session, tables, case, told, *estimated, office=not authority.received(case)
        )


async def passed(session: AsyncSession, tables: Tables, case: Case, _owner: Account) -> None:
    """Whoever has it and the office that received it."""
    clock = await legal_clocks.running(session, case)
    if clock is None or clock.due is None:
        return
    desk = await hand_over.desk_of(session, case)
    told = say(
        "overdue.limit_passed",
        number=case.number or "",
        rule=say(f"official.rule_{clock.rule}"),
        day=day_words(clock.due),
        desk=desk.name if desk is not None else say("overdue.admins"),
    )
    await _tell_officers(session, tables, case, told, office=True)


async def _tell_officers(
    session: AsyncSession, tables: Tables, case: Case, *told: Say, office: bool
) -> None:
    """The taker, and with ``office`` the group of the office whose officer received the case, or the admins
    where it has none."""
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            *told,
            case=case,
            buttons=[[button("button.details", "sv", case)]],
        )
    if not office:
        return
    received = next(event for event in reversed(case.events) if event.action is Action.RECEIVE)
    place = await hand_over.by_code(session, str((received.details or {}).get("code") or ""))
    chat = await accounts.chat_of(session, place) if place is not None else None
    if chat is not None:
        await tell(session, tables, chat, *told, case=case, handover=True)
    else:
        await hand_over.tell_admins(session, tables, case, *told)
