"""On leave (休假): for some days a substitute acts instead, and afterwards it is as before."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.dates import coming_days
from bot.ports import Button, Press
from bot.services import accounts
from bot.services.chain import hand_over
from bot.services.queue.timers import arm
from bot.services.sending import Answer, button, tell
from bot.services.staff import pass_on
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.delivery import Timer, TimerState
from models.lifecycle import TAKEN, Action
from models.network import Organisation, Staff
from models.party import Account

VERB = "jl"
TIMER = "leave"
LENGTHS = (1, 3, 7, 14)
"""Days from today that have a button; anything else is typed."""

MATES = 8


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """``ask`` for the days, ``days`` from today, ``who`` stands in, ``back`` to work."""
    duties = await accounts.duties(session, account)
    if not duties:
        return say("toast.not_yours_to_manage")
    waiting = dict(account.awaiting or {})
    account.awaiting = None
    match press.question:
        case "days" if press.value.isdecimal() and int(press.value) in LENGTHS:
            first = accounts.today(tables)
            last = first + timedelta(days=int(press.value) - 1)
            await _ask_who(session, account, answer, first, last)
        case "who" if waiting.get("verb") == VERB and "from" in waiting:
            first, last = (date.fromisoformat(waiting[key]) for key in ("from", "until"))
            mates = {mate.id.hex: mate for mate in await _mates(session, account, first)}
            await _go(session, tables, account, answer, first, last, mates.get(press.value))
        case "back":
            await _back(session, tables, account, answer)
        case _:
            account.awaiting = {"verb": VERB}
            await answer(
                say("leave.when"),
                buttons=[
                    *(
                        [button(f"leave.days_{n}", VERB, question="days", value=str(n))]
                        for n in LENGTHS
                    ),
                    [button("staff.button.stay", "j")],
                ],
            )
    return None


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """The days, in words."""
    days = coming_days(text, accounts.today(tables))
    if days is None:
        account.awaiting = {"verb": VERB}
        await answer(say("leave.wrong"), buttons=[[button("staff.button.stay", "j")]])
        return
    await _ask_who(session, account, answer, *days)


async def turn(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """What the day brings, at its first minute: a leave that begins hands over what was taken, one that
    has ended takes it back. On the days between, what came to her meanwhile is handed over too."""
    staff = await session.get(Staff, timer.about_id, with_for_update=True)
    if staff is None or staff.left_at is not None or staff.away_from is None:
        return TimerState.CANCELLED
    day = accounts.today(tables)
    if staff.away_until is not None and staff.away_until < day:
        await _end(session, tables, staff, tell_her=True)
        return TimerState.FIRED
    if staff.away_from <= day:
        await _begin(session, tables, staff)
    return _dawn(max(staff.away_from, day + timedelta(days=1)))


def _dawn(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


async def _ask_who(
    session: AsyncSession,
    account: Account,
    answer: Answer,
    first: date,
    last: date,
) -> None:
    account.awaiting = {"verb": VERB, "from": first.isoformat(), "until": last.isoformat()}
    mates = await _mates(session, account, first)
    rows: list[list[Button]] = [
        [button(say("leave.mate", who=mate.name or ""), VERB, question="who", value=mate.id.hex)]
        for mate in mates
    ]
    rows += [
        [button("leave.nobody", VERB, question="who", value="nobody")],
        [button("staff.button.stay", "j")],
    ]
    await answer(
        say("leave.who", **_days(first, last))
        if mates
        else say("leave.alone", **_days(first, last)),
        buttons=rows,
    )


async def _mates(session: AsyncSession, account: Account, first: date) -> list[Account]:
    """Who may stand in: the staff of her desks and of what is above them, there when she leaves."""
    duties = await accounts.duties(session, account)
    places = {desk.id for _, desk in duties} | {desk.parent_id for _, desk in duties}
    found = await session.scalars(
        select(Account)
        .join(Staff, Staff.account_id == Account.id)
        .where(
            Staff.organisation_id.in_([place for place in places if place is not None]),
            accounts.there(Staff, first),
            Account.id != account.id,
        )
        .order_by(Staff.joined_at)
    )
    return list(dict.fromkeys(found))[:MATES]


async def _go(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    answer: Answer,
    first: date,
    last: date,
    mate: Account | None,
) -> None:
    duties = await accounts.duties(session, account)
    for staff, _ in duties:
        staff.away_from, staff.away_until = first, last
        staff.substitute_id = mate.id if mate is not None else None
        # Numbered by the minute: a leave set anew has a timer of its own, whatever became of the last.
        generation = int(tables.clock.now().timestamp() // 60)
        due = _dawn(max(first, accounts.today(tables) + timedelta(days=1)))
        await arm(session, staff.id, TIMER, due, generation=generation)
    await session.flush()
    names = [desk.name for _, desk in duties]
    back = [[button("staff.button.back", VERB, question="back")]]
    if mate is None:
        await answer(say("leave.set_alone", **_days(first, last)), buttons=back)
    else:
        await answer(say("leave.set", who=mate.name or "", **_days(first, last)), buttons=back)
        await tell(
            session,
            tables,
            mate.address,
            say("leave.told_mate", who=account.name or "", names=names, **_days(first, last)),
        )
    if first <= accounts.today(tables):
        for staff, _ in duties:
            await _begin(session, tables, staff)


async def _begin(session: AsyncSession, tables: Tables, staff: Staff) -> None:
    """Her cases to the substitute; without one, what waits at a desk where nobody is moves on."""
    absent = await session.get_one(Account, staff.account_id)
    mate = await session.get(Account, staff.substitute_id) if staff.substitute_id else None
    if mate is not None:
        for case in await _taken(session, absent, staff):
            if mate.id.hex not in pass_on.withdrew(case):
                await pass_on.give(session, tables, case, absent, mate)
        return
    desk = await session.get_one(Organisation, staff.organisation_id)
    await hand_over.move_on(session, tables, desk, say("leave.reason", name=desk.name), by=absent)


async def _back(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    for staff, _ in await accounts.duties(session, account):
        if staff.away_from is not None:
            await _end(session, tables, staff, tell_her=False)
    await answer(say("leave.over"), buttons=[[button("staff.button.home", "j")]])


async def _end(session: AsyncSession, tables: Tables, staff: Staff, tell_her: bool) -> None:
    """She is there again: what was hers and is still open comes back."""
    absent = await session.get_one(Account, staff.account_id)
    mate = await session.get(Account, staff.substitute_id) if staff.substitute_id else None
    staff.away_from = staff.away_until = staff.substitute_id = None
    await session.flush()
    if mate is not None:
        for case in await _taken(session, mate, staff):
            passes = [event for event in case.events if event.action is Action.PASS]
            if passes and (passes[-1].details or {}).get("from") == absent.id.hex:
                await pass_on.give(session, tables, case, mate, absent)
        await tell(session, tables, mate.address, say("leave.told_over", who=absent.name or ""))
    if tell_her:
        await tell(session, tables, absent.address, say("leave.over"))


async def _taken(session: AsyncSession, account: Account, staff: Staff) -> list[Case]:
    found = await session.scalars(
        select(Case).where(
            Case.taker_id == account.id,
            Case.desk_id == staff.organisation_id,
            Case.status.in_(TAKEN),
        )
    )
    return list(found)


def _days(first: date, last: date) -> dict[str, int]:
    return {"m1": first.month, "d1": first.day, "m2": last.month, "d2": last.day}
