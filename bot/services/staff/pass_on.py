"""Pass a case on (转给同事): to a colleague of the desk or of what is above it; the consumer hears who has it."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services import accounts
from bot.services.chain import hand_over
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import Action, after
from models.network import Staff
from models.party import Account

VERB = "sp"
MOST = 10


def withdrew(case: Case) -> frozenset[str]:
    """Ids (hex) of the accounts that withdrew from the case (回避); none of them gets it again."""
    return frozenset(
        str(details["withdrew"])
        for event in case.events
        if (details := event.details or {}).get("withdrew")
    )


async def colleagues(session: AsyncSession, tables: Tables, case: Case) -> list[Account]:
    """Who may take the case over now: staff there today of its desk and of the one above, and whoever
    stands in for one on leave; not its taker, nor anybody who withdrew."""
    desk = await hand_over.desk_of(session, case)
    if desk is None:
        return []
    day = accounts.today(tables)
    here = Staff.organisation_id.in_([place for place in (desk.id, desk.parent_id) if place])
    herself = select(Staff.account_id).where(here, accounts.there(Staff, day))
    instead = select(Staff.substitute_id).where(
        here, Staff.left_at.is_(None), Staff.away_from <= day, Staff.away_until >= day
    )
    found = await session.scalars(
        select(Account)
        .where(Account.id.in_(herself.union(instead)), Account.id != case.taker_id)
        .order_by(Account.created_at)
    )
    barred = withdrew(case)
    return [one for one in found if one.id.hex not in barred][:MOST]


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """The colleagues; one of them, to be ``sure`` of; ``to`` whom it goes. Raises NotPossible."""
    after(case.status, Action.PASS)
    there = {one.id.hex: one for one in await colleagues(session, tables, case)}
    chosen = there.get(press.value)
    number = case.number or ""
    stay = [button("button.never_mind", "sx", case)]
    if press.question == "to" and chosen is not None:
        await give(session, tables, case, account, chosen)
        await answer(say("pass_on.done", number=number, who=chosen.name or ""))
        return None
    if press.question == "sure" and chosen is not None:
        await answer(
            say("pass_on.sure", number=number, who=chosen.name or ""),
            buttons=[[button("pass_on.button.yes", VERB, case, "to", chosen.id.hex)], stay],
        )
        return None
    await answer(
        say("pass_on.who", number=number) if there else say("pass_on.nobody", number=number),
        buttons=[
            *(
                [button(say("pass_on.name", who=one.name or ""), VERB, case, "sure", one.id.hex)]
                for one in there.values()
            ),
            *([] if there else [[button("button.return", "sr", case)]]),
            stay,
        ],
    )
    return say("toast.stale") if press.question else None


async def give(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    former: Account,
    to: Account,
    reason: Say | None = None,
    withdrawn: UUID | None = None,
) -> None:
    """The case changes hands; the group's card, the new taker and the consumer are told, with a
    ``reason`` where there is one. ``withdrawn`` is who may not have it again. Raises NotPossible."""
    case.apply(
        Action.PASS,
        at=tables.clock.now(),
        by=former.id,
        details={
            "from": former.id.hex,
            "former": former.name or "",
            "who": to.name or "",
            **({"withdrew": withdrawn.hex} if withdrawn is not None else {}),
        },
    )
    case.taker_id = to.id
    await hand_over.refresh_card(session, tables, case)
    await tell(
        session,
        tables,
        to.address,
        say("leave.passed", number=case.number or "", who=former.name or ""),
        case=case,
        buttons=[[button("button.details", "sv", case)]],
    )
    owner = await session.get_one(Account, case.account_id)
    await tell(
        session,
        tables,
        owner.address,
        say("told.passed_because", number=case.number or "", who=to.name or "", reason=reason)
        if reason is not None
        else say("told.passed", number=case.number or "", who=to.name or ""),
        case=case,
        buttons=[[button("button.progress", "tp", case)]],
    )
