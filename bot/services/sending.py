"""Small words for owing a message: to the chat that spoke, or to someone else about a case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Incoming, Media, Message, Press
from bot.services.queue.deliver import owe
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.delivery import Outbox
from models.party import Account

_SHORT = select(Account.short_lines).where(Account.address == bindparam("address"))

Rows = Sequence[Sequence[Button]]

HUSHED = "hushed"
"""In a session's ``info``: nothing is answered to this update (:mod:`bot.services.admin.calm`)."""


class Answer:
    """The messages that one update causes in its own chat, numbered so that a repeat changes nothing.

    ``short``: whoever reads them has set short lines.
    """

    def __init__(self, session: AsyncSession, tables: Tables, heard: Incoming) -> None:
        self._session = session
        self._tables = tables
        self._heard = heard
        self._count = 0
        self.short = False

    async def __call__(
        self,
        *parts: Say | None,
        buttons: Rows = (),
        media: Sequence[Media] = (),
        keyboard: str = "",
        slot: str = "",
        venue: tuple[float, float, str, str] | None = None,
        captioned: bool = False,
    ) -> None:
        if self._session.info.get(HUSHED):
            return
        self._count += 1
        await owe(
            self._session,
            self._heard.chat,
            Message(
                tuple(part for part in parts if part is not None),
                tuple(tuple(row) for row in buttons),
                tuple(media),
                keyboard,
                venue,
                self.short,
                captioned,
            ),
            now=self._tables.clock.now(),
            key=f"{self._heard.key}:{self._count}",
            slot=slot,
        )


async def tell(
    session: AsyncSession,
    tables: Tables,
    address: str,
    *parts: Say | None,
    case: Case | None = None,
    buttons: Rows = (),
    media: Sequence[Media] = (),
    slot: str = "",
    key: str | None = None,
    handover: bool = False,
    captioned: bool = False,
) -> None:
    """Owe a message to another chat; ``handover`` marks one that must never die."""
    await owe(
        session,
        address,
        Message(
            tuple(part for part in parts if part is not None),
            tuple(tuple(row) for row in buttons),
            tuple(media),
            short=bool(await session.scalar(_SHORT, {"address": address})),
            captioned=captioned,
        ),
        now=tables.clock.now(),
        key=key,
        slot=slot,
        priority=1 if handover else 0,
        case_id=case.id if case is not None else None,
    )


async def let_go(session: AsyncSession, address: str, slot: str) -> None:
    """What is said next in this slot of the chat comes as a new message, below what was asked for."""
    await session.execute(
        update(Outbox)
        .where(Outbox.target == address, Outbox.slot == slot)
        .values(slot="")
        .execution_options(synchronize_session=False)
    )


def button(
    label: str | Say,
    verb: str,
    case: Case | None = None,
    question: str = "",
    value: str = "",
    version: int | None = None,
) -> Button:
    """A button about a case, stamped with its present version; ``label`` is a text key or a Say."""
    if version is None:
        version = case.version if case is not None else 0
    return Button(
        label if isinstance(label, Say) else say(label),
        Press(verb, case.token if case is not None else "", question, version, value),
    )


def day_words(day: date) -> Say:
    """A day as people say it."""
    return say("channel.day", month=day.month, day=day.day)


def moment_words(due: datetime, now: datetime) -> Say:
    """A time as people say it: the day, or today's hour."""
    local, here = due.astimezone(SHANGHAI), now.astimezone(SHANGHAI)
    if local.date() == here.date():
        return say("channel.today", time=f"{local:%H:%M}")
    return day_words(local.date())


def minute_words(at: datetime) -> str:
    """A moment as Shanghai's clock shows it: 2026-11-24 10:00."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")


def link(label: str | Say, address: str) -> Button:
    """A button that opens an address."""
    return Button(label if isinstance(label, Say) else say(label), link=address)
