"""What is to be done today (今天要办): the open cases of a person's desks, or of a group's, the latest first.

A line holds what the group's card holds and nothing of the person's, so it may be read anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import lazyload

from bot.ports import Button, Incoming, Press
from bot.services import accounts
from bot.services.chain import remind
from bot.services.chain.hand_over import moment_words
from bot.services.chain.lateness import Standing, standing
from bot.services.network.bind_desk import number, stamp
from bot.services.sending import Answer, button, link
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.lifecycle import OPEN, CaseStatus
from models.network import Level, Organisation
from models.party import Account

VERB = "sd"
COMMAND = "today"
PER_PAGE = 6
MOST = 500
"""Cases that one list is made of: those that nobody has touched for longest."""

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def show(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
    answer: Answer,
    press: Press | None = None,
) -> None:
    """The list: in a group of its desks, in private of all that the person may act for or has taken."""
    if heard.private:
        mine = or_(Case.taker_id == account.id, Case.desk_id.in_(accounts.area(tables, account)))
    else:
        mine = Case.desk_id.in_(_desks_in(heard.chat))
    found = await ordered(session, tables, mine)
    opened = (press.version if press is not None else 0) or stamp(tables)
    last = max(0, (len(found) - 1) // PER_PAGE)
    page = min(number(press.value) if press is not None else 0, last)
    shown = found[page * PER_PAGE : (page + 1) * PER_PAGE]
    now = tables.clock.now()
    takers = await _takers(session, [case for case, _ in shown])
    lines = [
        _line(at, case, stands, now, takers.get(case.id.hex, ""))
        for at, (case, stands) in enumerate(shown, page * PER_PAGE + 1)
    ]
    late = sum(stands.late(now) > timedelta() for _, stands in found)
    home = [button("staff.button.home", "j")] if heard.private else None
    await answer(
        say("today.head", count=len(found), late=late) if found else say("today.none"),
        say("today.lines", lines=lines) if lines else None,
        say("today.page", page=page + 1, pages=last + 1) if last else None,
        buttons=[
            *_cases(tables, heard, account, [case for case, _ in shown]),
            *([_turns(page, last, opened)] if last else []),
            [button("today.button.again", VERB, value=str(page), version=opened)],
            [
                button("work.button.begin", "sh"),
                *([button("report.button.show", "si")] if heard.private else []),
            ],
            *([home] if home else []),
        ],
        slot=f"{VERB}:{opened}" if press is not None else "",
    )


def _desks_in(chat: str) -> Select[UUID]:
    """Ids of the desks whose cards come to a group: its own, and points without one in its street."""
    own = select(Organisation.id).where(Organisation.chat == chat)
    street = own.where(Organisation.level == Level.STREET)
    return select(Organisation.id).where(
        or_(
            Organisation.chat == chat,
            and_(
                Organisation.level == Level.POINT,
                Organisation.chat.is_(None),
                Organisation.parent_id.in_(street),
            ),
        )
    )


async def ordered(
    session: AsyncSession, tables: Tables, mine: ColumnElement[bool]
) -> list[tuple[Case, Standing]]:
    """Open cases with how they stand: the longest due first, then what is due next, then what is paused."""
    found = await session.scalars(
        select(Case)
        .where(Case.status.in_(OPEN), mine)
        .order_by(Case.touched_at)
        .limit(MOST)
        .options(lazyload(Case.evidence))
    )
    rows = []
    for case in found:
        desk = await remind.holder(session, tables, case)
        rows.append((case, standing(case, tables.policy, desk)))
    far = datetime.max.replace(tzinfo=tables.clock.now().tzinfo)
    rows.sort(key=lambda row: (row[1].due or far, row[0].filed_at or far))
    return rows


async def _takers(session: AsyncSession, cases: Sequence[Case]) -> dict[str, str]:
    """By case: what its taker is called."""
    found = await session.scalars(
        select(Account).where(Account.id.in_([case.taker_id for case in cases if case.taker_id]))
    )
    names = {account.id: account.name or "" for account in found}
    return {case.id.hex: names.get(case.taker_id, "") for case in cases if case.taker_id}


def _line(at: int, case: Case, stands: Standing, now: datetime, who: str) -> Say:
    status = say(f"status.{case.status}")
    return say(
        "today.line",
        at=at,
        number=case.number or "",
        object=say(f"object.{case.object}"),
        state=say("today.with", state=status, who=who) if who else status,
        age=_long(now - (case.filed_at or case.created_at)),
        clock=_clock(stands, now),
        step=say(f"today.step_{_step(case)}"),
    )


def _step(case: Case) -> str:
    """What comes next: the status says it, and for a case in hand the desk's part in it."""
    return case.part if case.status is CaseStatus.HANDLING else str(case.status)


def _clock(stands: Standing, now: datetime) -> Say:
    if stands.paused:
        return say("today.paused")
    if stands.due is None:
        return say("today.no_due")
    late = stands.late(now)
    if late:
        return say("today.late", long=_long(late))
    return say("today.due", due=moment_words(stands.due))


def _long(span: timedelta) -> Say:
    """A length of time as people say it."""
    if span >= DAY:
        return say("today.days", n=span // DAY)
    return say("today.hours", n=span // HOUR) if span >= HOUR else say("today.minutes")


def _cases(
    tables: Tables, heard: Incoming, account: Account, cases: Sequence[Case]
) -> list[list[Button]]:
    """What can be done at once: take what waits, open one's own."""
    rows = []
    for case in cases:
        if case.status is CaseStatus.WAITING:
            rows.append([button(say("today.button.take", number=case.number or ""), "st", case)])
        elif case.taker_id == account.id and heard.private:
            rows.append([button(say("today.button.open", number=case.number or ""), "sv", case)])
        elif case.taker_id is not None and not heard.private and tables.bot_name:
            label = say("today.button.open", number=case.number or "")
            rows.append([link(label, tables.link(f"case_{case.token}"))])
    return rows


def _turns(page: int, last: int, opened: int) -> list[Button]:
    made = []
    if page > 0:
        made.append(button("bind.button.back", VERB, value=str(page - 1), version=opened))
    if page < last:
        made.append(button("bind.button.more", VERB, value=str(page + 1), version=opened))
    return made
