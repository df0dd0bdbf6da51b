"""An edited line of a talk (改过的话): the other side reads the new words, where it can be in the old place."""

from __future__ import annotations

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.redact import redact
from bot.ports import Incoming, Message
from bot.services.queue.deliver import owe
from bot.services.sending import Answer
from bot.services.staff import relay
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.case import Case, Event
from models.lifecycle import TAKEN, Action
from models.party import Account


async def edited(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """A line of a talk was edited: so is what the other side reads. Returns whether it was one."""
    mine = await session.scalars(
        select(Case).where(
            Case.status.in_(TAKEN),
            or_(Case.taker_id == account.id, Case.account_id == account.id),
        )
    )
    for case in mine:
        for event, text in relay.lines(case):
            details = event.details or {}
            if details.get("msg") == heard.message_id and event.by_id == account.id:
                await _edit(session, tables, case, event, account, answer, text, heard.text)
                return True
    return False


async def _edit(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    event: Event,
    account: Account,
    answer: Answer,
    old: str,
    new: str,
) -> None:
    new = redact(new).text
    if new == old:
        return
    if not relay.is_on(case):
        await answer(say("relay.edit_off"))
        return
    details = event.details or {}
    side = str(details["side"])
    case.apply(
        Action.TALK,
        at=tables.clock.now(),
        by=account.id,
        details={"side": side, "edits": event.seq, "text": new},
    )
    other = await relay.other_side(session, case, side)
    if other is None:
        return
    message = await relay.message(session, case, [event], side, edited=True)
    if message.media or message.venue:
        # A caption's message cannot be found again in an album: the new words go as words.
        message = Message(message.parts, message.buttons)
        slot = ""
    else:
        slot = relay.slot(case, event)
    await owe(
        session,
        other.address,
        message,
        now=tables.clock.now(),
        slot=slot,
        case_id=case.id,
    )
    await answer(say(f"relay.edit_{side}", number=case.number or ""))
