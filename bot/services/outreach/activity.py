"""Events (活动) as who holds them sees them: a lecture or a fair is planned, announced, kept and counted.

Admins hold them for the bureau, staff for their own desk; the right is looked up at every button.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.moments import parse_moment
from bot.interview.asides import control
from bot.ports import Button, Press
from bot.services import accounts
from bot.services.network.bind_desk import by_serial
from bot.services.outreach import announce, attendance, when
from bot.services.outreach.attendance import VERB
from bot.services.sending import Answer, Rows, button, let_go, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import new_token
from models.network import Level, Organisation
from models.outreach import Activity, ActivityState, SignUp, SignUpState
from models.party import Account

STEPS = ("title", "place", "starts", "places")
LISTED = 8


async def home(session: AsyncSession, account: Account, answer: Answer) -> None:
    """The events of one's own desks, the next first, and the way to a new one."""
    account.awaiting = None
    desks = await _desks(session, account)
    if not desks:
        await answer(
            say("activity.not_staff"), buttons=[[button("button.menu", "go", value="menu")]]
        )
        return
    found = await session.scalars(
        select(Activity)
        .where(*(() if account.is_admin else (Activity.desk_id.in_([d.id for d in desks]),)))
        .order_by(Activity.starts_at.desc())
        .limit(LISTED)
    )
    rows = [
        [
            button(
                say("activity.listed", when=when.moment(one.starts_at), title=one.title),
                VERB,
                question="open",
                value=one.id.hex,
            )
        ]
        for one in found
    ]
    await answer(
        say("activity.home") if rows else say("activity.home_none"),
        buttons=[
            *(
                [
                    button(
                        say("activity.button.new_at", name=desk.name),
                        VERB,
                        question="new",
                        value=str(desk.serial),
                    )
                ]
                for desk in desks
            ),
            *rows,
            [
                button("admin.button.menu", "m", value="menu")
                if account.is_admin
                else button("staff.button.home", "j")
            ],
        ],
    )


async def _desks(session: AsyncSession, account: Account) -> list[Organisation]:
    """Those for which the account may hold an event: its own, and an admin's the bureau's."""
    own = [desk for _, desk in await accounts.duties(session, account)]
    if account.is_admin and not any(desk.level is Level.BUREAU for desk in own):
        bureau = await session.scalars(
            select(Organisation)
            .where(Organisation.level == Level.BUREAU)
            .order_by(Organisation.serial)
        )
        own += bureau.all()[:1]
    return own


