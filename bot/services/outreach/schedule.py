"""When a notice goes out (什么时候发) and whether it comes again (重复)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.moments import parse_moment
from bot.interview.asides import control
from bot.ports import Incoming, Press
from bot.services.outreach import compose, when
from bot.services.outreach.notice_board import VERB, about, slot
from bot.services.sending import Answer, button
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.outreach import Notice, Repeat
from models.party import Account

TONIGHT, MORNING = time(19), time(9)
"""What is offered by a button; any other time is typed."""


async def pressed(
    session: AsyncSession,
    tables: Tables,
    notice: Notice,
    press: Press,
    account: Account,
    answer: Answer,
) -> Say | None:
    """``when`` and ``repeat`` show the choice, ``at:…`` and ``rp:…`` make it."""
    act, _, value = press.question.partition(":")
    now = tables.clock.now()
    account.awaiting = None
    match act, value:
        case "at", "now":
            notice.due_at = None
        case "at", "tonight" | "tomorrow":
            due = _offered(now)[value]
            if due <= now:
                return say("schedule.past")
            notice.due_at = due
        case "at", "type":
            account.awaiting = {"verb": VERB, "step": "when", "notice": notice.id.hex}
            await answer(say("schedule.ask"), buttons=[[about(notice.id, "card")]])
            return None
        case "rp", _ if value in {repeat.value for repeat in Repeat}:
            notice.repeat = value
        case "repeat", _:
            options = [
                button(
                    say(f"schedule.button.{repeat.name.lower()}"),
                    VERB,
                    question=f"rp:{repeat}",
                    value=notice.id.hex,
                )
                for repeat in Repeat
            ]
            await answer(
                say("schedule.repeat", hours=tables.policy.notice_ahead_hours),
                buttons=[options, [about(notice.id, "card")]],
                slot=slot(notice.id),
            )
            return None
        case _:
            await _choice(tables, notice, answer)
            return None
    parts, rows = await compose.card(session, tables, notice)
    await answer(*parts, buttons=rows, slot=slot(notice.id))
    return None


async def typed(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    notice: Notice,
    account: Account,
    answer: Answer,
) -> None:
    """A day and a time, in words."""
    due = parse_moment(heard.text, tables.clock.now())
    if due is None and control(heard.text) != "back":
        await answer(say("schedule.wrong"), buttons=[[about(notice.id, "card")]])
        return
    account.awaiting = None
    notice.due_at = due or notice.due_at
    parts, rows = await compose.card(session, tables, notice)
    await answer(*parts, buttons=rows, slot=slot(notice.id))


def _offered(now: datetime) -> dict[str, datetime]:
    today = now.astimezone(SHANGHAI).date()
    return {
        "tonight": datetime.combine(today, TONIGHT, SHANGHAI),
        "tomorrow": datetime.combine(today + timedelta(days=1), MORNING, SHANGHAI),
    }


async def _choice(tables: Tables, notice: Notice, answer: Answer) -> None:
    now = tables.clock.now()
    offered = [
        button(
            say(f"schedule.button.{name}", time=f"{due:%H:%M}"),
            VERB,
            question=f"at:{name}",
            value=notice.id.hex,
        )
        for name, due in _offered(now).items()
        if due > now
    ]
    policy = tables.policy
    await answer(
        say("schedule.head", now=when.words(tables, notice)),
        say(
            "schedule.quiet",
            begins=f"{policy.quiet_from:%H:%M}",
            ends=f"{policy.quiet_until:%H:%M}",
        ),
        buttons=[
            [button("schedule.button.now", VERB, question="at:now", value=notice.id.hex)],
            offered,
            [button("schedule.button.type", VERB, question="at:type", value=notice.id.hex)],
            [about(notice.id, "card")],
        ],
        slot=slot(notice.id),
    )
