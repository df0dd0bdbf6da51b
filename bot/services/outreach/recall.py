"""Take back what a notice has already sent (撤回): copies younger than 48 hours are deleted, older ones emptied.

One errand at a time takes back a second's worth, then the next is armed in its commit: after a crash a chunk may
be done again, which finds it done.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Gone
from bot.services.outreach import release
from bot.services.outreach.notice_board import VERB, result, slot
from bot.services.outreach.second_person import record
from bot.services.outreach.states import moved, too_late
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.queue.timers import arm
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.delivery import OutboxState, Priority, Refused, Timer, TimerState
from models.outreach import Delivery, Notice, NoticeState
from models.party import Account

ERRAND = "notice_recall"
TIMER = "notice_recall"

PAUSE = timedelta(seconds=1)
IN_HAND = timedelta(seconds=2)
"""Copies that are on their way just now are waited for."""

BEFORE = (NoticeState.PAUSED, NoticeState.STOPPED, NoticeState.DONE)


async def ask(notice: Notice, answer: Answer) -> None:
    """It is asked once more: nobody gets a deleted notice back."""
    await answer(
        say("notice.recall_sure", count=notice.sent),
        buttons=[
            [
                button(
                    "notice.button.recall_yes", VERB, question="recall_yes", value=notice.id.hex
                ),
                button("notice.button.recall_no", VERB, question="result", value=notice.id.hex),
            ]
        ],
        slot=slot(notice.id),
    )


async def begin(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say:
    """Nothing more of it is sent, and what was sent is taken back."""
    if not await _kept(session, notice):
        return say("notice.too_old")
    if not await moved(session, notice, NoticeState.RECALLING, *BEFORE):
        return await too_late(session, tables, notice, answer)
    now = tables.clock.now()
    await session.refresh(notice)
    notice.ended_at = now
    notice.seen = None
    notice.recall = {"to": "", "deleted": 0, "emptied": 0, "left": 0}
    await record(session, now, notice, account, "recall", copies=notice.sent)
    await arm(session, notice.id, TIMER, now)
    await result(session, tables, notice, answer)
    return say("notice.toast.recalling")


async def _kept(session: AsyncSession, notice: Notice) -> bool:
    found = await session.scalar(
        select(Delivery.account_id)
        .where(Delivery.notice_id == notice.id, Delivery.state == OutboxState.SENT)
        .limit(1)
    )
    return found is not None


async def step(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: the next second's worth is owed as an errand, which arms this one anew; or it is done."""
    notice = await session.get(Notice, timer.about_id, with_for_update=True)
    if notice is None or notice.state is not NoticeState.RECALLING:
        return TimerState.CANCELLED
    now = tables.clock.now()
    in_hand = await session.scalar(
        select(Delivery.account_id)
        .where(Delivery.notice_id == notice.id, Delivery.state == OutboxState.LEASED)
        .limit(1)
    )
    if in_hand is not None:
        return now + IN_HAND
    reached = (notice.recall or {}).get("to")
    rows = (
        await session.execute(
            select(Delivery.account_id, Delivery.message_ids, Delivery.done_at, Account.address)
            .join(Account, Account.id == Delivery.account_id)
            .where(
                Delivery.notice_id == notice.id,
                Delivery.state == OutboxState.SENT,
                *([Delivery.account_id > uuid.UUID(reached)] if reached else []),
            )
            .order_by(Delivery.account_id)
            .limit(tables.policy.notice_recall_per_second)
        )
    ).all()
    author = await session.get_one(Account, notice.author_id)
    if not rows:
        notice.state = NoticeState.RECALLED
        await session.flush()
        await release.show(session, tables, notice, author)
        return TimerState.FIRED
    last = rows[-1].account_id.hex
    await owe_errand(
        session,
        ERRAND,
        {
            "notice": notice.id.hex,
            "to": last,
            "copies": [
                [
                    row.address,
                    [str(number) for number in row.message_ids or ()],
                    (row.done_at or now).isoformat(),
                ]
                for row in rows
            ],
        },
        now=now,
        key=f"{ERRAND}:{notice.id}:{last}",
        # Tried until it is done or refused for good, like a hand-over.
        priority=Priority.HAND_OVER,
        ordering=f"{ERRAND}:{notice.id}",
    )
    # The errand brings this nearer when it is done; should it be given up, the next chunk goes on from here.
    return now + timedelta(minutes=10)


def taker_back(
    tables: Tables,
    take_back: Callable[[str, Sequence[tuple[str, datetime]], str], Awaitable[Gone]],
) -> Errand:
    """The errand ``notice_recall``: ``take_back(chat, messages with their times, text in place of old ones)``."""

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        counts = {"deleted": 0, "emptied": 0, "left": 0}
        text = tables.texts.plain(say("notice.emptied"))
        for address, numbers, at in payload["copies"]:
            sent = [(number, datetime.fromisoformat(at)) for number in numbers]
            gone = await _take(take_back, address, sent, text)
            if gone.left or not sent:
                counts["left"] += 1
            else:
                counts["emptied" if gone.emptied else "deleted"] += 1

        async def finish(session: AsyncSession) -> None:
            notice = await session.get(
                Notice, uuid.UUID(hex=payload["notice"]), with_for_update=True
            )
            if notice is None or notice.recall is None:
                return
            notice.recall = {
                "to": payload["to"],
                **{name: notice.recall[name] + count for name, count in counts.items()},
            }
            now = tables.clock.now()
            await arm(session, notice.id, TIMER, now + PAUSE)
            look = timedelta(seconds=tables.policy.notice_look_seconds)
            if notice.seen is None or now - datetime.fromisoformat(notice.seen["at"]) >= look:
                notice.seen = {"at": now.isoformat(), "ended": notice.total - notice.waiting}
                await session.flush()
                author = await session.get_one(Account, notice.author_id)
                await release.show(session, tables, notice, author)

        return finish

    return work


async def _take(
    take_back: Callable[[str, Sequence[tuple[str, datetime]], str], Awaitable[Gone]],
    address: str,
    sent: Sequence[tuple[str, datetime]],
    text: str,
) -> Gone:
    """Of one reader; a chat that is closed to the bot keeps its copy and stops nobody else."""
    try:
        return await take_back(address, sent, text)
    except Refused as refusal:
        if not refusal.blocked:
            raise
        return Gone(0, 0, len(sent))
