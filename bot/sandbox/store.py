"""Where the simulated Telegram keeps its state: small JSON documents and files, in one SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Store:
    """Documents by kind and key, and file contents by id.

    ``path`` None keeps everything in memory. Each write is committed at once, so killing the
    process loses nothing; only a power failure may (synchronous is off: this is a stand-in).
    """

    def __init__(self, path: Path | str | None = None) -> None:
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(
            str(path) if path is not None else ":memory:",
            isolation_level=None,
            check_same_thread=False,
        )
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS doc"
            " (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS content (id TEXT PRIMARY KEY, bytes BLOB)")

    def all(self, kind: str) -> Iterator[tuple[str, Any]]:
        for key, body in self._db.execute("SELECT key, body FROM doc WHERE kind = ?", (kind,)):
            yield key, json.loads(body)

    def put(self, kind: str, key: object, body: Any) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO doc VALUES (?, ?, ?)",
            (kind, str(key), json.dumps(body, ensure_ascii=False)),
        )

    def drop(self, kind: str, key: object) -> None:
        self._db.execute("DELETE FROM doc WHERE kind = ? AND key = ?", (kind, str(key)))

    def put_content(self, key: str, content: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO content VALUES (?, ?)", (key, content))

    def content(self, key: str) -> bytes | None:
        row = self._db.execute("SELECT bytes FROM content WHERE id = ?", (key,)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        self._db.close()
