"""A notice's copies: made beside the driver alone, and claimed."""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select

from bot import app
from bot.bench.measure import ROUNDS, Measure
from bot.services.outreach import copies
from bot.settings import Settings
from models.base import uuid7
from models.outreach import Delivery, Notice, NoticeState
from models.party import Account

READERS = 100_000
CLAIM = 9
"""Copies in a claim at 29 a second: as many as fit into the time for which slots are reserved."""


def notice(settings: Settings) -> list[Measure]:
    """Making a notice's copies, beside the same rows through the driver alone; claiming among them."""
    return asyncio.run(_notice(settings))


async def _notice(settings: Settings) -> list[Measure]:
    with tempfile.TemporaryDirectory(prefix="suda-bench-") as folder:
        file = Path(folder, "bench.db")
        own = settings.model_copy(
            update={
                "data_dir": Path(folder),
                "database_url": f"sqlite:///{file}",
                "key_file": Path(folder, "keyring.json"),
            }
        )
        async with app.open_house(own, demo=True) as house:
            now = house.clock.now()
            async with house.db.write() as session:
                person: dict[str, Any] = {"subscribed": True, "blocked": False, "is_admin": False}
                person |= {"consent_version": "", "created_at": now, "seen_at": now}
                people = [
                    {"id": uuid7(), "address": f"tg:{number}", **person}
                    for number in range(1, READERS + 1)
                ]
                await session.execute(insert(Account), people)
            ours, bare, claims = [], [], []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                one = await _spread(house)
                ours.append(READERS / (time.perf_counter() - begun))
                begun = time.perf_counter()
                async with house.db.write() as session:
                    await copies.claimable(
                        session, "tg", CLAIM, await copies.going_out(session, now), now
                    )
                claims.append((time.perf_counter() - begun) * 1000)
                bare.append(await asyncio.to_thread(_copied, file, one))
                async with house.db.write() as session:
                    await session.execute(delete(Delivery))
                    await session.execute(delete(Notice))
    return [
        Measure(
            "notice",
            f"copies made for {READERS} readers, in commits of {copies.CHUNK}",
            statistics.median(ours),
            "1/s",
        ),
        Measure(
            "notice",
            "the same rows by one INSERT ... SELECT of sqlite3 alone",
            statistics.median(bare),
            "1/s",
        ),
        Measure(
            "notice", f"claim of {CLAIM} among {READERS} copies", statistics.median(claims), "ms"
        ),
    ]


async def _spread(house: app.House) -> UUID:
    now = house.clock.now()
    async with house.db.write() as session:
        author = await session.scalar(select(Account.id).limit(1))
        one = Notice(
            author_id=author, body="", state=NoticeState.SENDING, created_at=now, sent_at=now
        )
        session.add(one)
    more = True
    while more:
        async with house.db.write() as session:
            row = await session.get_one(Notice, one.id)
            more = await copies.spread(session, row, now)
    return one.id


def _copied(file: Path, one: UUID) -> float:
    """Rows a second: the copies of a notice once more, under another notice's name."""
    rows = sqlite3.connect(file, isolation_level=None)
    try:
        rows.execute("PRAGMA synchronous=FULL")
        begun = time.perf_counter()
        rows.execute("BEGIN IMMEDIATE")
        made = rows.execute(
            "INSERT INTO delivery (notice_id, account_id, state, attempts, run_at, last_error)"
            " SELECT ?, account_id, state, attempts, run_at, last_error FROM delivery"
            " WHERE notice_id = ?",
            (uuid7().hex, one.hex),
        ).rowcount
        rows.execute("COMMIT")
        return made / (time.perf_counter() - begun)
    finally:
        rows.close()
