"""Erase what has been kept long enough (保存期限), and leave proof: which rule, when, how much.

The periods are the policy's, with their ground (PIPL art. 19: no longer than the purpose needs). Run by the
hourly sweep; a case whose turn has come takes its files, its waiting messages and the sent ones with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.privacy import audit
from bot.services.privacy.erase import erase
from bot.services.tables import Tables
from models.case import Case
from models.delivery import Meta, Outbox, OutboxState, Priority
from models.lifecycle import CLOSED, CaseStatus
from models.network import Staff
from models.party import Account
from models.privacy import Rule

LAST = "retention_last"
"""The Meta row with the last run: ``{"at": ISO time, "cases": erased in it}``."""

BATCH = 20


class Ran(NamedTuple):
    """The last run: when, and how many cases it erased."""

    at: datetime
    cases: int


async def run(session: AsyncSession, tables: Tables) -> int:
    """One batch of each rule; how many cases went. Call it again until none does."""
    now, policy = tables.clock.now(), tables.policy
    closed = now - timedelta(days=policy.keep_closed_days)
    idle = now - timedelta(days=policy.keep_draft_days)
    rules = {
        Rule.CLOSED: select(Case).where(Case.status.in_(CLOSED), Case.closed_at < closed),
        Rule.DRAFT: select(Case).where(
            Case.status.in_((CaseStatus.DRAFT, CaseStatus.DISCARDED)), Case.touched_at < idle
        ),
    }
    gone = 0
    for rule, wanted in rules.items():
        cases = (await session.scalars(wanted.limit(BATCH))).all()
        if cases:
            await erase(session, tables, cases, rule, audit.BOT)
            gone += len(cases)
    if not gone:
        await _messages(session, closed)
        await _strangers(session, closed)
    before = await last(session)
    same_day = before is not None and before.at.date() == now.date()
    total = gone + (before.cases if before is not None and same_day else 0)
    await session.merge(Meta(key=LAST, value={"at": now.isoformat(), "cases": total}))
    return gone


async def last(session: AsyncSession) -> Ran | None:
    """When it last ran, and what it erased that day; None before the first time."""
    row = await session.get(Meta, LAST)
    if row is None:
        return None
    value: Mapping[str, Any] = row.value
    return Ran(datetime.fromisoformat(value["at"]), int(value["cases"]))


async def _messages(session: AsyncSession, before: datetime) -> None:
    """What was sent so long ago, and about no case: to whom, and what the channel called it."""
    await session.execute(
        delete(Outbox).where(
            Outbox.done_at < before,
            Outbox.case_id.is_(None),
            Outbox.state.in_((OutboxState.SENT, OutboxState.DEAD, OutboxState.UNKNOWN)),
            Outbox.priority != Priority.HAND_OVER,
        )
    )


async def _strangers(session: AsyncSession, before: datetime) -> None:
    """The names of people who have not been here for so long and have neither case nor office."""
    quiet = await session.scalars(
        select(Account)
        .where(
            Account.seen_at < before,
            Account.name_sealed.is_not(None),
            Account.is_admin.is_(False),
            ~exists().where(Case.account_id == Account.id),
            ~exists().where(Staff.account_id == Account.id),
        )
        .limit(BATCH)
    )
    for account in quiet:
        account.name = account.helped = account.awaiting = None
