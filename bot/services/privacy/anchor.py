"""The daily anchor (审计锚): how far the audit chain is, told outside of the database.

It goes to every admin's chat and into a file beside the database, once a day when the chain has grown.
Against it a chain shows whose last lines were cut off, or that was put back from a copy.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import accounts
from bot.services.privacy import audit
from bot.services.privacy.audit import Anchor
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.queue.timers import arm
from bot.services.sending import tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import say
from models.delivery import Meta, Timer, TimerState

TIMER = "audit_anchor"
ERRAND = "anchor"
LAST = "audit_anchor"
"""The Meta row with the last anchor: ``{"at": ISO time, "seq": number}``."""

CHAIN = uuid.UUID(int=1)
"""There is one chain; its timer is about this."""

DIGITS = 32
"""Hex digits of the mac that an anchor shows: 128 bits, which nobody finds again by chance."""


async def plan(session: AsyncSession, tables: Tables) -> None:
    """Let the next anchor fall due; at once, if it was missed while nothing ran."""
    last = await session.get(Meta, LAST)
    since = datetime.fromisoformat(last.value["at"]) if last is not None else tables.clock.now()
    await arm(session, CHAIN, TIMER, _next(tables, since))


async def drop(session: AsyncSession, tables: Tables, _timer: Timer) -> datetime | TimerState:
    """A timer: make the anchor if the chain has grown, and wait for the next day."""
    now = tables.clock.now()
    seq, mac = await audit.head(session)
    last = await session.get(Meta, LAST)
    if seq > (int(last.value["seq"]) if last is not None else 0):
        anchor = Anchor(now.isoformat(timespec="seconds"), seq, mac[:DIGITS])
        await owe_errand(session, ERRAND, anchor._asdict(), now=now, key=f"anchor:{seq}")
        if not tables.demo:
            for admin in await accounts.admins(session):
                await tell(
                    session,
                    tables,
                    admin.address,
                    say(
                        "audit.anchor",
                        day=now.astimezone(SHANGHAI).date().isoformat(),
                        seq=seq,
                        mac=anchor.mac,
                    ),
                    key=f"anchor:{seq}:{admin.id}",
                )
        await session.merge(Meta(key=LAST, value={"at": now.isoformat(), "seq": seq}))
    return _next(tables, now)


def _next(tables: Tables, since: datetime) -> datetime:
    local = since.astimezone(SHANGHAI)
    hour = tables.policy.anchor_at
    due = local.replace(hour=hour.hour, minute=hour.minute, second=0, microsecond=0)
    return due if due > local else due + timedelta(days=1)


def keeper(keep: Callable[[Anchor], Awaitable[None]]) -> Errand:
    """The errand ``anchor``: ``keep`` writes it into the file, once, however often it is run."""

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        await keep(Anchor(**payload))
        return None

    return work
