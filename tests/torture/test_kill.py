"""The long form: everybody uses the bot without a pause, and it dies again and again.

Run by ``make torture``; prints what it came to. ``KILLS`` and ``STOPS`` in the environment make it
shorter or longer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from bot.adapters import migrate
from tests.torture import matrix
from tests.torture.matrix import Trial, again_and_again, note_points, tell
from tests.torture.postgres import postgresql, start_again, stop_at_once

SEED = 20261123
KILLS = int(os.environ.get("KILLS", "200"))
STOPS = int(os.environ.get("STOPS", "30"))
LONGEST = 2.0
LONGEST_AWAY = 1.0
WORKERS = 4
everybody = partial(matrix.everybody, talks=4, readers=8, seed=SEED)


@pytest.fixture(params=["polling", "webhook"])
def intake(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_the_bot_is_killed_on_sqlite(
    tmp_path: Path, intake: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with everybody(tmp_path, "", workers=0, webhook=intake == "webhook") as trial:

        async def strike() -> None:
            await trial.crew.bots[0].kill()
            await note_points(trial)

        await again_and_again(trial, KILLS, LONGEST, strike)
    tell(capsys, f"SQLite, {intake}, the whole bot killed {KILLS} times: {trial}")


async def test_one_of_run_and_four_workers_is_killed_on_postgresql(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with on_postgresql(tmp_path) as (trial, _):

        async def strike() -> None:
            await trial.crew.kill_one(trial.dice)
            await note_points(trial)

        await again_and_again(trial, KILLS, LONGEST, strike)
    tell(capsys, f"PostgreSQL, one of run and {WORKERS} workers killed {KILLS} times: {trial}")


async def test_the_server_is_stopped_at_once_under_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with on_postgresql(tmp_path) as (trial, files):

        async def strike() -> None:
            await asyncio.to_thread(stop_at_once, files)
            await asyncio.sleep(trial.dice.uniform(0, LONGEST_AWAY))
            await asyncio.to_thread(start_again, files)
            await note_points(trial)

        await again_and_again(trial, STOPS, LONGEST, strike)
    tell(capsys, f"PostgreSQL stopped {STOPS} times (-m immediate), {WORKERS} workers: {trial}")


@asynccontextmanager
async def on_postgresql(folder: Path) -> AsyncIterator[tuple[Trial, Path]]:
    with postgresql() as (url, files):
        migrate.upgrade(url)
        async with everybody(folder, url, workers=WORKERS) as trial:
            yield trial, files
