"""Sign up for an event (报名): a place, or the waiting list; leave it, and who waits longest moves up."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.outreach import attendance
from bot.services.outreach.activity import facts, numbers
from bot.services.outreach.notice_board import JOIN_VERB
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.network import Organisation
from models.outreach import Activity, ActivityState, SignUp, SignUpState
from models.party import Account


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """``join`` and ``leave``; a second tap finds it done."""
    try:
        key = uuid.UUID(hex=press.value)
    except ValueError:
        return say("activity.gone")
    # Locked, so that of two who want the last place one waits.
    activity = await session.get(Activity, key, with_for_update=True)
    if activity is None:
        return say("activity.gone")
    if press.question == "leave":
        return await _leave(session, tables, activity, account, answer)
    return await _join(session, tables, activity, account, answer)


async def _join(
    session: AsyncSession, tables: Tables, activity: Activity, account: Account, answer: Answer
) -> Say:
    if activity.state is not ActivityState.OPEN:
        return say(f"activity.state.{activity.state}")
    now = tables.clock.now()
    if activity.starts_at <= now:
        return say("activity.begun")
    row = await attendance.mine(session, activity, account)
    if row is not None and row.state is not SignUpState.LEFT:
        return say(f"activity.toast.already_{row.state}")
    going, waiting = await numbers(session, activity)
    state = SignUpState.GOING if going < activity.places else SignUpState.WAITING
    if row is None:
        row = SignUp(activity_id=activity.id, account_id=account.id)
        session.add(row)
    row.state, row.at = state, now
    desk = await session.get_one(Organisation, activity.desk_id)
    await answer(
        say("activity.going")
        if state is SignUpState.GOING
        else say("activity.waiting", ahead=waiting),
        facts(activity, desk),
        say("activity.seen_by"),
        buttons=[[attendance.leave(activity)]],
        slot=_slot(activity),
    )
    return say(f"activity.toast.{state}")


async def _leave(
    session: AsyncSession, tables: Tables, activity: Activity, account: Account, answer: Answer
) -> Say:
    row = await attendance.mine(session, activity, account)
    if row is None or row.state is SignUpState.LEFT:
        return say("activity.toast.not_on_list")
    had_place = row.state is SignUpState.GOING
    row.state = SignUpState.LEFT
    await session.flush()
    on = activity.state is ActivityState.OPEN and activity.starts_at > tables.clock.now()
    again = button("activity.button.join", JOIN_VERB, question="join", value=activity.id.hex)
    await answer(
        say("activity.left", title=activity.title),
        buttons=[[again]] if on else (),
        slot=_slot(activity),
    )
    if had_place and on:
        await _move_up(session, tables, activity)
    return say("activity.toast.left")


async def _move_up(session: AsyncSession, tables: Tables, activity: Activity) -> None:
    """A place is free: it goes to who has waited longest."""
    going, _ = await numbers(session, activity)
    if going >= activity.places:
        return
    row = await session.scalar(
        select(SignUp)
        .where(SignUp.activity_id == activity.id, SignUp.state == SignUpState.WAITING)
        .order_by(SignUp.at, SignUp.id)
        .limit(1)
    )
    if row is None:
        return
    row.state = SignUpState.GOING
    person = await session.get_one(Account, row.account_id)
    desk = await session.get_one(Organisation, activity.desk_id)
    await tell(
        session,
        tables,
        person.address,
        say("activity.moved_up"),
        facts(activity, desk),
        buttons=[[attendance.leave(activity)]],
    )


def _slot(activity: Activity) -> str:
    return f"sign_up:{activity.id}"