async def may(session: AsyncSession, tables: Tables, account: Account, desk: Organisation) -> bool:
    """Whether the account may hold this desk's events."""
    return account.is_admin or await accounts.may_act(session, tables, account, desk)


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """A button of whoever holds an event."""
    account.awaiting = None
    act = press.question
    if act == "new":
        desk = await by_serial(session, press.value)
        if desk is None or not await may(session, tables, account, desk):
            return say("toast.not_yours_to_manage")
        account.awaiting = {"verb": VERB, "step": "title", "desk": desk.id.hex}
        await _ask(tables, answer, "title")
        return None
    if not press.value:
        await home(session, account, answer)
        return None
    if act == "send":
        return await announce.pressed(session, tables, account, answer, press)
    activity = await find(
        session, press.value if act != "came" else await attendance.whose(session, press)
    )
    if activity is None:
        return say("activity.gone")
    desk = await session.get_one(Organisation, activity.desk_id)
    if not await may(session, tables, account, desk):
        return say("toast.not_yours_to_manage")
    if act in ("list", "came", "code", "count"):
        return await attendance.pressed(session, tables, activity, account, answer, press)
    if act != "open" and activity.state is not ActivityState.OPEN:
        return say(f"activity.state.{activity.state}")
    match act:
        case "announce":
            return await announce.begin(session, tables, activity, desk, account, answer)
        case "place" | "starts":
            account.awaiting = {"verb": VERB, "step": act, "activity": activity.id.hex}
            await _ask(tables, answer, act, activity)
        case "cancel":
            await answer(
                say("activity.cancel_sure", title=activity.title),
                buttons=[
                    [
                        _act(activity, "cancel_yes"),
                        button(
                            "activity.button.keep", VERB, question="open", value=activity.id.hex
                        ),
                    ]
                ],
            )
        case "cancel_yes":
            await _cancel(session, tables, activity, answer)
        case "held":
            return await attendance.close(session, tables, activity, answer)
        case _:
            await show(session, activity, answer, account)
    return None


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """A step of a new event, or a new place or time of one; or how many came whom nobody had on a list."""
    waiting = dict(account.awaiting or {})
    step = str(waiting.get("step"))
    activity = await find(session, str(waiting["activity"])) if "activity" in waiting else None
    if control(text) in ("cancel", "back"):
        account.awaiting = None
        if activity is not None:
            await show(session, activity, answer, account)
        else:
            await home(session, account, answer)
        return
    if activity is not None and step == "count":
        await attendance.counted(session, activity, account, answer, text)
        return
    value = _read(tables, step, text)
    if isinstance(value, Say):
        await answer(value, buttons=[[button("activity.button.home", VERB)]])
        return
    if activity is not None:
        account.awaiting = None
        await _change(session, tables, activity, answer, account, value)
        return
    waiting[step] = value.isoformat() if isinstance(value, datetime) else value
    later = STEPS[STEPS.index(step) + 1 :] if step in STEPS else ()
    if later:
        account.awaiting = {**waiting, "step": later[0]}
        await _ask(tables, answer, later[0])
        return
    account.awaiting = None
    await _make(session, tables, waiting, account, answer)


async def find(session: AsyncSession, value: str) -> Activity | None:
    """The event of a button; None when there is none."""
    try:
        return await session.get(Activity, uuid.UUID(hex=value), with_for_update=True)
    except ValueError:
        return None


async def _ask(tables: Tables, answer: Answer, step: str, activity: Activity | None = None) -> None:
    back = (
        button("activity.button.keep", VERB, question="open", value=activity.id.hex)
        if activity is not None
        else button("activity.button.home", VERB)
    )
    policy = tables.policy
    most = {
        "title": policy.activity_title_characters,
        "place": policy.activity_place_characters,
        "places": policy.activity_places,
    }
    await answer(say(f"activity.ask.{step}", most=most.get(step, 0)), buttons=[[back]])


def _read(tables: Tables, step: str, text: str) -> str | int | datetime | Say:
    """The value of a step; a Say is what is wrong with it."""
    policy = tables.policy
    said = " ".join(text.split())
    if step == "starts":
        return parse_moment(said, tables.clock.now()) or say("schedule.wrong")
    if step == "places":
        right = said.isdecimal() and len(said) < 6 and 0 < int(said) <= policy.activity_places
        return int(said) if right else say("activity.wrong_places", most=policy.activity_places)
    most = policy.activity_title_characters if step == "title" else policy.activity_place_characters
    if not said or len(said) > most:
        return say("activity.wrong_text", count=len(said), most=most)
    return said


async def _make(
    session: AsyncSession,
    tables: Tables,
    said: Mapping[str, Any],
    account: Account,
    answer: Answer,
) -> None:
    desk = await session.get(Organisation, uuid.UUID(hex=said["desk"]))
    starts = datetime.fromisoformat(said["starts"])
    if (
        desk is None
        or not await may(session, tables, account, desk)
        or starts <= tables.clock.now()
    ):
        await answer(say("activity.too_late"), buttons=[[button("activity.button.home", VERB)]])
        return
    activity = Activity(
        desk_id=desk.id,
        by_id=account.id,
        title=said["title"],
        place=said["place"],
        starts_at=starts,
        places=said["places"],
        state=ActivityState.OPEN,
        code=new_token(),
        made_at=tables.clock.now(),
    )
    session.add(activity)
    await session.flush()
    await attendance.plan(session, tables, activity)
    await answer(say("activity.made"))
    await show(session, activity, answer, account)


