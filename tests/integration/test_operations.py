"""What operators see over HTTP while the bot runs, and that bad configuration ends in one sentence."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters import database, telegram
from bot.adapters.clock import SystemClock
from bot.adapters.database import explain
from bot.adapters.telegram import TelegramChannel, build_bot
from bot.app import serve, until_due
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from bot.services.queue.deliver import Deliverer, owe
from bot.services.queue.intake import Worker, accept
from bot.services.queue.set_times_right import set_times_right
from bot.settings import load
from models.delivery import Meta
from tests.integration.cli_helpers import Suda, suda
from tests.integration.durable import REAL, HandClock, Outside, opened
from tests.integration.durable import text as message

__all__ = ["suda"]

CONSUMER = 1001
TOKEN = "1234:abc"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@asynccontextmanager
async def bot(folder: Path, api: str, token: str, **over: Any) -> AsyncIterator[httpx.AsyncClient]:
    """A polling bot, and a client at its operators' port."""
    port = free_port()
    settings = load(
        env_file=None,
        bot_token=token,
        api_base_url=api,
        data_dir=folder,
        ops_port=port,
        **over,
    )
    stop = asyncio.Event()
    running = asyncio.create_task(serve(settings, stop, demo=True))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        try:
            yield client
        finally:
            stop.set()
            await running


async def says(client: httpx.AsyncClient, path: str, wanted: int) -> str:
    """What the page says once it answers so."""
    async with asyncio.timeout(60):
        while True:
            try:
                answer = await client.get(path)
                if answer.status_code == wanted:
                    return answer.text
            except httpx.ConnectError:
                pass
            await asyncio.sleep(0.05)


def figures(page: str) -> dict[str, float]:
    """Name with labels to value."""
    return {
        name: float(value)
        for name, value in re.findall(r"^([a-z_]+(?:\{.*\})?) (\S+)$", page, re.MULTILINE)
    }


async def test_operators_see_what_was_handled_and_sent_and_nothing_of_anybody(
    tmp_path: Path,
) -> None:
    world = World()
    sandbox = Sandbox(world)
    url = await sandbox.start()
    async with bot(tmp_path, url, world.token) as operator:
        assert await says(operator, "/health", 200) == "ok"
        assert await says(operator, "/ready", 200) == "ok"
        before = figures((await operator.get("/metrics")).text)
        assert before['suda_outbox_rows{priority="reply",state="due"}'] == 0
        assert before["suda_processes"] == 1
        async with httpx.AsyncClient(base_url=url) as page:
            act = {"person": CONSUMER, "kind": "text", "text": "/start 王秀英"}
            assert (await page.post("/control/act", json=act)).status_code == 200
        async with asyncio.timeout(60):
            while True:
                shown = (await operator.get("/metrics")).text
                found = figures(shown)
                if found.get('suda_messages_total{outcome="sent"}', 0) >= 1:
                    break
                await asyncio.sleep(0.05)
        assert found['suda_updates_total{outcome="done"}'] >= 1
        assert found["suda_telegram_contact_age_seconds"] < 60
        assert found['suda_inbox_rows{state="dead"}'] == 0
        assert str(CONSUMER) not in shown
        assert "王秀英" not in shown
    await sandbox.stop()


async def test_without_a_way_to_telegram_it_lives_says_so_and_is_not_ready(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = World()
    sandbox = Sandbox(world)
    port = free_port()
    async with bot(tmp_path, f"http://127.0.0.1:{port}", world.token) as operator:
        assert await says(operator, "/health", 200) == "ok"
        assert "Telegram is not reached" in await says(operator, "/ready", 503)
        await sandbox.start(port)
        assert await says(operator, "/ready", 200) == "ok"
    await sandbox.stop()
    said = capsys.readouterr()
    assert "telegram unreachable, waiting" in said.out + said.err


async def test_a_poll_that_falls_silent_is_noticed_and_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram, "POLL_SECONDS", 0)
    monkeypatch.setattr(telegram, "POLL_SLACK", 0.5)
    monkeypatch.setattr(telegram, "SILENCE", timedelta(seconds=1))
    asked = asyncio.Semaphore(0)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1000):
            asked.release()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    channel = TelegramChannel(
        build_bot(TOKEN, f"http://127.0.0.1:{port}"), lambda *_: [], SystemClock()
    )
    channel.last_contact = SystemClock().now()
    assert channel.reachable(polling=True)
    stop = asyncio.Event()
    async with opened(tmp_path) as db:
        await channel.bot.request.initialize()
        polling = asyncio.create_task(channel.poll(db, accept, stop))
        async with asyncio.timeout(60):
            for _ in range(2):
                await asked.acquire()
        assert not channel.reachable(polling=True)
        stop.set()
        await polling
    await channel.bot.shutdown()
    server.close()
    await asyncio.sleep(0.1)


