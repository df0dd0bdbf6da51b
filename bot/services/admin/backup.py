"""Copy an SQLite database while the bot runs, and put a copy back.

The keyring is left out on purpose: whoever holds a copy without it reads no personal text. Keep it
apart, since without it the copy's sealed columns stay shut. PostgreSQL has ``pg_dump``.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

BUSY_SECONDS = 15


class BackupFailed(Exception):
    """No copy was made or put back; the message is one sentence for the operator."""


def backup(db_url: str, folder: Path, now: datetime) -> Path:
    """Write ``suda-<time>.db`` (time in UTC) into ``folder`` and check it; the file's path.

    VACUUM INTO copies one state of the database, however busy its writer is. Raises BackupFailed.
    """
    source = _file(db_url)
    if not source.is_file():
        raise BackupFailed(f"there is no database at {source}")
    target = folder / f"suda-{now:%Y%m%dT%H%M%S}Z.db"
    part = target.with_suffix(".part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists():
            raise BackupFailed(f"{target} is already there")
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as database:
            database.execute("VACUUM INTO ?", (str(part),))
        part.chmod(0o600)
        _verify(part)
        _to_disk(part)
        os.replace(part, target)
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed(f"the backup could not be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def restore(file: Path, db_url: str, now: datetime) -> Path | None:
    """Put a copy in the database's place; the path to which the old one was moved, if any.

    The bot must be stopped. The copy is checked before anything is touched, and the old database
    is kept beside the new one. Raises BackupFailed.
    """
    target = _file(db_url)
    if not file.is_file():
        raise BackupFailed(f"there is no backup at {file}")
    _verify(file)
    aside: Path | None = None
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _refuse_if_in_use(target)
        with (
            closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as copy,
            closing(sqlite3.connect(part)) as fresh,
        ):
            copy.backup(fresh)
        _to_disk(part)
        if target.exists():
            aside = target.with_name(f"{target.name}.before-{now:%Y%m%dT%H%M%S}Z")
            os.replace(target, aside)
        for suffix in ("-wal", "-shm"):
            target.with_name(target.name + suffix).unlink(missing_ok=True)
        os.replace(part, target)
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed(f"the backup could not be put back: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return aside


def _file(db_url: str) -> Path:
    try:
        url = make_url(db_url)
    except ArgumentError as error:
        raise BackupFailed("DATABASE_URL is not a database address") from error
    if url.get_backend_name() != "sqlite" or not url.database:
        raise BackupFailed("only an SQLite file is copied here; use pg_dump for PostgreSQL")
    return Path(url.database)


def _verify(file: Path) -> None:
    """Raises BackupFailed unless the file is a whole database with its foreign keys in order."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            found = [row[0] for row in database.execute("PRAGMA integrity_check")]
            broken = database.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.Error as error:
        raise BackupFailed(f"{file.name} is not a whole database: {error}") from error
    if found != ["ok"] or broken is not None:
        raise BackupFailed(f"{file.name} is damaged")


def _refuse_if_in_use(target: Path) -> None:
    """Fold the write-ahead log into the old file; a process that works on it refuses that."""
    if not target.exists():
        return
    try:
        with closing(sqlite3.connect(target, timeout=0, isolation_level=None)) as database:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("BEGIN EXCLUSIVE")
            database.execute("ROLLBACK")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise BackupFailed("the database is in use; stop the bot first") from error
    except sqlite3.DatabaseError:
        # A file that is no database any more is a good reason to restore.
        return


def _to_disk(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
