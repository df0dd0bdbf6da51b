"""Who came to an event (签到): its list, its code at the venue, those nobody had on a list; reminder and end."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Press
from bot.services.outreach import nights, when
from bot.services.outreach.notice_board import JOIN_VERB
from bot.services.queue.timers import arm
from bot.services.sending import Answer, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.books import WorkEntry, WorkKind
from models.delivery import Timer, TimerState
from models.network import Organisation
from models.outreach import Activity, ActivityState, SignUp, SignUpState
from models.party import Account

VERB = "uo"
START = "ev_"
"""What the payload of the link at the venue begins with."""

REMIND, OVER, FORGET = "activity_remind", "activity_over", "activity_forget"
"""Kinds of timers: the day before; some hours after its beginning; when the names on its list are erased."""

PER_PAGE = 20
MOST = 100_000
OPENS = timedelta(hours=2)
"""How long before the beginning the code works."""


async def plan(session: AsyncSession, tables: Tables, activity: Activity) -> None:
    """Arm the reminder and the end; at another time they are other timers, and the older ones mean nothing."""
    policy = tables.policy
    generation = int(activity.starts_at.timestamp() // 60)
    remind = activity.starts_at - timedelta(hours=policy.activity_reminder_hours)
    if remind > tables.clock.now():
        await arm(session, activity.id, REMIND, nights.wakes(policy, remind), generation=generation)
    over = activity.starts_at + timedelta(hours=policy.activity_code_hours)
    await arm(session, activity.id, OVER, over, generation=generation)
    gone = activity.starts_at + timedelta(days=policy.activity_list_days)
    await arm(session, activity.id, FORGET, gone, generation=generation)


async def remind(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: tomorrow it is; whoever wants no reminders gets none."""
    activity = await session.get(Activity, timer.about_id)
    if activity is None or _other(activity, timer):
        return TimerState.CANCELLED
    desk = await session.get_one(Organisation, activity.desk_id)
    found = await session.scalars(
        select(Account.address)
        .join(SignUp, SignUp.account_id == Account.id)
        .where(
            SignUp.activity_id == activity.id,
            SignUp.state == SignUpState.GOING,
            Account.reminders,
            Account.blocked.is_(False),
        )
    )
    for address in found.all():
        await tell(
            session,
            tables,
            address,
            say(
                "activity.remind",
                title=activity.title,
                when=when.moment(activity.starts_at),
                place=activity.place,
                desk=desk.name,
            ),
            buttons=[[leave(activity)]],
        )
    return TimerState.FIRED


