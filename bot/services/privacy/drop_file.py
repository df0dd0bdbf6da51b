"""Files made to be sent (an archive, a paper): kept for a day, so that they can be sent again, then erased."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.privacy.erase import owe_drop
from bot.services.queue.timers import arm
from bot.services.tables import Tables
from models.delivery import Timer, TimerState

TIMER = "drop_file"
KEPT = timedelta(hours=24)


async def keep_a_day(session: AsyncSession, tables: Tables, key: UUID) -> None:
    """The file that lies in the vault under ``str(key)`` is erased after a day."""
    await arm(session, key, TIMER, tables.clock.now() + KEPT)


async def forget(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: the day is over."""
    await owe_drop(session, tables, str(timer.about_id))
    return TimerState.FIRED
