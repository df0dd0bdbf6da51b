"""Notices (群发通知), where their buttons and lines arrive: written (:mod:`.compose`), looked at by two
(:mod:`.approve_notice`), sent (:mod:`.release`, :mod:`.copies`), paused or stopped, taken back (:mod:`.recall`).
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Incoming, Press
from bot.services.outreach import (
    approve_notice,
    choose_readers,
    compose,
    lesson,
    nights,
    notice_board,
    recall,
    receipts,
    schedule,
)
from bot.services.outreach.states import UNSENT, too_late
from bot.services.privacy import audit
from bot.services.sending import Answer, button, let_go
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.delivery import WAKES
from models.outreach import Notice, NoticeState
from models.party import Account
from models.privacy import Act

RECENT = 8
"""Notices in the list."""

HEAD = 18
"""Characters of a notice on its button."""

Does = Callable[[AsyncSession, Tables, Notice, Account, Answer], Awaitable[Say | None]]


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """A line that was asked for: a part of a draft, its time, a case's number, or why another's notice is refused."""
    waiting = account.awaiting or {}
    step = str(waiting.get("step", "text"))
    notice = await _notice(session, str(waiting.get("notice", "")))
    if step == "case":
        await lesson.typed(session, tables, heard.text, account, answer)
    elif step == "why":
        await approve_notice.reason(session, tables, heard, notice, account, answer)
    elif waiting.get("notice") and (notice is None or notice.state is not NoticeState.DRAFT):
        account.awaiting = None
        gone = say("notice.gone") if notice is None else say(f"notice.state.{notice.state}")
        await answer(say("notice.not_changed", why=gone))
    elif step == "when" and notice is not None:
        await schedule.typed(session, tables, heard, notice, account, answer)
    else:
        await compose.typed(session, tables, heard, notice, account, answer)


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button: about the list or a lesson, or about one notice, which it names."""
    act = press.question
    if act in ("home", "new", "case", "from"):
        account.awaiting = None
        return await _begin(session, tables, press, account, answer)
    notice = await _notice(session, press.value)
    if notice is None:
        return say("notice.gone")
    if (does := _does(act)) is not None:
        return await does(session, tables, notice, account, answer)
    if act == "result" or act in TURNS:
        return await _progress(session, tables, notice, act, account, answer)
    if notice.state is not NoticeState.DRAFT:
        return await too_late(session, tables, notice, answer)
    return await _draft(session, tables, notice, press, account, answer)


