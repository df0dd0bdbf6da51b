"""``run`` without a token: this process holds the sandbox and its page, a child process is the bot.

The child is an ordinary bot whose Bot API server is the sandbox, so that ending it proves what a
crash would prove.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from bot.adapters.observe import observer
from bot.route.region import load_region
from bot.sandbox import scenarios
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from bot.settings import Settings
from bot.texts import catalogue
from bot.texts.catalogue import say

ADMIN = 3001
"""The seeded admin of the sandbox."""


class Child:
    """The bot's process: started, ended without warning, started again, and restarted when it falls."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self._process: asyncio.subprocess.Process | None = None
        self.wanted = True

    def add(self, *arguments: str) -> None:
        """More of the command line, known only later."""
        self._command += arguments

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def control(self, action: str) -> None:
        """``kill`` ends it as a power cut would (SIGKILL); ``start`` starts it again."""
        self.wanted = action == "start"
        if action == "start" and not self.alive:
            self._process = await asyncio.create_subprocess_exec(*self._command)
        elif action == "kill" and self.alive and self._process is not None:
            self._process.kill()
            await self._process.wait()

    async def supervise(self, stop: asyncio.Event) -> None:
        """Start it, and again a second after it falls, until ``stop``; then let it drain."""
        while not stop.is_set():
            if self.wanted and not self.alive:
                await self.control("start")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), 1)
        if self.alive and self._process is not None:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 25)


def _rows(settings: Settings, texts: catalogue.Catalogue) -> Callable[[], dict[str, Any]]:
    """The observer, blind until the bot has made its key.

    Looking at SQLite makes an empty database, and a bot that finds one without a key refuses it.
    """
    look = observer(settings.database_url, texts)
    return lambda: look() if settings.key_file.exists() else {}


async def demonstrate(settings: Settings, port: int, stop: asyncio.Event) -> None:
    """Serve the page and keep the bot's process alive until ``stop``. Raises OSError on a taken port."""
    texts = catalogue.load()
    world = World(settings.data_dir / "sandbox.db", open_groups=True)
    child = Child([sys.executable, "-m", "bot", "run", "--sandbox-token", world.token])
    sandbox = Sandbox(
        world,
        observe=_rows(settings, texts),
        control=child.control,
        plays=scenarios.load(),
        places=[
            {"name": desk.name, "lat": desk.lat, "lon": desk.lon}
            for desk in load_region(settings.region).desks
            if desk.level == "street"
        ],
    )
    url = await sandbox.start(port)
    child.add("--sandbox-url", url)
    print(texts.plain(say("demo.open", url=url)), flush=True)  # noqa: T201
    try:
        await child.supervise(stop)
    finally:
        await sandbox.stop()


async def stand_in(settings: Settings, port: int, stop: asyncio.Event) -> None:
    """The sandbox alone: its address and token are printed for whatever bot comes."""
    world = World(settings.data_dir / "sandbox.db", open_groups=True)
    sandbox = Sandbox(world)
    url = await sandbox.start(port)
    print(f"{url}  BOT_TOKEN={world.token}", flush=True)  # noqa: T201
    await stop.wait()
    await sandbox.stop()
