"""The long form: people talk without a pause, and the bot is killed again and again.

Run by ``make torture``; prints what it came to.
"""

from __future__ import annotations

import asyncio
import os
import platform
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.adapters import migrate
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.services.intake import accept
from models.base import install_cipher
from models.delivery import Inbox, InboxState, Meta, Outbox, OutboxState
from tests.torture.checks import quiet, settled
from tests.torture.people import Consumer, people_of
from tests.torture.postgres import postgresql
from tests.torture.process import ROOT, town
from tests.torture.worker import FastClock

SEED = 20261123
KILLS = 200
LONGEST_LIFE = 2.0
TALKS_AT_ONCE = 6
WORKER_KILLS = 100
BATCH = 24
CHATS = 12


async def test_people_talk_on_while_the_bot_is_killed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole bot on SQLite, over HTTP, 200 times."""
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

    async with town(tmp_path) as (world, bot):
        async with asyncio.TaskGroup() as group:
            for _ in range(TALKS_AT_ONCE):
                group.create_task(talk_on())
            for _ in range(KILLS):
                await bot.one_life(world, dice, LONGEST_LIFE)
            over.set()
            await bot.start()
        figures = await settled(bot, world, consumers)
    tell(
        capsys,
        f"SQLite: {KILLS} kills of the whole bot in {time.monotonic() - begun:.0f} s;"
        f" {len(consumers)} complaints, {figures.updates} updates, {figures.messages} messages,"
        f" {figures.cards} cards; lost 0, filed twice 0, messages shown twice {figures.doubled},"
        f" of them cards {figures.cards_doubled}",
    )


async def test_two_workers_on_postgresql_take_over_from_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Intake and delivery in two processes on one server; one of them is killed, 100 times."""
    dice = random.Random(SEED)
    begun = time.monotonic()
    keyring, outside = tmp_path / "keyring.json", tmp_path / "outside.txt"
    install_cipher(Keyring.open(keyring))
    with postgresql() as (url, _):
        migrate.upgrade(url)
        assert migrate.check(url) == []
        db = Database(url)
        workers = [start(url, keyring, outside) for _ in range(2)]
        try:
            for kill in range(WORKER_KILLS):
                await arrive(db, kill * BATCH, BATCH)
                await asyncio.sleep(dice.uniform(0, 0.3))
                victim = kill % 2
                await asyncio.to_thread(end, workers[victim])
                workers[victim] = await asyncio.to_thread(start, url, keyring, outside)
            async with asyncio.timeout(60):
                while not await quiet(db):  # noqa: ASYNC110
                    await asyncio.sleep(0.2)
            async with db.read() as session:
                inbox = Counter(await session.scalars(select(Inbox.state)))
                outbox = Counter(await session.scalars(select(Outbox.state)))
                handled = {row.key: row.value for row in await session.scalars(select(Meta))}
        finally:
            for worker in workers:
                end(worker)
            await db.close()
            install_cipher(None)
    updates = WORKER_KILLS * BATCH
    assert inbox == {InboxState.DONE: updates}
    assert outbox == {OutboxState.SENT: updates}
    arrived = defaultdict(list)
    for line in outside.read_text("utf-8").splitlines():
        chat, seq = line.split()
        arrived[chat].append(int(seq))
    for number in range(CHATS):
        expected = list(range(number, updates, CHATS))
        assert handled[f"chat:{number}"] == expected, "each once, in order"
        assert set(arrived[f"chat:{number}"]) == set(expected), "each at least once"
    doubled = sum(map(len, arrived.values())) - updates
    tell(
        capsys,
        f"PostgreSQL: {WORKER_KILLS} kills among two workers in {time.monotonic() - begun:.0f} s;"
        f" {updates} updates; lost 0, handled twice 0, out of order 0, sent twice {doubled}",
    )


def start(url: str, keyring: Path, outside: Path, module: str = "worker") -> subprocess.Popen[str]:
    """A worker that has begun."""
    child = subprocess.Popen(
        [sys.executable, "-m", f"tests.torture.{module}", url, str(keyring), str(outside)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


async def arrive(db: Database, first: int, count: int) -> None:
    """Updates as a poller stores them, the last three of the batch before among them."""
    rows = [
        (f"{seq}", seq, f"chat:{seq % CHATS}", {"chat": f"chat:{seq % CHATS}", "seq": seq})
        for seq in range(max(first - 3, 0), first + count)
    ]
    async with db.write() as session:
        await accept(session, "tg:7", rows, now=FastClock().now())


def tell(capsys: pytest.CaptureFixture[str], figures: str) -> None:
    """Print what a run came to, with the class of the machine."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    with capsys.disabled():
        sys.stdout.write(f"\n{machine}: {figures}\n")
