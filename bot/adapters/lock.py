"""One bot on one data folder: a second would take back the first one's work in hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


class AlreadyRunning(Exception):
    """Another process is the bot of this data folder."""


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold ``bot.lock`` in ``folder``; the system lets go of it when the process dies.

    Raises AlreadyRunning.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "bot.lock", thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunning(f"a bot already runs on {folder}; stop it first") from None
    try:
        yield
    finally:
        lock.release()
