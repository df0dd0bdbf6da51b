"""The keyring file, and sealing with it: AES-256-GCM, and HMAC-SHA256 for the blind index.

A sealed value is ``v1|key id|`` + 12 bytes of nonce + ciphertext with its tag. The file is JSON,
readable by its owner alone; a backup leaves it out, and without it sealed columns stay shut.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FORMAT = b"v1"
KEY_BYTES = 32
NONCE_BYTES = 12
HALF_DONE = ".keyring-"
"""Begins the name of a keyring that is being written."""

FOLLOW_SECONDS = 1.0
"""How long a process may go on sealing with a key that another has replaced."""


class KeyringError(Exception):
    """The keyring cannot be used; the message is one sentence for the operator."""


class KeyringMissing(KeyringError):
    """There is no keyring file."""


class KeyringUnreadable(KeyringError):
    """The file is there but is not a keyring, or may not be read."""


class KeyringExposed(KeyringError):
    """Others than the owner may read the file."""


class SealBroken(Exception):
    """A sealed value was changed, belongs to another row, or its key is not in the keyring."""


class Keyring:
    """Seals, opens and fingerprints; a ``models.base.Cipher``. Old keys still open.

    It follows its file: a key that another process added is used within a second, and read at once
    where something is sealed with it.
    """

    def __init__(
        self, keys: Mapping[str, bytes], active: str, blind_key: bytes, path: Path | None = None
    ) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._active = active
        self._blind_key = blind_key
        self._path = path
        self._looked_at = monotonic()
        self._changed_at = _changed_at(path)
        if active not in self._ciphers:
            raise KeyringUnreadable(f"the keyring names {active} as its key but does not hold it")

    @classmethod
    def open(cls, path: Path | str, create: bool = True) -> Self:
        """Read the keyring, or make one (mode 0600) where there is none and ``create`` is set.

        Raises KeyringMissing, KeyringUnreadable or KeyringExposed.
        """
        path = Path(path)
        if create and not path.exists():
            body = {"active": "k1", "keys": {"k1": _new_key()}, "blind": _new_key()}
            _write(path, body, replace=False)
        return cls._from_body(_read(path), path)

    @classmethod
    def rotate(cls, path: Path | str) -> Self:
        """Add a key and seal with it from now on; what older keys sealed still opens."""
        path = Path(path)
        body = _read(path)
        keys = dict(body["keys"])
        fresh = f"k{max(int(key_id.removeprefix('k')) for key_id in keys) + 1}"
        keys[fresh] = _new_key()
        _write(path, {**body, "active": fresh, "keys": keys}, replace=True)
        return cls.open(path, create=False)

    @classmethod
    def drop(cls, path: Path | str, key_id: str) -> Self:
        """Take an old key out of the file: what it sealed never opens again. Raises ValueError for
        the key in use."""
        path = Path(path)
        body = _read(path)
        if key_id == body["active"]:
            raise ValueError(f"{key_id} is the key in use")
        keys = {name: key for name, key in body["keys"].items() if name != key_id}
        _write(path, {**body, "keys": keys}, replace=True)
        return cls.open(path, create=False)

    @classmethod
    def _from_body(cls, body: Mapping[str, Any], path: Path | None = None) -> Self:
        try:
            keys = {
                key_id: base64.b64decode(key, validate=True) for key_id, key in body["keys"].items()
            }
            blind = base64.b64decode(str(body["blind"]), validate=True)
            if any(len(key) != KEY_BYTES for key in (*keys.values(), blind)):
                raise ValueError("a key has the wrong length")
            return cls(keys, str(body["active"]), blind, path)
        except (KeyError, AttributeError, TypeError, ValueError, binascii.Error) as error:
            raise KeyringUnreadable(f"the keyring file is damaged: {error}") from error

    @property
    def fingerprint(self) -> str:
        """16 hex digits that tell this keyring from another, and nothing of its keys."""
        return self.blind("keyring fingerprint").hex()[:16]

    @property
    def active(self) -> str:
        """The id of the key that seals."""
        return self._active

    @property
    def old(self) -> tuple[str, ...]:
        """The ids of the keys that only open."""
        return tuple(key_id for key_id in self._ciphers if key_id != self._active)

    def follow(self, at_once: bool = False) -> None:
        """Read the file again if it changed; one that cannot be read changes nothing."""
        now = monotonic()
        if self._path is None or (now - self._looked_at < FOLLOW_SECONDS and not at_once):
            return
        self._looked_at = now
        changed_at = _changed_at(self._path)
        if changed_at == self._changed_at:
            return
        with contextlib.suppress(KeyringError):
            fresh = type(self).open(self._path, create=False)
            self._ciphers, self._active = fresh._ciphers, fresh._active
            self._changed_at = changed_at

    def seal(self, plain: bytes, aad: str) -> bytes:
        """Encrypt under the active key, bound to ``aad``."""
        self.follow()
        nonce = secrets.token_bytes(NONCE_BYTES)
        ciphertext = self._ciphers[self._active].encrypt(nonce, plain, aad.encode())
        return b"|".join((FORMAT, self._active.encode(), nonce + ciphertext))

    def unseal(self, sealed: bytes, aad: str) -> bytes:
        """Decrypt. Raises SealBroken."""
        try:
            version, key_id, body = sealed.split(b"|", 2)
            if version != FORMAT:
                raise SealBroken("sealed in an unknown format")
            if key_id.decode() not in self._ciphers:
                self.follow(at_once=True)
            aead = self._ciphers[key_id.decode()]
            return aead.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], aad.encode())
        except KeyError as error:
            raise SealBroken("sealed under a key that this keyring does not hold") from error
        except (ValueError, InvalidTag) as error:
            raise SealBroken("changed since it was sealed, or moved from another row") from error

    def blind(self, text: str) -> bytes:
        """HMAC-SHA256 of the text: 32 bytes, equal for equal texts."""
        return hmac.new(self._blind_key, text.encode(), hashlib.sha256).digest()

    def sign(self, text: str) -> bytes:
        """HMAC-SHA256 of the text under a key of its own, which follows from the keyring's."""
        key = hmac.new(self._blind_key, b"suda audit chain", hashlib.sha512).digest()
        return hmac.new(key, text.encode(), hashlib.sha256).digest()


