"""Bring a database to the program's schema, and tell whether it is there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from bot.adapters.courier import QUEUE_TABLE
from bot.adapters.database import driver_url, explain, make_folder

SCRIPTS = "models:migrations"

ADVISORY_LOCK = 5_394_825_761
"""Any fixed number: two processes that migrate one PostgreSQL server wait for each other by it."""


def upgrade(url: str) -> None:
    """Bring the database at ``url`` to the newest revision; all or nothing.

    A new one is made as the models say: to repeat our history takes ten times as long, and a test
    holds that it comes to the same. Raises DatabaseProblem.
    """
    with _connection(url) as connection:
        if MigrationContext.configure(connection).get_current_revision() is None:
            _run_env(connection, _make)
        else:
            command.upgrade(_config(connection), "head")
        if connection.dialect.name == "postgresql":
            _make_queue(connection)


def _make(context: MigrationContext) -> None:
    """Every table, at the newest revision."""
    context.opts["target_metadata"].create_all(context.connection, checkfirst=False)
    context.stamp(ScriptDirectory.from_config(_config()), "head")


def _make_queue(connection: Connection) -> None:
    """The wake-ups' tables, which are procrastinate's own; to make them twice would fail."""
    from procrastinate.schema import SchemaManager

    if connection.scalar(text("SELECT to_regclass(:t)"), {"t": QUEUE_TABLE}) is None:
        # Several statements at once, which SQLAlchemy's own way does not pass on.
        connection.connection.cursor().execute(SchemaManager.get_schema())


def check(url: str) -> list[Any]:
    """The differences between the database and the models; empty when they agree."""
    differences: list[Any] = []

    def compare(context: MigrationContext) -> None:
        differences.extend(compare_metadata(context, context.opts["target_metadata"]))

    with _connection(url) as connection:
        _run_env(connection, compare)
    return differences


@cache
def head() -> str:
    """The newest revision that the program brings; "" while there is none."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(url: str) -> str:
    """The revision of the database; "" when it was never migrated. Raises DatabaseProblem."""
    with _connection(url) as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def write_revision(message: str) -> Path:
    """For developers: write the step from the newest revision to the present models."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.db"
        with _connection(url) as connection:
            config = _config(connection)
            command.upgrade(config, "head")
            made = command.revision(config, message, autogenerate=True)
    if made is None or isinstance(made, list):
        raise RuntimeError("no single revision was written")
    return Path(made.path)


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def _run_env(connection: Connection, do: Any) -> None:
    """Run env.py, so that the comparison knows what a migration knows."""
    config = _config(connection)
    script = ScriptDirectory.from_config(config)

    def step(_revision: Any, context: MigrationContext) -> list[Any]:
        do(context)
        return []

    with EnvironmentContext(config, script, fn=step, dont_mutate=True):
        script.run_env()


@contextmanager
def _connection(url: str) -> Iterator[Connection]:
    """One connection in one transaction, which is committed at the end."""
    parsed = driver_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite:
        make_folder(Path(str(parsed.database)))
        parsed = parsed.set(drivername="sqlite")
    engine = create_engine(parsed, poolclass=NullPool, hide_parameters=True)
    if sqlite:
        _one_transaction(engine)
    try:
        with engine.begin() as connection:
            if not sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": ADVISORY_LOCK})
            yield connection
    except DBAPIError as error:
        raise explain(error, parsed) from error
    finally:
        engine.dispose()


def _one_transaction(engine: Any) -> None:
    """By itself the driver commits before each change of the schema."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
