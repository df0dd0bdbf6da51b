"""What could not be sent or handled: the case goes on, the admins hear of it, nobody is left waiting."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import accounts
from bot.services.chain import hand_over
from bot.services.privacy import erase
from bot.services.sending import tell
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.case import Case
from models.delivery import Inbox, Outbox, Priority, Refused
from models.network import Organisation
from models.outreach import Delivery
from models.party import Account


async def undeliverable(
    session: AsyncSession, tables: Tables, row: Outbox | Delivery, refusal: Refused
) -> None:
    """A row was given up. A blocked person is unsubscribed; a desk's card goes back to triage."""
    if isinstance(row, Outbox) and row.kind == erase.ERRAND:
        await erase.gave_up(session, tables, row)
        return
    account = await accounts.by_address(session, row.target)
    if account is not None and refusal.blocked:
        account.blocked = True
        account.subscribed = False
    if row.priority != Priority.HAND_OVER or row.case_id is None:
        return
    case = await session.get(Case, row.case_id)
    desk = await hand_over.desk_of(session, case) if case is not None else None
    if case is None or desk is None or await accounts.chat_of(session, desk) != row.target:
        return
    if refusal.blocked:
        for lost in await accounts.desks_of_chat(session, row.target):
            lost.chat = None
            reason = say("card.unreachable", desk=lost.name)
            await hand_over.requeue_all(session, tables, lost, reason)
    # A point served by its street's group is not among those.
    await hand_over.requeue(session, tables, case, say("card.unreachable", desk=desk.name))


async def unhandled(session: AsyncSession, tables: Tables, row: Inbox) -> None:
    """An update was set aside after repeated failure: the admins are told, and so is the person.

    A group is not told, nor can anyone be whose update did not say which chat it came from.
    """
    if row.chat_key.partition(":")[2].isdecimal():
        await tell(
            session, tables, row.chat_key, say("trouble.sorry"), key=f"sorry:{row.source}:{row.key}"
        )
    for admin in await accounts.admins(session):
        await tell(
            session,
            tables,
            admin.address,
            say("trouble.admin", error=row.last_error),
            key=f"trouble:{row.source}:{row.key}:{admin.id}",
        )


async def moved(session: AsyncSession, old: str, new: str) -> None:
    """A group became a supergroup and has a new address (Bot API migrate_to_chat_id)."""
    for desk in await session.scalars(select(Organisation).where(Organisation.chat == old)):
        desk.chat = new
    await session.execute(update(Account).where(Account.address == old).values(address=new))
