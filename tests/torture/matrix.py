"""Everybody uses the bot at once, and something of it dies again and again at random moments."""

from __future__ import annotations

import asyncio
import os
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.sandbox.world import World
from tests.torture.checks import Figures, points, settled
from tests.torture.people import Admin, Consumer, bureau_of, people_of
from tests.torture.process import BotProcess, Crew, town


@dataclass(slots=True)
class Trial:
    """``struck`` counts the ends at which each kind of work was found half done."""

    world: World
    bot: BotProcess
    crew: Crew
    dice: random.Random
    consumers: list[Consumer] = field(default_factory=list)
    bureau: Admin | None = None
    struck: Counter[str] = field(default_factory=Counter)
    begun: float = field(default_factory=time.monotonic)
    figures: Figures | None = None

    def __str__(self) -> str:
        figures = self.figures
        assert figures is not None, "it is not over"
        struck = ", ".join(f"{name} {count}" for name, count in sorted(self.struck.items()))
        return (
            f"{time.monotonic() - self.begun:.0f} s; {len(self.consumers)} complaints,"
            f" {figures.updates} updates, {figures.messages} messages, {figures.cards} cards,"
            f" {figures.copies} copies of notices; lost 0, filed twice 0, out of order 0;"
            f" messages shown twice {figures.doubled}, of them cards {figures.cards_doubled};"
            f" copies shown twice 0, of unknown outcome {figures.copies_unknown};"
            f" processes started {self.crew.starts}; ends that found: {struck}"
        )


@asynccontextmanager
async def everybody(
    folder: Path,
    database_url: str,
    *,
    workers: int,
    talks: int,
    readers: int,
    seed: int,
    webhook: bool = False,
) -> AsyncIterator[Trial]:
    """``talks`` consumers at a time complain, one after another, and an admin sends notices to
    ``readers``, until the block ends; then each finishes what she is at, and nothing may be lost."""
    over, settling = asyncio.Event(), asyncio.Event()
    async with town(folder, database_url) as (world, bot):
        if webhook:
            bot.by_webhook()
        trial = Trial(world, bot, Crew(bot, workers), random.Random(seed))

        async def complain() -> None:
            while not over.is_set():
                (consumer,) = people_of(world, len(trial.consumers) + 1, 1, seed)
                trial.consumers.append(consumer)
                await consumer.complain()

        async def announce() -> None:
            trial.bureau = bureau = bureau_of(world, readers)
            bureau.act("start")
            await asyncio.gather(*(reader.subscribe() for reader in bureau.readers))
            while not over.is_set():
                await bureau.announce()

        await bot.start()
        await bot.takes_in(world)
        supervising = asyncio.create_task(trial.crew.supervise(settling))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(talks):
                    group.create_task(complain())
                if readers:
                    group.create_task(announce())
                yield trial
                over.set()
            trial.figures = await settled(bot, world, trial.consumers, trial.bureau)
        finally:
            settling.set()
            await supervising
            await trial.crew.end()


async def again_and_again(
    trial: Trial, times: int, longest: float, strike: Callable[[], Awaitable[None]]
) -> None:
    """Strike ``times``, each after up to ``longest`` seconds in which updates were taken in, or, one
    time in eight, while things still start."""
    for _ in range(times):
        if trial.dice.random() >= 1 / 8:
            await trial.bot.takes_in(trial.world)
        await asyncio.sleep(trial.dice.uniform(0, longest))
        await strike()


async def note_points(trial: Trial) -> None:
    """What the end that just came found half done."""
    async with trial.bot.opened() as db:
        trial.struck.update(await points(db))


def tell(capsys: pytest.CaptureFixture[str], figures: str) -> None:
    """Print what a run came to, with the class of the machine."""
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}"
    with capsys.disabled():
        sys.stdout.write(f"\n{machine}: {figures}\n")
