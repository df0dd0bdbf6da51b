"""A risk alert (风险提醒) from a burst: numbers and a card, to subscribers of that street, after a second person's
yes. It is a notice like any other (:mod:`bot.services.outreach`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures import rules
from bot.figures.hot import rounded
from bot.law import lessons
from bot.ports import Button, Press
from bot.services.outreach import approve_notice, notice_board, readers, second_person
from bot.services.sending import Answer, button, day_words, tell
from bot.services.tables import Tables
from bot.services.warning import area, counting
from bot.services.warning.watch_bursts import ALERT, may_alert
from bot.texts.catalogue import Say, say
from models.outreach import Notice, NoticeState
from models.party import Account
from models.warning import Burst

VERB = ALERT
ENDED = frozenset({NoticeState.REFUSED, NoticeState.DROPPED})


async def pressed(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    answer: Answer,
    press: Press,
    *,
    private: bool = True,
) -> Say | None:
    """``look`` at the alert as readers get it; ``send`` it to the second person, in private only. A group's button
    shows it to whoever pressed, in private."""
    burst = await _burst(session, press.value)
    mine = await area.of(session, tables, account)
    if burst is None:
        return say("toast.stale")
    if mine is None or not mine.sees(burst.street_code):
        return say("toast.not_staff")
    if not may_alert(burst):
        return say("alert.too_few", k=rules.load().hot.k)
    notice = await session.get(Notice, burst.notice_id) if burst.notice_id else None
    if notice is not None and notice.state not in ENDED:
        return say("alert.already")
    if press.question == "send" and private:
        return await _send(session, tables, burst, account, answer)
    await _look(session, tables, burst, account)
    return None if private else say("alert.toast_private")


def _notice(tables: Tables, burst: Burst, names: Mapping[str, str], account: Account) -> Notice:
    """The alert as a draft for the subscribers of its street."""
    return Notice(
        author_id=account.id,
        body=body(tables, burst, names),
        audience=readers.Audience(streets=(burst.street_code,)).to_json(),
        state=NoticeState.DRAFT,
        created_at=tables.clock.now(),
    )


async def _look(session: AsyncSession, tables: Tables, burst: Burst, account: Account) -> None:
    """The alert as readers get it, in the private talk of whoever pressed, and what may be done."""
    names = await counting.streets(session)
    draft = _notice(tables, burst, names, account)
    count = await readers.size(session, readers.Audience.from_json(draft.audience))
    shown = await notice_board.message(session, tables, draft)
    await tell(session, tables, account.address, *shown.parts, buttons=shown.buttons)
    await tell(
        session,
        tables,
        account.address,
        say("alert.check", readers=count),
        buttons=[[_about("send", burst)], [button("warning.button.home", "w")]],
    )


async def _send(
    session: AsyncSession, tables: Tables, burst: Burst, account: Account, answer: Answer
) -> Say:
    draft = _notice(tables, burst, await counting.streets(session), account)
    if not await readers.size(session, readers.Audience.from_json(draft.audience)):
        return say("notice.nobody_toast")
    if not account.is_admin and not await second_person.others_of(session, account):
        return say("alert.nobody_to_ask")
    session.add(draft)
    await session.flush()
    burst.notice_id = draft.id
    return await approve_notice.ask(session, tables, draft, account, answer)


def body(tables: Tables, burst: Burst, names: Mapping[str, str]) -> str:
    """The text of the alert: where, what, since when, at least how many, and the card that fits."""
    card = next(iter(lessons.load().fitting(burst.object)), None)
    plain = tables.texts.plain
    told = plain(
        say(
            "alert.body",
            place=counting.place(names, burst.street_code),
            object=say(f"object.{burst.object}"),
            since=day_words(burst.since),
            until=day_words(burst.until),
            people=rounded(burst.people, rules.load().hot.k),
        )
    )
    if card is None:
        return told
    return f"{told}\n\n{plain(say('alert.card', title=card.title, text=card.text, now=card.now))}"


def _about(act: str, burst: Burst) -> Button:
    return button(f"alert.button.{act}", VERB, question=act, value=burst.id.hex)


async def _burst(session: AsyncSession, value: str) -> Burst | None:
    try:
        return await session.get(Burst, uuid.UUID(hex=value))
    except ValueError:
        return None
