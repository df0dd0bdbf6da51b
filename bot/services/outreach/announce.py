"""An event's notice (活动通知): with a button to sign up, to the subscribers of its street.

An admin edits it like any notice; what staff announce is as they see it here, and waits for an admin.
"""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.outreach import approve_notice, choose_readers, compose, notice_board, when
from bot.services.outreach.attendance import VERB
from bot.services.outreach.readers import Audience, size
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from bot.texts.marked import Marked
from models.network import Organisation
from models.outreach import Activity, Notice, NoticeState
from models.party import Account

GONE = (NoticeState.DROPPED, NoticeState.REFUSED, NoticeState.DRAFT)
"""After these an event may be announced once more."""


async def begin(
    session: AsyncSession,
    tables: Tables,
    activity: Activity,
    desk: Organisation,
    account: Account,
    answer: Answer,
) -> Say | None:
    """A draft from what is known of the event."""
    before = await session.scalar(
        select(Notice.state)
        .where(Notice.activity_id == activity.id, Notice.state.not_in(GONE))
        .limit(1)
    )
    if before is not None:
        return say(f"notice.state.{before}")
    street = tables.register.street_of(desk.code)
    audience = Audience(streets=(street.code,) if street is not None else ())
    text = tables.texts.plain(
        say(
            "activity.notice",
            title=activity.title,
            when=when.moment(activity.starts_at),
            place=activity.place,
            desk=desk.name,
            places=activity.places,
        )
    )
    notice = await compose.draft(
        session,
        tables,
        account,
        Marked(text),
        activity_id=activity.id,
        audience=audience.to_json(),
    )
    if account.is_admin:
        await compose.show(session, tables, notice, answer)
        return None
    shown = await notice_board.message(session, tables, notice)
    await answer(*shown.parts, buttons=shown.buttons)
    readers = await size(session, audience)
    await answer(
        say("activity.to_admins"),
        say(
            "notice.plan",
            who=choose_readers.words(tables, audience),
            readers=readers,
            when=when.words(tables, notice),
        ),
        *([] if readers else [say("notice.nobody")]),
        buttons=[
            *(
                [[button("activity.button.send", VERB, question="send", value=notice.id.hex)]]
                if readers
                else []
            ),
            [button("activity.button.open", VERB, question="open", value=activity.id.hex)],
        ],
        slot=notice_board.slot(notice.id),
    )
    return None


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """``send`` asks the admins; only its author's."""
    try:
        notice = await session.get(Notice, uuid.UUID(hex=press.value))
    except ValueError:
        notice = None
    if notice is None or notice.author_id != account.id:
        return say("notice.gone")
    return await approve_notice.ask(session, tables, notice, account, answer)
