"""Both databases get the same tables, and neither shows to a thief what a person said."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, inspect, text

from bot.adapters import migrate
from bot.adapters.database import driver_url
from bot.sandbox.faults import Fault
from bot.sandbox.people import People
from tests.integration.durable import walk
from tests.integration.sandbox_helpers import TEACHER
from tests.torture.people import Consumer, people_of
from tests.torture.postgres import one_more, postgresql
from tests.torture.process import town

DISPLAY_NAME = "柳絮飞飞"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a database that is still empty, and the folder of its files and no others."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/database/suda.db", tmp_path / "database"
    else:
        with postgresql() as made:
            yield made


def test_an_empty_database_becomes_what_the_models_say(empty: str) -> None:
    assert migrate.current(empty) == ""
    assert migrate.check(empty), "an empty database differs from the models"
    migrate.upgrade(empty)
    assert migrate.current(empty) == migrate.head()
    assert migrate.check(empty) == []


def test_both_databases_have_the_same_tables_made_at_once_or_by_every_migration(
    cluster: tuple[str, Path], tmp_path: Path
) -> None:
    with one_more(cluster[0]) as large, one_more(cluster[0]) as old_large:
        at_once = (f"sqlite:///{tmp_path}/suda.db", large)
        by_steps = (f"sqlite:///{tmp_path}/old.db", old_large)
        for url in at_once:
            migrate.upgrade(url)
        for url in by_steps:
            walk(url)
        first, *others = map(shape, (*at_once, *by_steps))
    for other in others:
        assert other == first


def shape(url: str) -> dict[str, Any]:
    """Of each table: its columns with their nullability, its keys, uniques and foreign keys, and what it checks."""
    address = driver_url(url)
    if address.get_backend_name() == "sqlite":
        address = address.set(drivername="sqlite")
    engine = create_engine(address)
    try:
        seen = inspect(engine)
        return {
            name: {
                "columns": {c["name"]: c["nullable"] for c in seen.get_columns(name)},
                "key": seen.get_pk_constraint(name)["constrained_columns"],
                "unique": sorted(
                    tuple(u["column_names"]) for u in seen.get_unique_constraints(name)
                ),
                "indexes": sorted(
                    i["name"] or ""
                    for i in seen.get_indexes(name)
                    if not i.get("duplicates_constraint")
                ),
                "checks": {
                    c["name"]: set(re.findall("'(.*?)'", c["sqltext"]))
                    for c in seen.get_check_constraints(name)
                },
                "points at": sorted(
                    (tuple(f["constrained_columns"]), f["referred_table"])
                    for f in seen.get_foreign_keys(name)
                ),
            }
            for name in seen.get_table_names()
            if not name.startswith("procrastinate_")
        }
    finally:
        engine.dispose()


async def test_what_a_person_says_is_in_no_file_and_in_no_log(
    database: tuple[str, Path], tmp_path: Path
) -> None:
    url, folder = database
    migrate.upgrade(url)
    data = tmp_path / "data"
    data.mkdir()
    async with town(data, url) as (world, bot):
        (consumer,) = people_of(world, 7, 1, seed=7)
        consumer.person.first_name = DISPLAY_NAME
        # Trouble, so that the log has something to tell: a pause, and an update nobody can read.
        world.faults.order(Fault("429", method="sendMessage", skip=4, seconds=1))
        world.faults.order(Fault("poison_update"))
        People(world).act({"kind": "start", "person": TEACHER})
        await bot.start()
        async with asyncio.TaskGroup() as group:
            talk = group.create_task(consumer.complain())
            while "phone" not in consumer.typed:
                assert not talk.done()
                await asyncio.sleep(0.01)
            await bot.kill()  # with her words on their way through inbox and outbox
            assert_hidden(consumer, [*files(folder), *files(data)])
            await bot.start()
        async with bot.opened() as db:
            if not db.sqlite:
                async with db.write() as session:
                    await session.execute(text("CHECKPOINT"))
        await bot.kill()
        found = [*files(folder), *files(data)]
        assert_hidden(consumer, found)
        number = consumer.case_number()
        assert any(number.encode() in content for _, content in found), "the scan sees nothing"
        assert len(bot.printed()) > 200, "the log says nothing that could be scanned"


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it lies there, write-ahead logs included."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.name, file.read_bytes()


def assert_hidden(consumer: Consumer, found: Iterable[tuple[str, bytes]]) -> None:
    said = {
        key: consumer.typed[key]
        for key in ("story", "name", "phone", "address", "extra")
        if key in consumer.typed
    }
    said |= {"display name": DISPLAY_NAME, "lines": "的发票在"}
    for name, content in found:
        for what, words in said.items():
            for form in forms(words):
                assert form not in content, f"{what} can be read in {name}"


def forms(words: str) -> set[bytes]:
    """The ways in which a text may lie in a file."""
    return {
        words.encode(),
        words.encode("utf-16-le"),
        words.encode("utf-16-be"),
        words.encode("gb18030"),
        words.encode("ascii", "backslashreplace"),
    }
