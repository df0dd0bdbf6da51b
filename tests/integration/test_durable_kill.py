"""Killed at any moment, again and again: nothing is lost, nothing takes effect twice."""

from __future__ import annotations

import asyncio
import random
import subprocess
import time
from collections import Counter, defaultdict
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.database import Database
from bot.services.queue.intake import accept
from models.delivery import InboxState, Meta, OutboxState
from tests.integration.durable import inbox, opened, outbox
from tests.torture.process import end, start

UPDATES = 240
CHATS = 12
KILLS = 5


def begin(folder: Path) -> subprocess.Popen[str]:
    return start(
        "tests.integration.durable_child",
        f"sqlite:///{folder}/suda.db",
        folder / "keyring.json",
        folder / "outside.txt",
    )


async def arrive(db: Database, first: int, count: int) -> None:
    """Updates as a poller stores them, some of them twice."""
    now = SystemClock().now()
    for begin in range(first, first + count, 8):
        rows = [
            (f"{seq}", seq, f"chat:{seq % CHATS}", {"chat": f"chat:{seq % CHATS}", "seq": seq})
            for seq in range(max(begin - 3, 0), min(begin + 8, first + count))
        ]
        async with db.write() as session:
            await accept(session, "tg:7", rows, now=now)


async def test_five_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    dice = random.Random(20261123)
    async with opened(tmp_path) as db:
        for kill in range(KILLS):
            child = await asyncio.to_thread(begin, tmp_path)
            # Another process stores updates all the while.
            await arrive(db, kill * UPDATES // KILLS, UPDATES // KILLS)
            await asyncio.sleep(dice.uniform(0, 0.25))
            await asyncio.to_thread(end, child)
        left = [row for row in await inbox(db) if row.state != InboxState.DONE]
        assert left, "killed so late each time that the kills tried nothing"
        child = await asyncio.to_thread(begin, tmp_path)
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                rows, owed = await inbox(db), await outbox(db)
                if all(row.state == InboxState.DONE for row in rows) and all(
                    row.state == OutboxState.SENT for row in owed
                ):
                    break
                await asyncio.sleep(0.1)
        finally:
            await asyncio.to_thread(end, child)

        assert Counter(row.state for row in await inbox(db)) == {InboxState.DONE: UPDATES}
        assert Counter(row.state for row in await outbox(db)) == {OutboxState.SENT: UPDATES}
        async with db.read() as session:
            for chat in range(CHATS):
                done = await session.get(Meta, f"chat:{chat}")
                assert done is not None
                assert done.value == list(range(chat, UPDATES, CHATS)), "each once, in order"

    arrived = defaultdict(list)
    for line in (tmp_path / "outside.txt").read_text("utf-8").splitlines():
        chat_name, seq = line.split()
        arrived[chat_name].append(int(seq))
    doubled = 0
    for chat in range(CHATS):
        got = arrived[f"chat:{chat}"]
        assert list(dict.fromkeys(got)) == list(range(chat, UPDATES, CHATS)), "each, in order"
        doubled += len(got) - len(set(got))
    assert doubled <= KILLS * CHATS, "at most what was on its way at each kill"
