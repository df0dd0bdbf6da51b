"""Subscribe to notices and leave them (订阅、退订); one's street and topics, and whether own past cases may count."""

from __future__ import annotations

import uuid

from sqlalchemy import exists, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.law import topics
from bot.ports import Button, Incoming, Press
from bot.services.outreach import copies
from bot.services.outreach.notice_board import leave
from bot.services.sending import Answer, button, let_go
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.outreach import Delivery, Notice
from models.party import Account

VERB = "us"
PER_PAGE = 14
NO_STREET = "none"
SLOT = "subscription"


async def subscribe(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account
) -> Say:
    """Receive notices from now on; returns the notice shown over a button."""
    answer = Answer(session, tables, heard)
    answer.short = account.short_lines
    key = "notice.already_subscribed" if account.subscribed else "notice.subscribed"
    account.subscribed = True
    await answer(
        say(key), buttons=[[button("subscribe.button.card", VERB, question="card")], [leave()]]
    )
    return say("notice.toast.subscribed")


async def unsubscribe(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account
) -> Say:
    """No more notices, those still queued included; cases go on as they were. Which notice made her leave
    is counted with it."""
    answer = Answer(session, tables, heard)
    answer.short = account.short_lines
    key = "notice.unsubscribed" if account.subscribed else "notice.not_subscribed"
    if account.subscribed and heard.press is not None and heard.press.value:
        await _because(session, account, heard.press.value)
    account.subscribed = False
    await copies.take_away(session, account, tables.clock.now())
    await answer(say(key), buttons=[[button("notice.button.subscribe", VERB)]])
    return say("notice.toast.unsubscribed")


async def pressed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, press: Press
) -> Say | None:
    """A button of the subscription's card; what it asked for stands in it, so a second tap changes nothing back."""
    answer = Answer(session, tables, heard)
    answer.short = account.short_lines
    act, value = press.question, press.value
    if not act or (act != "card" and not account.subscribed):
        return await subscribe(session, tables, heard, account)
    if act == "card":
        await let_go(session, account.address, SLOT)
    if act == "streets":
        await _streets(tables, account, answer, press.version)
        return None
    if act == "street" and (value == NO_STREET or _named(tables, value)):
        account.street_code = "" if value == NO_STREET else value
    elif act == "topic":
        _turn(account, value)
    elif act == "cases":
        account.by_cases = value == "+"
    await show(tables, account, answer)
    return say("subscribe.toast") if act != "card" else None


async def show(tables: Tables, account: Account, answer: Answer) -> None:
    """How it is set; a tap on a topic takes or leaves it."""
    if not account.subscribed:
        await answer(
            say("notice.not_subscribed"), buttons=[[button("notice.button.subscribe", VERB)]]
        )
        return
    chosen = _chosen(account)
    options = [
        button(
            say(
                "readers.chosen" if topic in chosen else "readers.option",
                name=say(f"topic.{topic}"),
            ),
            VERB,
            question="topic",
            value=f"{'-' if topic in chosen else '+'}{topic}",
        )
        for topic in topics.load()
    ]
    pairs = [options[at : at + 2] for at in range(0, len(options), 2)]
    by_cases = "on" if account.by_cases else "off"
    await answer(
        say(
            "subscribe.card",
            street=_named(tables, account.street_code) or say("subscribe.no_street"),
            cases=say(f"subscribe.cases_{by_cases}"),
        ),
        say("subscribe.topics"),
        buttons=[
            [button("subscribe.button.street", VERB, question="streets")],
            *pairs,
            [
                button(
                    f"subscribe.button.cases_{by_cases}",
                    VERB,
                    question="cases",
                    value="-" if account.by_cases else "+",
                )
            ],
            [leave(), button("button.menu", "go", value="menu")],
        ],
        slot=SLOT,
    )


async def _streets(tables: Tables, account: Account, answer: Answer, page: int) -> None:
    streets = tables.register.streets
    shown = [
        button(
            say(
                "readers.chosen" if desk.code == account.street_code else "readers.option",
                name=desk.name,
            ),
            VERB,
            question="street",
            value=desk.code,
        )
        for desk in streets[page * PER_PAGE : (page + 1) * PER_PAGE]
    ]
    turns: list[Button] = [
        button(key, VERB, question="streets", version=to)
        for key, to in (("bind.button.back", page - 1), ("bind.button.more", page + 1))
        if 0 <= to * PER_PAGE < len(streets)
    ]
    await answer(
        say("subscribe.which_street"),
        buttons=[
            *(shown[at : at + 2] for at in range(0, len(shown), 2)),
            *([turns] if turns else []),
            [button("subscribe.button.no_street", VERB, question="street", value=NO_STREET)],
            [button("subscribe.button.back", VERB, question="card")],
        ],
        slot=SLOT,
    )


def _named(tables: Tables, code: str) -> str:
    return next((desk.name for desk in tables.register.streets if desk.code == code), "")


def _chosen(account: Account) -> tuple[str, ...]:
    return tuple(topic for topic in topics.load() if f",{topic}," in account.topics)


def _turn(account: Account, value: str) -> None:
    topic = value[1:]
    if topic in topics.load():
        chosen = {*_chosen(account)} - {topic} | ({topic} if value.startswith("+") else set())
        kept = [each for each in topics.load() if each in chosen]
        account.topics = f",{','.join(kept)}," if kept else ""


async def _because(session: AsyncSession, account: Account, value: str) -> None:
    try:
        notice = uuid.UUID(hex=value)
    except ValueError:
        return
    got = exists().where(Delivery.notice_id == notice, Delivery.account_id == account.id)
    await session.execute(
        update(Notice)
        .where(Notice.id == notice, got)
        .values(quits=Notice.quits + 1)
        .execution_options(synchronize_session=False)
    )
