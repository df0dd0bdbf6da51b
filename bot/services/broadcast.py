"""Notices to subscribers (群发通知): write, look, send once, see how it went; subscribe and leave."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Incoming, Message, Press
from bot.services.deliver import owe
from bot.services.sending import Answer, button
from bot.services.tables import SHANGHAI, Tables
from bot.services.trial import operator
from bot.texts.catalogue import Say, say
from models.delivery import Outbox, OutboxState, Priority
from models.outreach import Delivery, Notice, NoticeState
from models.party import Account

VERB = "mn"
LEAVE = "u"
JOIN = "us"

LEFT = "unsubscribed"
"""In ``last_error`` of a notice that was not sent because its reader had left by then."""


async def compose(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """Ask for the notice's text."""
    account.awaiting = {"verb": VERB}
    await answer(
        say("notice.ask", most=tables.policy.notice_characters, readers=await audience(session)),
        buttons=[[_stop()]],
    )


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """The text: shown exactly as readers will get it, or asked for again with what is wrong."""
    most = tables.policy.notice_characters
    body = heard.text.strip()
    wrong = None
    if heard.files or heard.place or heard.contact_phone or heard.extra.get("sticker"):
        wrong = say("notice.not_text")
    elif not body:
        wrong = say("notice.empty")
    elif len(body) > most:
        wrong = say("notice.too_long", count=len(body), most=most)
    if wrong is not None:
        await answer(wrong, buttons=[[_stop()]])
        return
    account.awaiting = None
    notice = Notice(
        author_id=account.id, body=body, state=NoticeState.DRAFT, created_at=tables.clock.now()
    )
    session.add(notice)
    shown = await message(session, tables, body)
    await answer(*shown.parts, buttons=shown.buttons)
    readers = await audience(session)
    if not readers:
        await answer(say("notice.nobody"), buttons=[_draft_row(notice)], slot=_slot(notice.id))
        return
    await answer(
        say("notice.check", readers=readers),
        buttons=[[_about(notice.id, "send")], _draft_row(notice)],
        slot=_slot(notice.id),
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button under a notice: ``send``, ``change``, ``drop`` or ``result``."""
    notice = await _notice(session, press.value)
    if notice is None:
        return say("notice.gone")
    if press.question == "result":
        await _result(session, tables, notice, answer)
        return say("notice.refreshed")
    if press.question == "send":
        return await _send(session, tables, notice, answer)
    if not await _moved(session, notice, NoticeState.DROPPED):
        return await _too_late(session, tables, notice, answer)
    if press.question == "change":
        await answer(say("notice.dropped_to_change"), slot=_slot(notice.id))
        await compose(session, tables, account, answer)
    else:
        await answer(say("notice.dropped"), slot=_slot(notice.id))
    return None


async def subscribe(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
) -> Say:
    """Receive notices from now on; returns the notice shown over a button."""
    answer = Answer(session, tables, heard)
    key = "notice.already_subscribed" if account.subscribed else "notice.subscribed"
    account.subscribed = True
    await answer(say(key), buttons=[[_leave()]])
    return say("notice.toast.subscribed")


async def unsubscribe(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
) -> Say:
    """No more notices, those still queued included; cases go on as they were."""
    answer = Answer(session, tables, heard)
    key = "notice.unsubscribed" if account.subscribed else "notice.not_subscribed"
    account.subscribed = False
    await session.execute(
        update(Outbox)
        .where(
            Outbox.state == OutboxState.DUE,
            Outbox.id.in_(select(Delivery.outbox_id).where(Delivery.account_id == account.id)),
        )
        .values(
            state=OutboxState.DEAD,
            last_error=LEFT,
            payload_sealed=None,
            done_at=tables.clock.now(),
        )
    )
    await answer(say(key), buttons=[[button("notice.button.subscribe", JOIN)]])
    return say("notice.toast.unsubscribed")


async def audience(session: AsyncSession) -> int:
    """How many would get a notice sent now."""
    return (
        await session.scalar(
            select(func.count())
            .select_from(Account)
            .where(Account.subscribed, Account.blocked.is_(False))
        )
    ) or 0


async def message(session: AsyncSession, tables: Tables, body: str) -> Message:
    """A notice as its readers see it: the text, who says so, and the way out."""
    who = await operator(session, tables)
    foot = say("notice.foot_from", operator=who) if who else say("notice.foot")
    return Message((say("notice.head"), say("notice.body", text=body), foot), ((_leave(),),))


async def _send(
    session: AsyncSession, tables: Tables, notice: Notice, answer: Answer
) -> Say | None:
    """Owe one message to every subscriber, once, however often the button is pressed."""
    if not await audience(session):
        return say("notice.nobody_toast")
    if not await _moved(session, notice, NoticeState.SENDING):
        return await _too_late(session, tables, notice, answer)
    now = tables.clock.now()
    notice.sent_at = now
    shown = await message(session, tables, notice.body)
    readers = await session.execute(
        select(Account.id, Account.address)
        .where(Account.subscribed, Account.blocked.is_(False))
        .order_by(Account.id)
    )
    # One flush at the end: each key is new, so no look-up can miss a row not yet written.
    with session.no_autoflush:
        for reader, address in readers.all():
            row = await owe(
                session,
                address,
                shown,
                now=now,
                key=f"notice:{notice.id}:{reader}",
                priority=Priority.NOTICE,
            )
            session.add(Delivery(notice_id=notice.id, account_id=reader, outbox_id=row.id))
    await session.flush()
    await _result(session, tables, notice, answer)
    return say("notice.sending")


async def _result(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> None:
    """How far the notice got, in the place of its last card."""
    rows = await session.execute(
        select(Outbox.state, Outbox.last_error, Account.blocked, func.count())
        .join(Delivery, Delivery.outbox_id == Outbox.id)
        .join(Account, Account.id == Delivery.account_id)
        .where(Delivery.notice_id == notice.id)
        .group_by(Outbox.state, Outbox.last_error, Account.blocked)
    )
    counts: Counter[str] = Counter()
    for state, error, blocked, count in rows.all():
        counts[_outcome(state, error, blocked)] += count
    local = tables.clock.now().astimezone(SHANGHAI)
    await answer(
        say(
            "notice.result",
            lines=[
                say(f"notice.outcome.{outcome}", count=counts[outcome])
                for outcome in ("sent", "waiting", "blocked", "failed", "unknown", "left")
                if counts[outcome] or outcome in ("sent", "waiting", "blocked", "failed")
            ],
            total=counts.total(),
            time=f"{local:%H:%M:%S}",
        ),
        buttons=[[_about(notice.id, "result")]],
        slot=_slot(notice.id),
    )


def _outcome(state: OutboxState, error: str, blocked: bool) -> str:
    match state:
        case OutboxState.SENT:
            return "sent"
        case OutboxState.DUE | OutboxState.LEASED:
            return "waiting"
        case OutboxState.UNKNOWN:
            return "unknown"
        case _ if error == LEFT:
            return "left"
        case _:
            return "blocked" if blocked else "failed"


async def _moved(session: AsyncSession, notice: Notice, to: NoticeState) -> bool:
    """Whether this press took the draft; of two at once, one does."""
    taken = await session.scalar(
        update(Notice)
        .where(Notice.id == notice.id, Notice.state == NoticeState.DRAFT)
        .values(state=to)
        .returning(Notice.id)
    )
    return taken is not None


async def _too_late(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> Say:
    if notice.state is NoticeState.SENDING:
        await _result(session, tables, notice, answer)
        return say("notice.already_sent")
    return say("notice.already_dropped")


async def _notice(session: AsyncSession, value: str) -> Notice | None:
    try:
        return await session.get(Notice, uuid.UUID(hex=value))
    except ValueError:
        return None


def _about(notice: uuid.UUID, act: str) -> Button:
    return button(f"notice.button.{act}", VERB, question=act, value=notice.hex)


def _draft_row(notice: Notice) -> Sequence[Button]:
    return [_about(notice.id, "change"), _about(notice.id, "drop")]


def _leave() -> Button:
    return button("notice.button.leave", LEAVE)


def _stop() -> Button:
    return button("admin.button.stop", "m", value="stop")


def _slot(notice: uuid.UUID) -> str:
    return f"notice:{notice}"
