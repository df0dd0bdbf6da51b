"""Floods (刷屏): whoever sends more than she could type is told once, then heard in silence until it is calm.

What belongs to a case is kept all the same, and words of danger are answered always. A person's pace stands
in her account, a group's in ``rate_slot``; the numbers are ``talk_*`` in the policy (ASVS 2.4.1).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming
from bot.services.sending import HUSHED, Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.delivery import RateSlot
from models.party import Account


async def takes(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """Count what came; whether it is taken in. In a flood answers to this update are silenced."""
    policy, now = tables.policy, tables.clock.now()
    waiting = _later(account.paced_at, now, tables, policy.talk_most)
    account.paced_at = now + waiting
    ahead = waiting / _each(tables)
    if ahead <= policy.talk_burst / 2:
        account.hushed = False
    if account.is_admin or (ahead <= policy.talk_burst and not account.hushed):
        return True
    if _urgent(tables, heard):
        return True
    if not account.hushed and heard.private:
        await answer(
            say("flood.told", minutes=_minutes(waiting)),
            buttons=[[button("button.resume", "go", value="resume")]],
        )
    account.hushed = True
    session.info[HUSHED] = True
    return ahead < policy.talk_most or bool(heard.files or heard.forwarded_from)


async def group_is_calm(session: AsyncSession, tables: Tables, heard: Incoming) -> bool:
    """Count a command or reply in a group; whether it is answered."""
    key, now, most = f"heard:{heard.chat}", tables.clock.now(), tables.policy.talk_group_burst
    slot = await session.get(RateSlot, key, with_for_update=True)
    waiting = _later(slot.tat if slot is not None else None, now, tables, most)
    if waiting >= most * _each(tables):
        return False
    await session.merge(RateSlot(key=key, tat=now + waiting))
    return True


def _each(tables: Tables) -> timedelta:
    return timedelta(minutes=1) / tables.policy.talk_per_minute


def _later(until: datetime | None, now: datetime, tables: Tables, most: int) -> timedelta:
    """How far ahead of the pace this one is, up to ``most`` messages, whatever a clock once said."""
    ahead = max((until or now) - now, timedelta()) + _each(tables)
    return min(ahead, most * _each(tables))


def _minutes(waiting: timedelta) -> int:
    return max(1, round(waiting / timedelta(minutes=1)))


def _urgent(tables: Tables, heard: Incoming) -> bool:
    """A call for help goes through whatever came before it."""
    if heard.command == "emergency":
        return True
    if heard.press is not None and heard.press.value == "emergency":
        return True
    return bool(heard.text) and bool(tables.classifier.classify(heard.text).danger)
