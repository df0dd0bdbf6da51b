"""Evidence files on disk, each sealed under its own key name; a ``bot.ports.Vault``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from models.base import Cipher

_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")


class VaultMissing(KeyError):
    """No file is kept under this key."""


class SealedFiles:
    """Files in one folder, two levels deep so that no folder grows large.

    Keys are names of our own making (letters, digits, ``_`` and ``-``), never a person's. What
    :meth:`put` returned from is on disk.
    """

    def __init__(self, folder: Path, cipher: Cipher) -> None:
        self._folder = folder
        self._cipher = cipher

    async def put(self, key: str, content: bytes) -> None:
        """Keep ``content``; the same key again replaces it. Raises ValueError on a bad key."""
        path = self._path(key)
        await asyncio.to_thread(_write, path, self._cipher.seal(content, self._aad(key)))

    async def get(self, key: str) -> bytes:
        """Raises VaultMissing, and what the cipher raises on a changed file."""
        path = self._path(key)
        try:
            sealed = await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            raise VaultMissing(key) from None
        return self._cipher.unseal(sealed, self._aad(key))

    async def drop(self, key: str) -> None:
        """Erase; a key that is not there is no error."""
        path = self._path(key)
        await asyncio.to_thread(path.unlink, missing_ok=True)

    async def reseal(self, prefix: bytes) -> AsyncIterator[bool]:
        """Seal anew every file that does not begin with ``prefix``; gives for each file it looked at
        whether that was needed. Raises what the cipher raises."""
        for path in await asyncio.to_thread(self._files):
            yield await asyncio.to_thread(self._reseal, path, prefix)

    async def holds(self, prefix: bytes) -> bool:
        """Whether any file begins with ``prefix``."""

        def look() -> bool:
            return any(_beginning(path, len(prefix)) == prefix for path in self._files())

        return await asyncio.to_thread(look)

    def _files(self) -> list[Path]:
        return [path for path in sorted(self._folder.glob("*/*")) if _KEY.fullmatch(path.name)]

    def _reseal(self, path: Path, prefix: bytes) -> bool:
        if _beginning(path, len(prefix)) in (prefix, b""):
            return False
        aad = self._aad(path.name)
        content = self._cipher.seal(self._cipher.unseal(path.read_bytes(), aad), aad)
        if path.exists():  # erased meanwhile: it must not come back
            _write(path, content)
        return True

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError("a vault key may hold letters, digits, _ and - only")
        return self._folder / key[-2:] / key

    def _aad(self, key: str) -> str:
        return f"vault.file.{key}"


def _beginning(path: Path, size: int) -> bytes:
    """The first bytes; b"" of a file that is gone."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except FileNotFoundError:
        return b""


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A renamed file is there after a power cut only when its folder was written too."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