async def over(session: AsyncSession, tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: it is past; who holds it hears the numbers and can still say how many more there were."""
    activity = await session.get(Activity, timer.about_id, with_for_update=True)
    if activity is None or _other(activity, timer):
        return TimerState.CANCELLED
    activity.state = ActivityState.HELD
    await _book(session, activity)
    holder = await session.get_one(Account, activity.by_id)
    await tell(
        session, tables, holder.address, _held(activity), buttons=[[_act(activity, "count")]]
    )
    return TimerState.FIRED


async def forget(session: AsyncSession, _tables: Tables, timer: Timer) -> datetime | TimerState:
    """A timer: who came is of no more use, how many is."""
    await session.execute(delete(SignUp).where(SignUp.activity_id == timer.about_id))
    return TimerState.FIRED


def _other(activity: Activity, timer: Timer) -> bool:
    """Whether the event is no longer on, or at another time."""
    planned = int(activity.starts_at.timestamp() // 60)
    return activity.state is not ActivityState.OPEN or planned != timer.generation


def _held(activity: Activity) -> Say:
    return say("activity.held", title=activity.title, came=activity.came, others=activity.walk_ins)


async def pressed(
    session: AsyncSession,
    tables: Tables,
    activity: Activity,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """``list`` with a tick for each who came, ``came`` a tick, ``code`` the link at the venue, ``count`` the others."""
    match press.question:
        case "code":
            await answer(
                say(
                    "activity.code",
                    title=activity.title,
                    link=tables.link(START + activity.code),
                    hours=tables.policy.activity_code_hours,
                ),
                buttons=[[_act(activity, "open")]],
            )
        case "count":
            if activity.state is ActivityState.CANCELLED:
                return say("activity.state.cancelled")
            account.awaiting = {"verb": VERB, "step": "count", "activity": activity.id.hex}
            await answer(say("activity.ask.count"), buttons=[[_act(activity, "open")]])
        case "came":
            if activity.state is ActivityState.CANCELLED:
                return say("activity.state.cancelled")
            row = await session.get(SignUp, uuid.UUID(hex=press.value))
            noted = row is not None and await came(session, tables, activity, row)
            await _list(session, activity, answer, press.version)
            return say("activity.toast.came") if noted else say("activity.toast.came_already")
        case _:
            await _list(session, activity, answer, press.version)
    return None


async def whose(session: AsyncSession, press: Press) -> str:
    """The event of a tick; '' when there is none."""
    try:
        row = await session.get(SignUp, uuid.UUID(hex=press.value))
    except ValueError:
        return ""
    return row.activity_id.hex if row is not None else ""


async def came(session: AsyncSession, tables: Tables, activity: Activity, row: SignUp) -> bool:
    """Note that somebody came, once; whether this was that once."""
    noted = await session.scalar(
        update(SignUp)
        .where(SignUp.id == row.id, SignUp.came_at.is_(None))
        .values(came_at=tables.clock.now())
        .returning(SignUp.id)
        .execution_options(synchronize_session="fetch")
    )
    if noted is None:
        return False
    activity.came += 1
    await _book(session, activity)
    return True


async def _list(session: AsyncSession, activity: Activity, answer: Answer, page: int) -> None:
    found = await session.execute(
        select(SignUp, Account)
        .join(Account, Account.id == SignUp.account_id)
        .where(SignUp.activity_id == activity.id, SignUp.state != SignUpState.LEFT)
        .order_by(SignUp.state, SignUp.at)
        .offset(page * PER_PAGE)
        .limit(PER_PAGE + 1)
    )
    rows = found.all()
    options = []
    for row, person in rows[:PER_PAGE]:
        kind = "waits" if row.state is SignUpState.WAITING else "came" if row.came_at else "goes"
        name = person.name or say("notice.somebody")
        options.append(
            button(
                say(f"activity.person.{kind}", who=name),
                VERB,
                question="came",
                value=row.id.hex,
                version=page,
            )
        )
    turns = [
        button(key, VERB, question="list", value=activity.id.hex, version=to)
        for key, to, there in (
            ("bind.button.back", page - 1, page > 0),
            ("bind.button.more", page + 1, len(rows) > PER_PAGE),
        )
        if there
    ]
    await answer(
        say("activity.list", title=activity.title) if rows else say("activity.list_none"),
        buttons=[
            *([option] for option in options),
            *([turns] if turns else []),
            [_act(activity, "open")],
        ],
        slot=f"activity_list:{activity.id}",
    )


async def counted(
    session: AsyncSession,
    activity: Activity,
    account: Account,
    answer: Answer,
    text: str,
) -> None:
    """How many came besides those on the list."""
    said = text.strip()
    if not said.isdecimal() or int(said[:9]) > MOST:
        await answer(say("activity.wrong_count"), buttons=[[_act(activity, "open")]])
        return
    account.awaiting = None
    activity.walk_ins = int(said)
    await _book(session, activity)
    await answer(_held(activity), buttons=[[_act(activity, "open")]])


async def close(
    session: AsyncSession, tables: Tables, activity: Activity, answer: Answer
) -> Say | None:
    """It is over, and its numbers count."""
    if activity.starts_at > tables.clock.now():
        return say("activity.not_begun")
    activity.state = ActivityState.HELD
    await _book(session, activity)
    await answer(_held(activity), buttons=[[_act(activity, "open")]])
    return None


async def arrive(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, code: str
) -> None:
    """Somebody opened the link at the venue."""
    activity = await session.scalar(select(Activity).where(Activity.code == code).with_for_update())
    if activity is None:
        await answer(say("activity.gone"), buttons=[[button("button.menu", "go", value="menu")]])
        return
    now = tables.clock.now()
    until = activity.starts_at + timedelta(hours=tables.policy.activity_code_hours)
    if activity.state is ActivityState.CANCELLED or not activity.starts_at - OPENS <= now <= until:
        await answer(
            say("activity.not_now", title=activity.title, when=when.moment(activity.starts_at))
        )
        return
    row = await mine(session, activity, account)
    if row is None:
        row = SignUp(
            activity_id=activity.id, account_id=account.id, state=SignUpState.GOING, at=now
        )
        session.add(row)
        await session.flush()
    row.state = SignUpState.GOING
    noted = await came(session, tables, activity, row)
    await answer(
        say("activity.welcome" if noted else "activity.welcome_again", title=activity.title)
    )


async def mine(session: AsyncSession, activity: Activity, account: Account) -> SignUp | None:
    """The account's name on the list, if it ever was there."""
    found: SignUp | None = await session.scalar(
        select(SignUp).where(SignUp.activity_id == activity.id, SignUp.account_id == account.id)
    )
    return found


async def _book(session: AsyncSession, activity: Activity) -> None:
    """What is over is a line of its desk's work ledger, which nobody types: how many came, on which day."""
    if activity.state is not ActivityState.HELD:
        await session.flush()
        return
    row = await session.get(WorkEntry, activity.id)
    if row is None:
        row = WorkEntry(
            id=activity.id,
            desk_id=activity.desk_id,
            by_id=activity.by_id,
            kind=WorkKind.LECTURE,
            day=activity.starts_at.astimezone(SHANGHAI).date(),
            made_at=activity.starts_at,
        )
        session.add(row)
    row.count = activity.came + activity.walk_ins
    await session.flush()


def leave(activity: Activity) -> Button:
    """A reader's way off the list."""
    return button("activity.button.leave", JOIN_VERB, question="leave", value=activity.id.hex)


def _act(activity: Activity, act: str) -> Button:
    return button(f"activity.button.{act}", VERB, question=act, value=activity.id.hex)
