"""How a notice (群发通知) looks: to its readers, and to the admins, in one message, how far it is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Media, Message
from bot.services.admin.trial import operator
from bot.services.outreach import nights
from bot.services.sending import Answer, button, day_words, link
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from bot.texts.marked import Mark, Marked
from models.outreach import OUTCOMES, Delivery, Notice, NoticeState

VERB = "mn"
LEAVE = "u"
READ_VERB = "ur"
JOIN_VERB = "ue"

BAR = 10
"""Signs in the bar that shows how far a notice is."""

ALWAYS_SHOWN = frozenset({"sent", "blocked", "failed"})


async def message(session: AsyncSession, tables: Tables, notice: Notice) -> Message:
    """A notice as its readers see it: picture, text, who says so, links, and the way out."""
    who = await operator(session, tables)
    if notice.for_staff:
        foot = say("notice.staff_from", operator=who) if who else say("notice.staff")
    else:
        foot = say("notice.foot_from", operator=who) if who else say("notice.foot")
    rows = [
        [link(say("notice.label", text=label), address)] for label, address in notice.links or ()
    ]
    if notice.activity_id is not None:
        join = say("activity.button.join")
        rows.insert(0, [button(join, JOIN_VERB, question="join", value=notice.activity_id.hex)])
    if notice.for_staff:
        rows.append([button("notice.button.read", READ_VERB, value=notice.id.hex)])
    else:
        rows.append([leave(notice.id)])
    return Message(
        (
            say("notice.head_staff" if notice.for_staff else "notice.head"),
            say("notice.body", text=body(notice)),
            foot,
        ),
        tuple(tuple(row) for row in rows),
        media(notice),
        captioned=True,
    )


def body(notice: Notice) -> Marked:
    """Its text as it was formatted."""
    return Marked(notice.body, tuple(Mark(*mark) for mark in notice.marks or ()))


def leads_to(notice: Notice) -> list[Say]:
    """Where the words and buttons of a notice lead, for whoever has to answer for it."""
    links = dict.fromkeys((*body(notice).links, *(url for _, url in notice.links or ())))
    return (
        [say("notice.leads_to", lines=[say("notice.address", link=link) for link in links])]
        if links
        else []
    )


def media(notice: Notice) -> tuple[Media, ...]:
    """Its picture or file, once that was found fit."""
    kept = notice.media
    if not kept or not kept["fit"]:
        return ()
    return (Media(kept["kind"], kept["file_id"], kept["vault_key"], kept["name"]),)


def duration(waiting: int, per_second: float) -> timedelta:
    """How long ``waiting`` messages take at ``per_second``, in whole seconds."""
    return timedelta(seconds=ceil(waiting / per_second))


async def result(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> None:
    """How far the notice got, in the place of its last card."""
    await session.flush()
    await session.refresh(notice)
    shown = await board(session, tables, notice, pace_of(notice, tables.clock.now()))
    await answer(*shown, buttons=board_buttons(notice), slot=slot(notice.id))


async def board(
    session: AsyncSession, tables: Tables, notice: Notice, pace: float | None
) -> tuple[Say, ...]:
    """How far it is; ``pace`` as :func:`pace_of` has it."""
    now = tables.clock.now()
    ended = notice.total - notice.waiting
    done = BAR * ended // max(notice.total, 1)
    shown = say(
        "notice.result",
        state=say(f"notice.state.{notice.state}"),
        bar=say(
            "notice.bar",
            done="\u25b0" * done,
            rest="\u25b1" * (BAR - done),
            percent=100 * ended // max(notice.total, 1),
        ),
        lines=[*_counts(notice), *await _read(session, notice)],
        total=notice.total,
        time=f"{now.astimezone(SHANGHAI):%H:%M:%S}",
    )
    if notice.state in (NoticeState.RECALLING, NoticeState.RECALLED):
        return shown, _recalled(notice)
    if notice.spread_at is None:
        return shown, say("notice.spreading")
    if notice.state is NoticeState.RESTING:
        return shown, say("notice.resting", time=f"{tables.policy.quiet_until:%H:%M}")
    if notice.state is not NoticeState.SENDING or not notice.waiting:
        return (shown,)
    rate = [say("notice.rate", rate=f"{pace:.1f}")] if pace else []
    speed = pace or tables.sends_per_second
    return shown, *rate, finish(tables, notice.waiting, speed, rests=nights.hold(tables, notice))


def _counts(notice: Notice) -> list[Say]:
    counts: dict[str, Any] = {outcome: getattr(notice, outcome) for outcome in OUTCOMES}
    unsent = notice.state in (NoticeState.STOPPED, NoticeState.RECALLING, NoticeState.RECALLED)
    return [
        say(f"notice.outcome.{name}", count=count)
        for name, count in (
            ("sent", counts.pop("sent")),
            ("unsent" if unsent else "waiting", notice.waiting),
            *counts.items(),
            ("quits", notice.quits),
        )
        if count or name in ALWAYS_SHOWN
    ]


async def _read(session: AsyncSession, notice: Notice) -> list[Say]:
    """Of a notice to staff, how many said that they have read it."""
    if not notice.for_staff:
        return []
    read = select(func.count()).where(
        Delivery.notice_id == notice.id, Delivery.read_at.is_not(None)
    )
    return [say("notice.outcome.read", count=await session.scalar(read) or 0)]


def _recalled(notice: Notice) -> Say:
    done = notice.recall or {}
    going = notice.state is NoticeState.RECALLING
    return say(
        "notice.recalling" if going else "notice.recalled",
        deleted=done.get("deleted", 0),
        emptied=done.get("emptied", 0),
        left=done.get("left", 0),
    )


def finish(tables: Tables, waiting: int, per_second: float, *, rests: bool = True) -> Say:
    """When the last copy goes out at this pace, as people say it; at night, if it ``rests``, none does."""
    now = tables.clock.now()
    takes = duration(waiting, per_second)
    end = nights.end(tables.policy, now, takes) if rests else now + takes
    now, end = now.astimezone(SHANGHAI), end.astimezone(SHANGHAI)
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
    state = notice.state
    rows: list[Sequence[str]] = [
        {
            NoticeState.SENDING: ("pause", "result"),
            NoticeState.RESTING: ("pause", "result"),
            NoticeState.PAUSED: ("resume", "stop"),
        }.get(state, ())
    ]
    if state in (NoticeState.STOPPED, NoticeState.DONE, NoticeState.PAUSED) and notice.sent:
        rows.append(("recall",))
    if notice.for_staff:
        rows.append(("unread",))
    if notice.repeat:
        rows.append(("once",))
    return tuple(tuple(about(notice.id, act) for act in row) for row in rows if row)


def about(notice: uuid.UUID, act: str) -> Button:
    """An admin's button that does ``act`` to the notice."""
    return button(f"notice.button.{act}", VERB, question=act, value=notice.hex)


def leave(notice: uuid.UUID | None = None) -> Button:
    """A reader's way out; of which notice, if it hangs on one."""
    return button("notice.button.leave", LEAVE, value=notice.hex if notice else "")


def slot(notice: uuid.UUID) -> str:
    """Where an admin's one message on the notice lies in her chat."""
    return f"notice:{notice}"