async def home(session: AsyncSession, account: Account, answer: Answer) -> None:
    """The notices of late, each with its state, and the ways to a new one."""
    found = await session.scalars(
        select(Notice)
        .where(
            Notice.state != NoticeState.DROPPED,
            or_(Notice.state != NoticeState.DRAFT, Notice.author_id == account.id),
        )
        .order_by(Notice.created_at.desc())
        .limit(RECENT)
    )
    rows = [[_open(notice)] for notice in found]
    await answer(
        say("notice.home") if rows else say("notice.home_none"),
        buttons=[
            [button("notice.button.new", notice_board.VERB, question="new")],
            [button("notice.button.case", notice_board.VERB, question="case")],
            *rows,
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


def _open(notice: Notice) -> Button:
    text = " ".join(notice.body.split())
    head = text if len(text) <= HEAD else f"{text[: HEAD - 1]}…"
    label = say("notice.listed", state=say(f"notice.short.{notice.state}"), head=head)
    return button(label, notice_board.VERB, question="open", value=notice.id.hex)


async def _begin(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    match press.question:
        case "new":
            await compose.begin(session, tables, account, answer)
        case "case":
            await lesson.choose(session, tables, account, answer)
        case "from":
            return await lesson.pressed(session, tables, press.value, account, answer)
        case _:
            await home(session, account, answer)
    return None


async def is_authors(session: AsyncSession, press: Press, account: Account) -> bool:
    """Whether the button is about a notice of the account's own: who wrote an alert need be no admin."""
    if press.verb != notice_board.VERB:
        return False
    notice = await _notice(session, press.value)
    return notice is not None and notice.author_id == account.id


async def _draft(
    session: AsyncSession,
    tables: Tables,
    notice: Notice,
    press: Press,
    account: Account,
    answer: Answer,
) -> Say | None:
    """What changes a notice that nobody has been asked about yet."""
    act = press.question
    account.awaiting = None
    if act in compose.PARTS:
        await compose.ask(tables, notice, account, answer, act)
    elif act in ("no_file", "no_links"):
        await compose.without(session, tables, notice, answer, act.removeprefix("no_"))
    elif act == "edit":
        await compose.show(session, tables, notice, answer)
    elif act == "card":
        parts, rows = await compose.card(session, tables, notice)
        await answer(*parts, buttons=rows, slot=notice_board.slot(notice.id))
    elif act == "test":
        return await compose.try_it(session, tables, notice, account)
    elif act == "drop":
        return await compose.give_up(session, tables, notice, answer)
    elif act.partition(":")[0] in ("when", "at", "repeat", "rp"):
        return await schedule.pressed(session, tables, notice, press, account, answer)
    else:
        await choose_readers.pressed(session, tables, notice, press, answer)
    return None


async def _look(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> None:
    """A notice out of the list: what can be done with it depends on how it stands."""
    state = notice.state
    await let_go(session, account.address, notice_board.slot(notice.id))
    if state is NoticeState.DRAFT:
        await compose.show(session, tables, notice, answer)
    elif state in UNSENT:
        own = notice.author_id == account.id
        acts = {
            NoticeState.WAITING: ("back",) if own else ("yes", "no"),
            NoticeState.SCHEDULED: ("back",),
            NoticeState.REFUSED: ("again",),
        }.get(state, ())
        shown = await notice_board.message(session, tables, notice)
        await answer(*shown.parts, buttons=shown.buttons, media=shown.media, captioned=True)
        await answer(
            say(f"notice.state.{state}"),
            buttons=[
                [notice_board.about(notice.id, act) for act in acts],
                [button("notice.button.home", notice_board.VERB, question="home")],
            ],
            slot=notice_board.slot(notice.id),
        )
    else:
        await notice_board.result(session, tables, notice, answer)


async def _recall(
    _session: AsyncSession, _tables: Tables, notice: Notice, _account: Account, answer: Answer
) -> Say | None:
    if notice.state not in recall.BEFORE:
        return say(f"notice.state.{notice.state}")
    await recall.ask(notice, answer)
    return None


async def _unread(
    session: AsyncSession, tables: Tables, notice: Notice, _account: Account, answer: Answer
) -> None:
    await receipts.unread(session, tables, notice, answer)


async def _once(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> Say:
    """It does not come again."""
    notice.repeat = ""
    await audit.record(
        session, tables.clock.now(), Act.NOTICE, account, f"notice:{notice.id}", what="once"
    )
    await notice_board.result(session, tables, notice, answer)
    return say("notice.toast.once")


def _does(act: str) -> Does | None:
    """What a button does to a notice in whatever state it is; each looks at that itself."""
    does: dict[str, Does] = {
        "send": approve_notice.ask,
        "back": approve_notice.take_back,
        "yes": approve_notice.approve,
        "urgent": approve_notice.urgent,
        "no": approve_notice.refuse,
        "again": compose.again,
        "open": _look,
        "recall": _recall,
        "recall_yes": recall.begin,
        "unread": _unread,
        "once": _once,
    }
    return does.get(act)


TURNS = {
    "pause": ({NoticeState.SENDING, NoticeState.RESTING}, NoticeState.PAUSED),
    "resume": ({NoticeState.PAUSED}, NoticeState.SENDING),
    "stop": ({NoticeState.SENDING, NoticeState.PAUSED, NoticeState.RESTING}, NoticeState.STOPPED),
}
"""From which states a button turns a notice, and to which. The claim reads the state: what is in hand
by then, a third of a second's worth, still goes out."""


async def _progress(
    session: AsyncSession,
    tables: Tables,
    notice: Notice,
    act: str,
    account: Account,
    answer: Answer,
) -> Say:
    if notice.state in UNSENT:
        return say(f"notice.state.{notice.state}")
    if act in TURNS:
        return await _turn(session, tables, notice, act, account, answer)
    await notice_board.result(session, tables, notice, answer)
    return say("notice.refreshed")


async def _turn(
    session: AsyncSession,
    tables: Tables,
    notice: Notice,
    act: str,
    account: Account,
    answer: Answer,
) -> Say:
    now = tables.clock.now()
    before, after = TURNS[act]
    await session.refresh(notice, with_for_update=True)
    if notice.state not in before:
        await notice_board.result(session, tables, notice, answer)
        return say(f"notice.state.{notice.state}")
    notice.state = after
    await audit.record(session, now, Act.NOTICE, account, f"notice:{notice.id}", what=act)
    if after is NoticeState.STOPPED:
        notice.ended_at = now
    if after is NoticeState.SENDING and nights.hold(tables, notice):
        if nights.wakes(tables.policy, now) > now:
            notice.state = NoticeState.RESTING
        else:
            notice.rests_at = nights.rests(tables.policy, now)
    notice.seen = None
    await session.flush()
    if after is NoticeState.SENDING:
        session.info.setdefault(WAKES, set()).add("outbox")
    await notice_board.result(session, tables, notice, answer)
    return say(f"notice.turned.{act}")


async def _notice(session: AsyncSession, value: str) -> Notice | None:
    try:
        return await session.get(Notice, uuid.UUID(hex=value))
    except ValueError:
        return None
