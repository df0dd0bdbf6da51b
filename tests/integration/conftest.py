"""Whatever a stand-in says here, and every call that it takes, is judged by code that is not ours. Both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.adapters.database import Database
from tests.integration.durable import opened, opened_on
from tests.judge import judging
from tests.torture.postgres import one_more, postgresql


@pytest.fixture(autouse=True)
def judged() -> Iterator[None]:
    with judging(refused=False):
        yield


@pytest.fixture(scope="session")
def cluster() -> Iterator[tuple[str, Path]]:
    """A PostgreSQL server, for tests that let it stand; and the folder of its files."""
    with postgresql() as made:
        yield made


@pytest.fixture(scope="module")
def server(cluster: tuple[str, Path]) -> Iterator[str]:
    """A database on PostgreSQL that nobody has migrated."""
    with one_more(cluster[0]) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of each kind, without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/empty/suda.db"
    else:
        with one_more(request.getfixturevalue("cluster")[0]) as url:
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
