"""How a notice (群发通知) looks: to its readers, and to the admins, in one message, how far it is."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Message
from bot.services.admin.trial import operator
from bot.services.outreach import copies
from bot.services.sending import Answer, button, day_words
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.outreach import OUTCOMES, Notice, NoticeState

VERB = "mn"
LEAVE = "u"

BAR = 10
"""Signs in the bar that shows how far a notice is."""

ALWAYS_SHOWN = frozenset({"sent", "blocked", "failed"})


async def audience(session: AsyncSession) -> int:
    """How many would get a notice sent now."""
    return await session.scalar(select(func.count()).select_from(copies.readers().subquery())) or 0


async def message(session: AsyncSession, tables: Tables, body: str) -> Message:
    """A notice as its readers see it: the text, who says so, and the way out."""
    who = await operator(session, tables)
    foot = say("notice.foot_from", operator=who) if who else say("notice.foot")
    return Message((say("notice.head"), say("notice.body", text=body), foot), ((leave(),),))


def duration(waiting: int, per_second: float) -> timedelta:
    """How long ``waiting`` messages take at ``per_second``, in whole seconds."""
    return timedelta(seconds=ceil(waiting / per_second))


async def result(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> None:
    """How far the notice got, in the place of its last card."""
    await session.flush()
    await session.refresh(notice)
    pace = pace_of(notice, tables.clock.now())
    await answer(*board(tables, notice, pace), buttons=board_buttons(notice), slot=slot(notice.id))


def board(tables: Tables, notice: Notice, pace: float | None) -> tuple[Say, ...]:
    """How far it is; ``pace`` as :func:`pace_of` has it."""
    now = tables.clock.now()
    ended = notice.total - notice.waiting
    done = BAR * ended // max(notice.total, 1)
    counts: dict[str, Any] = {outcome: getattr(notice, outcome) for outcome in OUTCOMES}
    waiting = "unsent" if notice.state is NoticeState.STOPPED else "waiting"
    lines = [
        say(f"notice.outcome.{name}", count=count)
        for name, count in (
            ("sent", counts.pop("sent")),
            (waiting, notice.waiting),
            *counts.items(),
        )
        if count or name in ALWAYS_SHOWN
    ]
    shown = say(
        "notice.result",
        state=say(f"notice.state.{notice.state}"),
        bar=say(
            "notice.bar",
            done="\u25b0" * done,
            rest="\u25b1" * (BAR - done),
            percent=100 * ended // max(notice.total, 1),
        ),
        lines=lines,
        total=notice.total,
        time=f"{now.astimezone(SHANGHAI):%H:%M:%S}",
    )
    if notice.spread_at is None:
        return shown, say("notice.spreading")
    if notice.state is not NoticeState.SENDING or not notice.waiting:
        return (shown,)
    rate = [say("notice.rate", rate=f"{pace:.1f}")] if pace else []
    return shown, *rate, finish(tables, notice.waiting, pace or tables.sends_per_second)


def finish(tables: Tables, waiting: int, per_second: float) -> Say:
    """When the last copy goes out at this pace, as people say it."""
    now = tables.clock.now().astimezone(SHANGHAI)
    end = now + duration(waiting, per_second)
    days = (end.date() - now.date()).days
    key = {0: "today", 1: "tomorrow"}.get(days, "later")
    return say(f"notice.finish.{key}", day=day_words(end.date()), time=f"{end:%H:%M}")


def pace_of(notice: Notice, now: datetime) -> float | None:
    """Copies that came to an end each second since the last look; None when that says nothing."""
    if notice.seen is None:
        return None
    seconds = (now - datetime.fromisoformat(notice.seen["at"])).total_seconds()
    ended = notice.total - notice.waiting - int(notice.seen["ended"])
    return ended / seconds if seconds >= 1 and ended > 0 else None


def board_buttons(notice: Notice) -> tuple[tuple[Button, ...], ...]:
    """To stop for good she pauses first, so that no slip of the finger costs the rest their copy."""
    acts = {
        NoticeState.SENDING: ("pause", "result"),
        NoticeState.PAUSED: ("resume", "stop"),
    }.get(notice.state, ())
    return (tuple(about(notice.id, act) for act in acts),) if acts else ()


def about(notice: uuid.UUID, act: str) -> Button:
    """An admin's button that does ``act`` to the notice."""
    return button(f"notice.button.{act}", VERB, question=act, value=notice.hex)


def leave() -> Button:
    """A reader's way out."""
    return button("notice.button.leave", LEAVE)


def slot(notice: uuid.UUID) -> str:
    """Where an admin's one message on the notice lies in her chat."""
    return f"notice:{notice}"
