"""Whatever a stand-in says here, and every call that it takes, is judged by code that is not ours. Both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.adapters.database import Database
from tests.integration.durable import opened, opened_on
from tests.judge import judging
from tests.torture.postgres import postgresql


@pytest.fixture(autouse=True)
def judged() -> Iterator[None]:
    with judging(refused=False):
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL server that nobody has migrated."""
    with postgresql() as (url, _):
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty database of each kind, with our tables."""
    if request.param == "sqlite":
        async with opened(tmp_path) as database:
            yield database
    else:
        async with opened_on(request.getfixturevalue("server"), tmp_path) as database:
            yield database
