"""The file of anchors beside the database: one line each, ``time number mac``."""

from __future__ import annotations

import os
from pathlib import Path

FILE = "audit-anchors.txt"

Line = tuple[str, int, str]


def keep(folder: Path, line: Line) -> None:
    """Add a line, unless it is there; what this returned from is on disk."""
    file = folder / FILE
    text = " ".join(map(str, line))
    if text in read_text(file).splitlines():
        return
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(text + "\n")
        out.flush()
        os.fsync(out.fileno())


def read(folder: Path) -> list[Line]:
    """Every anchor, the oldest first. Raises ValueError on a line that is none."""
    found = []
    for text in read_text(folder / FILE).splitlines():
        at, seq, mac = text.split(" ")
        found.append((at, int(seq), mac))
    return found


def read_text(file: Path) -> str:
    """The file as it is; '' when there is none."""
    return file.read_text("utf-8") if file.exists() else ""