async def test_a_taken_port_is_told_in_one_sentence(tmp_path: Path) -> None:
    world = World()
    sandbox = Sandbox(world)
    url = await sandbox.start()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = load(
            env_file=None,
            bot_token=world.token,
            api_base_url=url,
            data_dir=tmp_path,
            ops_port=port,
        )
        with pytest.raises(OSError, match=f"port {port} on 127.0.0.1 cannot be used"):
            await serve(settings, asyncio.Event(), demo=True)
    await sandbox.stop()


# Bad configuration: one sentence, exit 1, nothing made


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://a:hunter2@127.0.0.1:9/none"}, "Connection refused"),
        ({"BOT_TOKEN": "hunter2"}, "BOT_TOKEN"),
        ({"DATA_DIR": "file/below"}, "cannot be made"),
        ({"KEY_FILE": "file/below"}, "below"),
        ({"OPS_PORT": "99999"}, "OPS_PORT"),
        ({"WEBHOOK_URL": "https://suda.example"}, "WEBHOOK_SECRET"),
        ({"DATABASE_URL": "postgresql"}, "run: python -m bot migrate"),
    ],
    ids=lambda value: value if isinstance(value, str) else ",".join(value),
)
def test_what_is_set_wrong_is_told_in_one_sentence(
    suda: Suda,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    wrong: dict[str, str],
    told: str,
) -> None:
    (tmp_path / "file").write_text("not a folder", "utf-8")
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv("API_BASE_URL", "http://127.0.0.1:9")
    for name, value in wrong.items():
        real = request.getfixturevalue("server") if value == "postgresql" else value
        monkeypatch.setenv(name, real)
    ran = suda("run")
    assert ran.code == 1
    assert told in ran.err
    assert len(ran.err.strip().splitlines()) == 1, ran.err
    assert "hunter2" not in ran.err + ran.out


def test_an_old_server_is_told(suda: Suda, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    monkeypatch.setattr(database, "OLDEST_POSTGRESQL", 99)
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    ran = suda("worker", "--db", server)
    assert (ran.code, "too old: 99 or newer" in ran.err) == (1, True)


async def test_a_full_disk_is_told_and_what_was_written_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as db:
        async with db.write() as session:
            session.add(Meta(key="before", value=1))
            await session.flush()
            pages = await session.scalar(text("PRAGMA page_count"))
            await session.execute(text(f"PRAGMA max_page_count={pages}"))
        with pytest.raises(DBAPIError) as full:
            async with db.write() as session:
                session.add(Meta(key="much", value="x" * 1_000_000))
        assert "no room left on the disk" in str(explain(full.value, db.url))
        async with db.write() as session:
            await session.execute(text("PRAGMA max_page_count=1000000"))
            session.add(Meta(key="after", value=1))
        async with db.read() as session:
            assert set(await session.scalars(select(Meta.key))) == {"before", "after"}


# The clock jumps


@pytest.mark.parametrize("hours", [-3, 3])
async def test_after_the_clock_jumped_what_is_owed_goes_out(tmp_path: Path, hours: int) -> None:
    clock, outside = HandClock(), Outside()
    async with opened(tmp_path) as db:
        sender = Deliverer(db, clock, {"tg": outside}, REAL)

        async def owes(*chats: int) -> None:
            async with db.write() as session:
                for chat in chats:
                    await owe(session, f"tg:{chat}", message(f"to {chat}"), now=clock.now())

        await owes(*range(8))
        await sender.drain_once()
        await owes(*range(100, 108))
        async with db.write() as session:
            update = ("1", 1, "tg:1", {"update_id": 1})
            await accept(session, "tg:7", [update], now=clock.now())
        clock.pass_(hours=hours)
        async with db.write() as session:
            assert await set_times_right(session, clock.now()) == (9 if hours < 0 else 0)
        worker = Worker(db, clock, nothing)
        assert await worker.drain_once() == 1
        for _ in range(20):
            await owes(*range(200, 204))
            await sender.drain_once()
            clock.pass_(seconds=0.2)
        assert {key for _, key, _ in outside.arrived} == {
            f"to {chat}" for chat in (*range(8), *range(100, 108), *range(200, 204))
        }


async def nothing(_session: AsyncSession, _payload: Mapping[str, Any]) -> None:
    return None


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_clock_set_back_or_an_hour_on_is_noticed_within_seconds(hours: int) -> None:
    clock, stop = SystemClock(), asyncio.Event()
    waiting = asyncio.create_task(until_due(clock, stop, 3600))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    clock.offset = timedelta(hours=hours)
    async with asyncio.timeout(10):
        await waiting
