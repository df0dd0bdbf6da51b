"""The drill: a copy made under a steady writer is whole, and comes back."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bot.adapters.clock import SystemClock
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.services.admin.backup import BackupFailed, backup, restore
from bot.services.queue.deliver import owe
from models.base import install_cipher
from models.delivery import Outbox
from tests.integration.durable import opened, outbox, text

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)


async def test_a_copy_under_a_steady_writer_is_whole_and_comes_back(tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    async with opened(tmp_path) as db:
        url = f"sqlite:///{tmp_path}/suda.db"
        stop = asyncio.Event()

        async def write_on() -> int:
            count = 0
            while not stop.is_set():
                async with db.write() as session:
                    # Two rows a commit: half of one would show in a copy.
                    await owe(session, "tg:1", text(f"{count}"), now=SystemClock().now())
                    await owe(session, "tg:2", text(f"{count}"), now=SystemClock().now())
                count += 1
            return count

        writing = asyncio.create_task(write_on())
        await asyncio.sleep(0.2)
        made = await asyncio.to_thread(backup, url, copies, NOW)
        await asyncio.sleep(0.1)
        stop.set()
        written = await writing
    assert made.name == "suda-20261123T040506Z.db"
    assert made.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in copies.iterdir()] == [made.name], "no keyring, no remains"

    aside = restore(made, url, NOW)
    assert aside is not None
    install_cipher(Keyring.open(tmp_path / "keyring.json", create=False))
    db = Database(url)
    rows = await outbox(db)
    assert 0 < len(rows) < 2 * written
    assert len(rows) % 2 == 0
    assert rows[0].payload["parts"] == [{"say": "0", "args": {}}]
    await db.close()
    old = Database(f"sqlite:///{aside}")
    async with old.read() as session:
        count = (await session.execute(select(func.count()).select_from(Outbox))).scalar_one()
        assert count == 2 * written, "what was replaced is kept, its last commits included"
    await old.close()
    install_cipher(None)


async def test_a_running_bot_is_not_pulled_out_from_under_itself(tmp_path: Path) -> None:
    async with opened(tmp_path) as db:
        url = f"sqlite:///{tmp_path}/suda.db"
        async with db.write() as session:
            await owe(session, "tg:1", text("x"), now=SystemClock().now())
        made = backup(url, tmp_path / "copies", NOW)
        with pytest.raises(BackupFailed, match="in use"):
            restore(made, url, NOW)
        assert len(await outbox(db)) == 1


def test_a_damaged_copy_replaces_nothing(tmp_path: Path) -> None:
    file = tmp_path / "suda.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE t (x)")
        database.executemany("INSERT INTO t VALUES (?)", [("y" * 500,)] * 500)
        database.commit()
    url = f"sqlite:///{file}"
    made = backup(url, tmp_path / "copies", NOW)
    content = bytearray(made.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    made.write_bytes(content)
    before = file.read_bytes()
    with pytest.raises(BackupFailed):
        restore(made, url, NOW)
    (tmp_path / "text.db").write_text("no database")
    with pytest.raises(BackupFailed):
        restore(tmp_path / "text.db", url, NOW)
    with pytest.raises(BackupFailed, match="no backup"):
        restore(tmp_path / "missing.db", url, NOW)
    assert file.read_bytes() == before


def test_a_destroyed_database_is_replaced_and_its_remains_kept(tmp_path: Path) -> None:
    file = tmp_path / "suda.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE t (x)")
        database.commit()
    url = f"sqlite:///{file}"
    made = backup(url, tmp_path / "copies", NOW)
    file.write_text("overwritten by mistake")
    aside = restore(made, url, NOW)
    assert aside is not None
    assert aside.read_text() == "overwritten by mistake"
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM t").fetchone() == (0,)
    file.unlink()
    assert restore(made, url, NOW) is None


def test_nothing_is_overwritten_and_only_sqlite_is_copied(tmp_path: Path) -> None:
    with pytest.raises(BackupFailed, match="no database"):
        backup(f"sqlite:///{tmp_path}/none.db", tmp_path, NOW)
    with pytest.raises(BackupFailed, match="pg_dump"):
        backup("postgresql://a:b@h/d", tmp_path, NOW)
    sqlite3.connect(tmp_path / "suda.db").close()
    backup(f"sqlite:///{tmp_path}/suda.db", tmp_path / "copies", NOW)
    with pytest.raises(BackupFailed, match="already there"):
        backup(f"sqlite:///{tmp_path}/suda.db", tmp_path / "copies", NOW)