async def show(session: AsyncSession, activity: Activity, answer: Answer, account: Account) -> None:
    """Its card for whoever holds it."""
    slot = f"activity:{activity.id}"
    await let_go(session, account.address, slot)
    going, waiting = await numbers(session, activity)
    desk = await session.get_one(Organisation, activity.desk_id)
    await answer(
        facts(activity, desk),
        say(
            "activity.numbers",
            state=say(f"activity.state.{activity.state}"),
            going=going,
            places=activity.places,
            waiting=waiting,
            came=activity.came,
            others=activity.walk_ins,
        ),
        buttons=_rows(activity),
        slot=slot,
    )


def facts(activity: Activity, desk: Organisation) -> Say:
    """What, when, where and who holds it."""
    return say(
        "activity.facts",
        title=activity.title,
        when=when.moment(activity.starts_at),
        place=activity.place,
        desk=desk.name,
    )


async def numbers(session: AsyncSession, activity: Activity) -> tuple[int, int]:
    """How many are going, how many wait for a place."""
    rows = await session.execute(
        select(SignUp.state, func.count())
        .where(SignUp.activity_id == activity.id)
        .group_by(SignUp.state)
    )
    counts = dict(rows.all())
    return counts.get(SignUpState.GOING, 0), counts.get(SignUpState.WAITING, 0)


def _rows(activity: Activity) -> Rows:
    acts: Sequence[Sequence[str]] = (("list",),)
    if activity.state is ActivityState.OPEN:
        acts = (
            ("announce",),
            ("list", "code"),
            ("count", "held"),
            ("starts", "place"),
            ("cancel",),
        )
    return [
        *[[_act(activity, act) for act in row] for row in acts],
        [button("activity.button.home", VERB)],
    ]


def _act(activity: Activity, act: str) -> Button:
    return button(f"activity.button.{act}", VERB, question=act, value=activity.id.hex)


async def _change(
    session: AsyncSession,
    tables: Tables,
    activity: Activity,
    answer: Answer,
    account: Account,
    value: str | int | datetime,
) -> None:
    """Another time or place; whoever signed up is told."""
    desk = await session.get_one(Organisation, activity.desk_id)
    if activity.state is not ActivityState.OPEN or not await may(session, tables, account, desk):
        await answer(say(f"activity.state.{activity.state}"))
        return
    if isinstance(value, datetime):
        activity.starts_at = value
    else:
        activity.place = str(value)
    await session.flush()
    await attendance.plan(session, tables, activity)
    for address in await people(session, activity):
        await tell(
            session,
            tables,
            address,
            say("activity.changed"),
            facts(activity, desk),
            buttons=[[attendance.leave(activity)]],
        )
    await show(session, activity, answer, account)


async def _cancel(
    session: AsyncSession, tables: Tables, activity: Activity, answer: Answer
) -> None:
    activity.state = ActivityState.CANCELLED
    told = await people(session, activity)
    for address in told:
        await tell(
            session,
            tables,
            address,
            say("activity.called_off", title=activity.title, when=when.moment(activity.starts_at)),
        )
    await answer(
        say("activity.cancelled", title=activity.title, count=len(told)),
        buttons=[[button("activity.button.home", VERB)]],
    )


async def people(session: AsyncSession, activity: Activity, *states: SignUpState) -> Sequence[str]:
    """The addresses of those on its list, in the order in which they came to it."""
    wanted = states or (SignUpState.GOING, SignUpState.WAITING)
    found = await session.scalars(
        select(Account.address)
        .join(SignUp, SignUp.account_id == Account.id)
        .where(SignUp.activity_id == activity.id, SignUp.state.in_(wanted))
        .order_by(SignUp.at)
    )
    return found.all()
