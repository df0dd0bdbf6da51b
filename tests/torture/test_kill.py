"""The long form: people talk without a pause, and the bot is killed again and again.

Run by ``make torture``; prints what it came to.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.adapters import migrate
from tests.torture.checks import settled
from tests.torture.people import Consumer, people_of
from tests.torture.postgres import postgresql
from tests.torture.process import town

SEED = 20261123
TALKS_AT_ONCE = 6


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated database."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/suda.db"
        migrate.upgrade(url)
        yield url
    else:
        with postgresql() as (url, _):
            migrate.upgrade(url)
            assert migrate.check(url) == []
            yield url


@pytest.mark.parametrize("kills", [200])
async def test_people_talk_on_while_the_bot_is_killed(
    database: str, kills: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dice = random.Random(SEED)
    begun = time.monotonic()
    consumers: list[Consumer] = []
    over = asyncio.Event()

    async def talk_on() -> None:
        """One complaint after another, until the kills are over."""
        while not over.is_set():
            (consumer,) = people_of(world, len(consumers) + 1, 1, SEED)
            consumers.append(consumer)
            await consumer.complain()

    async with town(tmp_path, database) as (world, bot):
        async with asyncio.TaskGroup() as group:
            for _ in range(TALKS_AT_ONCE):
                group.create_task(talk_on())
            for _ in range(kills):
                await bot.one_life(world, dice)
            over.set()
            await bot.start()
        figures = await settled(bot, world, consumers)
    with capsys.disabled():
        print(
            f"\n{database.partition(':')[0]}, {os.cpu_count()} cores, Python"
            f" {platform.python_version()}: {kills} kills in {time.monotonic() - begun:.0f} s;"
            f" {len(consumers)} complaints, {figures.updates} updates, {figures.messages} messages,"
            f" {figures.cards} cards; lost 0, filed twice 0, messages shown twice"
            f" {figures.doubled}, of them cards {figures.cards_doubled}"
        )
