"""The bot as a process of its own, which can be ended like by a power cut and started again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from models.base import install_cipher
from tests.dictionary import lend_dictionary

ROOT = Path(__file__).resolve().parents[2]
WIDE = {
    "SEND_PER_SECOND": "29000",
    "CHAT_PER_SECOND": "1000",
    "CHAT_BURST": "5000",
    "GROUP_PER_MINUTE": "20000",
}
"""A thousand times Telegram's limits: these tests are about losing, not about pace."""


class BotProcess:
    """``python -m bot run`` against a stand-in, by default on a SQLite file in ``folder``.

    All it prints is kept in ``bot.log`` there, over all its lives.
    """

    def __init__(self, folder: Path, url: str, token: str, database_url: str = "") -> None:
        self.folder = folder
        self.database_url = database_url or f"sqlite:///{folder / 'suda.db'}"
        self.log = folder / "bot.log"
        self.port = 0
        self.process: asyncio.subprocess.Process | None = None
        self._command = ["run", "--sandbox-url", url, "--sandbox-token", token]
        self._settings = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "default",
            "DATA_DIR": str(folder),
            "DATABASE_URL": self.database_url,
            "LOG_LEVEL": "DEBUG",
            **WIDE,
        }

    def by_webhook(self) -> None:
        """Let Telegram bring the updates instead of asking for them."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._settings |= {
            "WEBHOOK_URL": f"http://127.0.0.1:{self.port}",
            "WEBHOOK_PORT": f"{self.port}",
            "WEBHOOK_SECRET": "a-secret-of-the-tests",
        }

    async def takes_in(self, world: World) -> None:
        """Waits until updates reach it, however often it is started meanwhile."""
        begun = time.monotonic()
        async with asyncio.timeout(240):
            while not (  # noqa: ASYNC110
                await self._listens() if self.port else world.polling or world.taken_at > begun
            ):
                await asyncio.sleep(0.02)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        writer.close()
        return True

    def worker(self, number: int) -> BotProcess:
        """One more process on the same PostgreSQL server, with a log of its own."""
        worker = BotProcess(self.folder, "", "", self.database_url)
        worker.log = self.folder / f"worker-{number}.log"
        worker._command = ["worker", *self._command[1:]]
        return worker

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                *self._command,
                cwd=self.folder,
                env=self._settings,
                stdout=log,
                stderr=log,
            )

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        if self.alive and self.process is not None:
            self.process.kill()
            await self.process.wait()

    async def one_life(self, world: World, dice: random.Random, longest: float) -> None:
        """Start it and kill it after up to ``longest`` seconds of work, or, one time in eight, while
        it still starts."""
        await self.start()
        if dice.random() < 1 / 8:
            await asyncio.sleep(dice.uniform(0.2, 1.5))
        else:
            await self.polls(world)
            await asyncio.sleep(dice.uniform(0, longest))
        await self.kill()

    async def stop(self) -> int:
        """SIGTERM, and its exit code. Raises TimeoutError when it does not end by itself."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 30)

    async def polls(self, world: World) -> None:
        """Waits until it asks for updates. Raises AssertionError when it ended instead."""
        async with asyncio.timeout(60):
            while not world.polling:
                assert self.alive, f"the bot ended by itself:\n{self.printed()[-2000:]}"
                await asyncio.sleep(0.02)

    def printed(self) -> str:
        return self.log.read_text("utf-8", errors="replace")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        """The database as the bot left it, with the bot's keys."""
        install_cipher(Keyring.open(self.folder / "keyring.json", create=False))
        db = Database(self.database_url)
        try:
            yield db
        finally:
            await db.close()
            install_cipher(None)


class Crew:
    """``run`` and its workers, and whoever starts again what has ended, as a supervisor does."""

    def __init__(self, bot: BotProcess, workers: int) -> None:
        self.bots = [bot, *(bot.worker(number) for number in range(workers))]
        self.starts = 0

    async def supervise(self, over: asyncio.Event) -> None:
        while not over.is_set():
            for bot in self.bots:
                if not bot.alive:
                    self.starts += 1
                    await bot.start()
            await asyncio.sleep(0.1)

    async def kill_one(self, dice: random.Random) -> None:
        await dice.choice([bot for bot in self.bots if bot.alive]).kill()

    async def end(self) -> None:
        for bot in self.bots:
            await bot.kill()


@asynccontextmanager
async def town(folder: Path, database_url: str = "") -> AsyncIterator[tuple[World, BotProcess]]:
    """A stand-in of Telegram and a bot that is not started yet; both are ended."""
    world = World(open_groups=True)
    sandbox = Sandbox(world, webhook_delay=0.05)
    bot = BotProcess(folder, await sandbox.start(), world.token, database_url)
    lend_dictionary(folder)
    try:
        yield world, bot
    finally:
        await bot.kill()
        await sandbox.stop()


def start(module: str, url: str, keyring: Path, outside: Path) -> subprocess.Popen[str]:
    """A part of the bot in a process of its own, which has begun."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, url, str(keyring), str(outside)],
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
