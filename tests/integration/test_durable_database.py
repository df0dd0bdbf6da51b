"""One writer at a time on SQLite, many on PostgreSQL, and a clear word when neither will do."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters import migrate
from bot.adapters.clock import SystemClock
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database, DatabaseProblem, driver_url
from bot.ports import Message
from bot.services.queue.deliver import Deliverer, owe
from bot.services.queue.intake import Worker, accept
from models.base import install_cipher
from models.delivery import Inbox, InboxState, Meta, Outbox, OutboxState
from models.revision import Revision
from tests.integration.durable import WIDE, opened, walk
from tests.integration.durable import text as message


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    async with opened(tmp_path) as database:
        yield database


@pytest.fixture(scope="module")
def postgresql(server: str) -> str:
    """The address of a migrated PostgreSQL database."""
    migrate.upgrade(server)
    return server


# Addresses and troubles


@pytest.mark.parametrize(
    ("given", "driven"),
    [
        ("sqlite:///data/suda.db", "sqlite+aiosqlite:///data/suda.db"),
        ("sqlite:////var/suda.db", "sqlite+aiosqlite:////var/suda.db"),
        ("postgresql://a:b@h/d", "postgresql+psycopg://a:b@h/d"),
        ("postgres://a:b@h:5/d", "postgresql+psycopg://a:b@h:5/d"),
        ("postgresql+psycopg://a:b@h/d", "postgresql+psycopg://a:b@h/d"),
    ],
)
def test_an_address_is_given_its_driver(given: str, driven: str) -> None:
    assert driver_url(given).render_as_string(hide_password=False) == driven


@pytest.mark.parametrize(
    "address", ["", "nonsense", "mysql://a:hunter2@h/d", "sqlite://", "sqlite:///:memory:"]
)
def test_a_wrong_address_is_one_sentence_without_its_password(address: str) -> None:
    with pytest.raises(DatabaseProblem, match="DATABASE_URL") as caught:
        driver_url(address)
    assert "\n" not in str(caught.value)
    assert "hunter2" not in str(caught.value)


async def trouble(url: str, revision: str | None = None) -> str:
    db = Database(url)
    try:
        with pytest.raises(DatabaseProblem) as caught:
            await db.probe(revision)
    finally:
        await db.close()
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_troubles_are_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database at all, just a page of text\n" * 50)
    assert "not a database" in await trouble(f"sqlite:///{tmp_path}/text.db")
    (tmp_path / "folder.db").mkdir()
    assert "cannot be opened" in await trouble(f"sqlite:///{tmp_path}/folder.db")
    assert "behind the program" in await trouble(f"sqlite:///{tmp_path}/new.db", migrate.head())
    assert "cannot be used" in await trouble("postgresql://a:b@127.0.0.1:9/none")
    with pytest.raises(DatabaseProblem, match="cannot be made"):
        Database(f"sqlite:///{tmp_path}/text.db/x/suda.db")


async def test_a_migrated_database_passes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/sub/suda.db"
    migrate.upgrade(url)
    db = Database(url)
    await db.probe(migrate.head())
    await db.close()


async def test_read_only_is_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/suda.db"
    migrate.upgrade(url)
    assert "read-only" in await trouble(
        f"{url}?mode=ro&uri=true".replace("sqlite:///", "sqlite:///file:")
    )


# Sessions


async def test_sqlite_is_set_to_keep_what_it_commits(db: Database) -> None:
    async with db.write() as session:
        for pragma, value in [
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("busy_timeout", 15_000),
        ]:
            assert (await session.execute(text(f"PRAGMA {pragma}"))).scalar_one() == value


async def test_a_reader_cannot_write_and_sees_one_state(db: Database) -> None:
    async with db.read() as session:
        assert await session.get(Meta, "a") is None
        async with db.write() as other:
            other.add(Meta(key="a", value=1))
        assert (await session.execute(select(Meta))).scalars().all() == []
        with pytest.raises(DBAPIError, match="readonly"):
            await session.execute(text("DELETE FROM meta"))


async def test_writers_wait_for_each_other_and_lose_nothing(db: Database) -> None:
    async with db.write() as session:
        session.add(Meta(key="count", value=0))

    async def add_one() -> None:
        async with db.write() as session:
            row = await session.get(Meta, "count")
            assert row is not None
            await asyncio.sleep(0)
            row.value += 1

    await asyncio.gather(*(add_one() for _ in range(40)))
    async with db.read() as session:
        row = await session.get(Meta, "count")
        assert row is not None
        assert row.value == 40


async def test_a_writer_that_fails_or_is_cut_off_leaves_the_gate_open(db: Database) -> None:
    async def cut_off() -> None:
        async with db.write() as session:
            session.add(Meta(key="half", value=1))
            await session.flush()
            await asyncio.sleep(60)

    task = asyncio.create_task(cut_off())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(50), db.write() as session:
        session.add(Meta(key="whole", value=1))
    async with db.read() as session:
        assert [row.key for row in (await session.execute(select(Meta))).scalars()] == ["whole"]


async def test_another_process_in_the_middle_of_writing_is_waited_for(
    db: Database, tmp_path: Path
) -> None:
    other = sqlite3.connect(tmp_path / "suda.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    asyncio.get_running_loop().call_later(0.5, other.execute, "COMMIT")
    async with db.write() as session:
        session.add(Meta(key="a", value=1))
    other.close()


async def test_a_time_without_a_zone_is_refused_and_any_other_comes_back_in_utc(
    db: Database,
) -> None:
    shanghai = datetime.fromisoformat("2026-11-23T12:00:00+08:00")
    async with db.write() as session:
        row = Revision(kind="law", version=1, body={}, author="a", reason="r", created_at=shanghai)
        session.add(row)
    async with db.read() as session:
        kept = (await session.execute(select(Revision))).scalar_one()
        assert kept.created_at == datetime(2026, 11, 23, 4, tzinfo=UTC)
        assert kept.created_at.utcoffset() == timedelta()
        early = select(Revision).where(Revision.created_at < shanghai + timedelta(seconds=1))
        assert len((await session.execute(early)).all()) == 1

    async def naive() -> None:
        async with db.write() as session:
            (await session.execute(select(Revision))).scalar_one().created_at = shanghai.replace(
                tzinfo=None
            )

    with pytest.raises(StatementError, match="without a zone"):
        await naive()


async def test_one_version_of_a_kind_is_active_at_most(db: Database) -> None:
    async def add(version: int, active: bool) -> None:
        async with db.write() as session:
            session.add(
                Revision(
                    kind="law",
                    version=version,
                    body=[],
                    author="a",
                    reason="r",
                    created_at=datetime.now(UTC),
                    active=active,
                )
            )

    await add(1, True)
    await add(2, False)
    with pytest.raises(IntegrityError):
        await add(3, True)


async def test_what_one_database_has_compiled_serves_the_others(tmp_path: Path) -> None:
    asked = select(Inbox.seq + 1, Inbox.key).where(Inbox.seq > 3)
    seen = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        async with opened(tmp_path / name) as db:
            for session in (db.read, db.write):
                async with session() as opened_one:
                    found = await (await opened_one.connection()).execute(asked)
                    seen.append(found.context.cache_hit.name)
    assert seen == ["CACHE_MISS", "CACHE_HIT", "CACHE_HIT", "CACHE_HIT"]


# Migrations


def test_migrations_and_models_agree(empty: str) -> None:
    assert migrate.current(empty) == ""
    assert migrate.check(empty) != []
    walk(empty)
    migrate.upgrade(empty)
    assert migrate.current(empty) == migrate.head() != ""
    assert migrate.check(empty) == []


# PostgreSQL


async def test_several_workers_on_postgresql_handle_and_send_each_thing_once(
    postgresql: str, tmp_path: Path
) -> None:
    install_cipher(Keyring.open(tmp_path / "keyring.json"))
    bases = [Database(postgresql) for _ in range(3)]
    clock = SystemClock()
    sent: list[tuple[str, str]] = []

    async def handle(session: AsyncSession, payload: Mapping[str, Any]) -> None:
        done = await session.get(Meta, payload["chat"])
        if done is None:
            session.add(Meta(key=payload["chat"], value=[payload["seq"]]))
        else:
            done.value = [*done.value, payload["seq"]]
        await owe(session, payload["chat"], message(str(payload["seq"])), now=clock.now())

    async def send(target: str, what: Message, _edit: Sequence[Any] | None, /) -> list[Any]:
        sent.append((target, what.parts[0].key))
        await asyncio.sleep(0.001)
        return [1]

    stop = asyncio.Event()
    running = [
        asyncio.create_task(worker.run(stop))
        for base in bases
        for worker in (
            Worker(base, clock, handle),
            Deliverer(base, clock, {"chat": send}, WIDE),
        )
    ]
    chats, updates = 6, 60
    try:
        await bases[0].probe(migrate.head())
        for seq in range(updates):
            chat = f"chat:{seq % chats}"
            async with bases[seq % 3].write() as session:
                row = (f"{seq}", seq, chat, {"chat": chat, "seq": seq})
                await accept(session, "tg:7", [row, row], now=clock.now())
        async with asyncio.timeout(40):
            while len(sent) < updates:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        stop.set()
        await asyncio.gather(*running)
        async with bases[0].read() as session:
            for number in range(chats):
                done = await session.get(Meta, f"chat:{number}")
                assert done is not None
                assert done.value == list(range(number, updates, chats))
            states = (await session.execute(select(Inbox.state))).scalars()
            assert Counter(states) == {InboxState.DONE: updates}
            states = (await session.execute(select(Outbox.state))).scalars()
            assert Counter(states) == {OutboxState.SENT: updates}
        for number in range(chats):
            got = [int(key) for target, key in sent if target == f"chat:{number}"]
            assert got == list(range(number, updates, chats))
    finally:
        stop.set()
        await asyncio.gather(*running, return_exceptions=True)
        for base in bases:
            await base.close()
        install_cipher(None)


async def test_a_reader_on_postgresql_cannot_write(postgresql: str) -> None:
    db = Database(postgresql)
    async with db.read() as session:
        with pytest.raises(DBAPIError, match="read-only"):
            await session.execute(text("DELETE FROM meta"))
    await db.close()
