"""What must hold after any number of kills, by the rows and by what the phones show."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from bot.adapters.database import Database
from bot.sandbox.world import World
from models.case import Case
from models.delivery import Inbox, InboxState, Outbox, OutboxState, Priority
from models.lifecycle import Action
from models.network import Organisation
from models.party import Account
from tests.torture.people import Consumer
from tests.torture.process import BotProcess


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to; ``doubled`` messages were shown twice because a kill hid their arrival."""

    updates: int
    messages: int
    doubled: int
    cards: int
    cards_doubled: int


async def settled(bot: BotProcess, world: World, consumers: Sequence[Consumer]) -> Figures:
    """Waits until nothing is left to do, then asserts that nothing was lost."""
    async with bot.opened() as db:
        async with asyncio.timeout(60):
            while not await quiet(db):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        figures = await nothing_lost(db, world, consumers)
    assert "Traceback" not in bot.printed()
    return figures


async def quiet(db: Database) -> bool:
    """Whether nothing is left to handle or to send."""
    async with db.read() as session:
        left = await session.scalar(
            select(Inbox.id).where(Inbox.state.in_((InboxState.OPEN, InboxState.LEASED))).limit(1)
        )
        owed = await session.scalar(
            select(Outbox.id)
            .where(Outbox.state.in_((OutboxState.DUE, OutboxState.LEASED)))
            .limit(1)
        )
    return left is None and owed is None


async def nothing_lost(db: Database, world: World, consumers: Sequence[Consumer]) -> Figures:
    """Asserts it of every consumer's words, case, hand-over and last answer."""
    async with db.read() as session:
        inbox = list(await session.scalars(select(Inbox)))
        outbox = list(await session.scalars(select(Outbox)))
        cases = list(await session.scalars(select(Case).order_by(Case.number)))
        accounts = {row.id: row.address for row in await session.scalars(select(Account))}
        desks = {row.id: row for row in await session.scalars(select(Organisation))}

    assert Counter(row.state for row in inbox) == {InboxState.DONE: sum(c.acts for c in consumers)}
    assert Counter(row.state for row in outbox) == {OutboxState.SENT: len(outbox)}
    assert not world.pending(), "every update was fetched and confirmed"

    numbers = [case.number or "" for case in cases]
    assert len(cases) == len(consumers), "three taps on submit file one case"
    days = Counter(number.rpartition("-")[0] for number in numbers)
    wanted = [
        f"{day}-{at:04d}" for day, count in sorted(days.items()) for at in range(1, count + 1)
    ]
    assert numbers == wanted, "numbers without gap and without double"
    by_address = {accounts[case.account_id]: case for case in cases}
    for consumer in consumers:
        case = by_address[f"tg:{consumer.person.id}"]
        _each_word_once(consumer, case)
        assert [event.action for event in case.events] == [Action.FILE, Action.HAND_OVER]
        desk = desks[case.desk_id] if case.desk_id else None
        assert desk is not None
        assert desk.chat is not None
        assert _shown(world, int(desk.chat.removeprefix("tg:")), case.number or "") >= 1
        _last_words_answered(consumer, inbox, outbox)

    shown = sum(post.out for posts in world.posts.values() for post in posts.values())
    made = sum(len(row.message_ids or ()) for row in outbox)
    hand_overs = [row for row in outbox if row.priority == Priority.HAND_OVER]
    cards = sum(
        post.out for chat, posts in world.posts.items() if chat < 0 for post in posts.values()
    )
    return Figures(len(inbox), made, shown - made, cards, cards - len(hand_overs))


def _each_word_once(consumer: Consumer, case: Case) -> None:
    answers = case.answers
    said = {key: answers[key]["said"] for key in consumer.typed}
    whole = "\n".join([consumer.typed["extra"], *consumer.lines])
    assert said == consumer.typed | {"extra": whole}, f"consumer {consumer.number}"
    others = [
        key
        for key, record in answers.items()
        if key not in consumer.typed and record["by"] == "person" and record["said"]
    ]
    assert not others, "no answer slipped into another question"


def _shown(world: World, chat: int, number: str) -> int:
    posts = world.posts.get(chat, {}).values()
    return sum(number in post.message.get("text", "") for post in posts if post.out)


def _last_words_answered(
    consumer: Consumer, inbox: Sequence[Inbox], outbox: Sequence[Outbox]
) -> None:
    """Each answer's key begins with the update it answers."""
    last = max(
        (row for row in inbox if row.chat_key.endswith(f"{consumer.person.id}")),
        key=lambda row: row.seq,
    )
    answered = [row for row in outbox if row.dedupe_key.startswith(f"tg:{last.seq}:")]
    assert answered, f"consumer {consumer.number}: nothing answers her last words"