def prefix(key_id: str) -> bytes:
    """What everything sealed with this key begins with."""
    return b"|".join((FORMAT, key_id.encode(), b""))


def _changed_at(path: Path | None) -> int:
    try:
        return path.stat().st_mtime_ns if path is not None else 0
    except OSError:
        return 0


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def _read(path: Path) -> dict[str, Any]:
    try:
        mode = path.stat().st_mode
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise KeyringMissing(
            f"there is no keyring at {path}; put the saved one back, or what was sealed stays shut"
        ) from error
    except OSError as error:
        raise KeyringUnreadable(
            f"the keyring at {path} cannot be read: {error.strerror}"
        ) from error
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise KeyringExposed(f"others may read the keyring at {path}; run: chmod 600 {path}")
    try:
        body = json.loads(text)
    except ValueError as error:
        raise KeyringUnreadable(f"the keyring at {path} is not JSON") from error
    if not isinstance(body, dict):
        raise KeyringUnreadable(f"the keyring at {path} is not a keyring")
    return body


def _clear_away(folder: Path, but: str) -> None:
    """What a killed process left half done holds keys too, which may be dropped by now."""
    for left in folder.glob(f"{HALF_DONE}*"):
        if left.name != Path(but).name:
            left.unlink(missing_ok=True)


def _write(path: Path, body: Mapping[str, object], replace: bool) -> None:
    """All or nothing, 0600 from its first byte; without ``replace`` an existing file wins."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=HALF_DONE)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(body, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            if replace:
                _clear_away(path.parent, name)
                os.replace(name, path)
            else:
                with contextlib.suppress(FileExistsError):
                    os.link(name, path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
    except OSError as error:
        raise KeyringUnreadable(
            f"the keyring at {path} cannot be written: {error.strerror}"
        ) from error
