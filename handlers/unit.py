"""The unit of work that an update runs in: one session, opened and committed by the worker."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession
from telegram import Update
from telegram.ext import CallbackContext

from bot.services.hear import hear
from bot.services.tables import Tables
from bot.texts.catalogue import Say
from handlers.incoming import read


@dataclass(slots=True)
class Unit:
    """``notice`` is shown over the pressed button after the commit; ``failed`` undoes everything."""

    session: AsyncSession
    tables: Tables
    notice: Say | None = None
    failed: BaseException | None = None


UNIT: ContextVar[Unit] = ContextVar("unit")


async def on_update(update: Update, _context: CallbackContext) -> None:  # type: ignore[type-arg]
    """Translate, call the service, remember the notice. Nothing is sent from here."""
    unit = UNIT.get()
    heard = read(update)
    if heard is not None:
        unit.notice = await hear(unit.session, unit.tables, heard)


async def on_error(_update: object, context: CallbackContext) -> None:  # type: ignore[type-arg]
    """``process_update`` swallows exceptions: note it, so that the worker rolls back."""
    UNIT.get().failed = context.error
