"""What must hold after any number of kills, by the rows and by what the phones show."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from bot.adapters.database import Database
from bot.sandbox.world import World
from models.case import Case
from models.delivery import (
    Inbox,
    InboxState,
    Outbox,
    OutboxState,
    Priority,
    Timer,
    TimerState,
)
from models.lifecycle import Action
from models.network import Organisation
from models.outreach import Delivery, Notice, NoticeState
from models.party import Account
from tests.torture.people import Admin, Consumer, Phone
from tests.torture.process import BotProcess

DEFECT = re.compile(r'Traceback \(most recent call last\):\n  File "(?!.*/procrastinate/)')
"""The library prints its own when the server goes away."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run came to; ``doubled`` messages were shown twice because a kill hid their arrival."""

    updates: int
    messages: int
    doubled: int
    cards: int
    cards_doubled: int
    copies: int = 0
    copies_unknown: int = 0


async def settled(
    bot: BotProcess, world: World, consumers: Sequence[Consumer], bureau: Admin | None = None
) -> Figures:
    """Waits until nothing is left to do, then asserts that nothing was lost."""
    async with bot.opened() as db:
        async with asyncio.timeout(120):
            while not await quiet(db):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        figures = await nothing_lost(db, world, consumers, bureau)
    assert not DEFECT.search(bot.printed())
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
        going = await session.scalar(
            select(Notice.id)
            .where(Notice.state.in_((NoticeState.WAITING, NoticeState.SENDING)))
            .limit(1)
        )
    return left is None and owed is None and going is None


async def points(db: Database) -> list[str]:
    """What a process that was killed just now had in hand, or had just committed."""
    async with db.read() as session:
        found = {
            "updates stored": select(Inbox.id).where(Inbox.state == InboxState.OPEN),
            "updates in hand": select(Inbox.id).where(Inbox.state == InboxState.LEASED),
            "answers owed": select(Outbox.id).where(Outbox.state == OutboxState.DUE),
            "answers on their way": select(Outbox.id).where(Outbox.state == OutboxState.LEASED),
            "notices' copies owed": select(Delivery.account_id).where(
                Delivery.state == OutboxState.DUE
            ),
            "notices' copies on their way": select(Delivery.account_id).where(
                Delivery.state == OutboxState.LEASED
            ),
            "timers waiting": select(Timer.id).where(Timer.state == TimerState.WAITING),
            "timers in hand": select(Timer.id).where(
                Timer.state == TimerState.WAITING, Timer.lease_token.is_not(None)
            ),
        }
        return [name for name, rows in found.items() if (await session.scalar(rows.limit(1)))]


async def nothing_lost(
    db: Database, world: World, consumers: Sequence[Consumer], bureau: Admin | None = None
) -> Figures:
    """Asserts it of every consumer's words, case, hand-over and last answer, and of every notice."""
    async with db.read() as session:
        inbox = list(await session.scalars(select(Inbox)))
        outbox = list(await session.scalars(select(Outbox)))
        cases = list(await session.scalars(select(Case).order_by(Case.number)))
        accounts = {row.id: row.address for row in await session.scalars(select(Account))}
        desks = {row.id: row for row in await session.scalars(select(Organisation))}
        copies = list(await session.scalars(select(Delivery)))
        notices = {row.id: row.body for row in await session.scalars(select(Notice))}

    phones: list[Phone] = [*consumers, *([bureau, *bureau.readers] if bureau else [])]
    acts = sum(phone.acts for phone in phones)
    states = Counter(row.state for row in inbox)
    errors = [row.last_error for row in (*inbox, *outbox) if row.last_error]
    assert states == {InboxState.DONE: acts}, f"{states} of {acts} acts: {errors}"
    sent = Counter(row.state for row in outbox)
    assert sent == {OutboxState.SENT: len(outbox)}, f"{sent}: {errors}"
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
    made = len({(row.target, number) for row in outbox for number in row.message_ids or ()})
    shown_copies = _copies_once(bureau, copies, notices, accounts) if bureau else 0
    hand_overs = [row for row in outbox if row.priority == Priority.HAND_OVER]
    cards = sum(
        post.out for chat, posts in world.posts.items() if chat < 0 for post in posts.values()
    )
    return Figures(
        updates=len(inbox),
        messages=made,
        doubled=shown - shown_copies - made,
        cards=cards,
        cards_doubled=cards - len(hand_overs),
        copies=len(copies),
        copies_unknown=sum(copy.state == OutboxState.UNKNOWN for copy in copies),
    )


def _copies_once(
    bureau: Admin,
    copies: Sequence[Delivery],
    notices: Mapping[UUID, str],
    accounts: Mapping[UUID, str],
) -> int:
    """Each reader has a copy of each notice; one that was sent is shown once, one whose arrival a kill
    hid at most once. How many are shown."""
    readers = {f"tg:{reader.person.id}": reader for reader in bureau.readers}
    assert Counter(notices.values()) == Counter(bureau.announced), "each notice once"
    assert len(copies) == len(notices) * len(readers)
    shown = 0
    for copy in copies:
        times = readers[accounts[copy.account_id]].times_shown(notices[copy.notice_id])
        expected = {OutboxState.SENT: (1,), OutboxState.UNKNOWN: (0, 1)}
        assert times in expected.get(copy.state, ()), f"{copy.state}, shown {times} times"
        shown += times
    return shown


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
