"""The whole bot as a process of its own, killed again and again while people talk to it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from bot.adapters import migrate
from models.delivery import Inbox, InboxState, Outbox, OutboxState
from tests.torture.checks import settled
from tests.torture.matrix import again_and_again, everybody
from tests.torture.people import people_of
from tests.torture.postgres import postgresql, start_again, stop_at_once
from tests.torture.process import BotProcess, town

SEED = 20261123
KILLS = 3
LONGEST_LIFE = 0.8
CONSUMERS = 2


async def test_three_kills_lose_no_word_and_file_nothing_twice(tmp_path: Path) -> None:
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


async def test_updates_brought_by_webhook_survive_a_kill_too(tmp_path: Path) -> None:
    async with everybody(
        tmp_path, "", workers=0, talks=2, readers=2, seed=SEED, webhook=True
    ) as trial:
        await again_and_again(trial, 1, LONGEST_LIFE, trial.bot.kill)


async def test_a_stop_of_postgresql_under_load_loses_nothing(tmp_path: Path) -> None:
    """As ``pg_ctl stop -m immediate``; run and worker end, and are started again."""
    with postgresql() as (url, files):
        migrate.upgrade(url)
        async with everybody(tmp_path, url, workers=1, talks=2, readers=2, seed=SEED) as trial:

            async def strike() -> None:
                await asyncio.to_thread(stop_at_once, files)
                await asyncio.to_thread(start_again, files)

            await again_and_again(trial, 1, LONGEST_LIFE, strike)
        assert trial.crew.starts >= 2, "nobody noticed the stop"


async def nothing_in_hand(bot: BotProcess) -> None:
    """No update and no message is half done, and every answer to what was handled is sent."""
    async with bot.opened() as db, db.read() as session:
        inbox = Counter(await session.scalars(select(Inbox.state)))
        outbox = Counter(await session.scalars(select(Outbox.state)))
    assert set(inbox) <= {InboxState.DONE, InboxState.OPEN}
    assert set(outbox) == {OutboxState.SENT}
