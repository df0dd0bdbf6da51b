"""The whole bot as a process of its own, killed again and again while people talk to it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from models.delivery import Inbox, InboxState, Outbox, OutboxState
from tests.torture.checks import settled
from tests.torture.people import people_of
from tests.torture.process import BotProcess, town

SEED = 20261123
KILLS = 8
LONGEST_LIFE = 0.8
CONSUMERS = 3


async def test_eight_kills_lose_no_word_and_file_nothing_twice(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    async with town(tmp_path) as (world, bot):
        consumers = people_of(world, 1, CONSUMERS, SEED)
        async with asyncio.TaskGroup() as group:
            talks = [group.create_task(consumer.complain()) for consumer in consumers]
            for _ in range(KILLS):
                await bot.one_life(world, dice, LONGEST_LIFE)
                assert not all(talk.done() for talk in talks), "the kill came too late to matter"
            await bot.start()
        figures = await settled(bot, world, consumers)
        assert figures.doubled <= KILLS * CONSUMERS * 2, "at most what was on its way at each kill"


async def test_a_told_stop_finishes_what_is_in_hand(tmp_path: Path) -> None:
    async with town(tmp_path) as (world, bot):
        consumers = people_of(world, 1, 2, SEED + 1)
        await bot.start()
        async with asyncio.TaskGroup() as group:
            talks = [group.create_task(consumer.complain()) for consumer in consumers]
            for _ in range(2):
                await bot.polls(world)
                await asyncio.sleep(1)
                assert await bot.stop() == 0
                assert not all(talk.done() for talk in talks), "the stop came too late to matter"
                await nothing_in_hand(bot)
                await bot.start()
        figures = await settled(bot, world, consumers)
        assert figures.doubled == 0, "a told stop leaves nothing in doubt"


async def nothing_in_hand(bot: BotProcess) -> None:
    """No update and no message is half done, and every answer to what was handled is sent."""
    async with bot.opened() as db, db.read() as session:
        inbox = Counter(await session.scalars(select(Inbox.state)))
        outbox = Counter(await session.scalars(select(Outbox.state)))
    assert set(inbox) <= {InboxState.DONE, InboxState.OPEN}
    assert set(outbox) == {OutboxState.SENT}
