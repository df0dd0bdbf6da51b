"""The keyring file, what it seals, and sealed columns of a row."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.crypto import (
    Keyring,
    KeyringError,
    KeyringExposed,
    KeyringMissing,
    KeyringUnreadable,
    SealBroken,
)
from bot.adapters.files import SealedFiles, VaultMissing
from models.base import install_cipher, uuid7
from models.delivery import Inbox, Outbox

do = asyncio.run


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return Keyring.open(tmp_path_factory.mktemp("keys") / "keyring.json")


@pytest.fixture
def _installed(keyring: Keyring) -> Iterator[None]:
    install_cipher(keyring)
    yield
    install_cipher(None)


@given(plain=st.binary(), aad=st.text())
def test_what_is_sealed_opens_again_and_shows_nothing(
    keyring: Keyring, plain: bytes, aad: str
) -> None:
    try:
        aad.encode()
    except UnicodeEncodeError:
        return
    sealed = keyring.seal(plain, aad)
    assert keyring.unseal(sealed, aad) == plain
    assert sealed.startswith(b"v1|k1|")
    assert len(plain) < 8 or plain not in sealed


@given(at=st.integers(0, 200), flip=st.integers(1, 255))
def test_a_changed_byte_is_noticed(keyring: Keyring, at: int, flip: int) -> None:
    sealed = bytearray(keyring.seal("王秀英".encode() * 5, "t.c.1"))
    sealed[at % len(sealed)] ^= flip
    with pytest.raises(SealBroken):
        keyring.unseal(bytes(sealed), "t.c.1")


@given(st.binary(max_size=60))
def test_rubbish_does_not_open(keyring: Keyring, rubbish: bytes) -> None:
    with pytest.raises(SealBroken):
        keyring.unseal(rubbish, "t.c.1")


def test_the_same_text_is_sealed_differently_each_time(keyring: Keyring) -> None:
    assert keyring.seal(b"same", "a") != keyring.seal(b"same", "a")


def test_a_phone_is_found_by_its_fingerprint_but_not_read(keyring: Keyring, tmp_path: Path) -> None:
    other = Keyring.open(tmp_path / "other.json")
    assert keyring.blind("13800138000") == keyring.blind("13800138000")
    assert keyring.blind("13800138000") != keyring.blind("13800138001")
    assert keyring.blind("13800138000") != other.blind("13800138000")
    assert b"138" not in keyring.blind("13800138000")


def test_a_new_keyring_is_its_owners_alone_and_opens_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "keyring.json"
    first = Keyring.open(path)
    assert path.stat().st_mode & 0o777 == 0o600
    sealed = first.seal(b"x", "a")
    again = Keyring.open(path)
    assert again.unseal(sealed, "a") == b"x"
    assert again.fingerprint == first.fingerprint
    assert [entry.name for entry in path.parent.iterdir()] == ["keyring.json"]


def test_rotation_seals_anew_and_still_opens_the_old(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    old = Keyring.open(path)
    sealed = old.seal(b"x", "a")
    new = Keyring.rotate(path)
    assert new.seal(b"y", "a").startswith(b"v1|k2|")
    assert new.unseal(sealed, "a") == b"x"
    assert new.fingerprint == old.fingerprint
    assert path.stat().st_mode & 0o777 == 0o600
    assert old.unseal(new.seal(b"z", "a"), "a") == b"z", "a running process follows its file"
    with pytest.raises(ValueError, match="in use"):
        Keyring.drop(path, "k2")
    only = Keyring.drop(path, "k1")
    with pytest.raises(SealBroken, match="does not hold"):
        only.unseal(sealed, "a")
    assert Keyring.rotate(path).active == "k3", "an id is never used again"


def test_a_keyring_that_vanishes_takes_nothing_from_a_running_process(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    ring = Keyring.open(path)
    sealed = ring.seal(b"x", "a")
    path.write_text("{}")
    ring.follow(at_once=True)
    path.unlink()
    ring.follow(at_once=True)
    assert ring.unseal(sealed, "a") == b"x"


def test_a_lost_keyring_is_never_replaced_in_silence(tmp_path: Path) -> None:
    with pytest.raises(KeyringMissing):
        Keyring.open(tmp_path / "keyring.json", create=False)
    assert not (tmp_path / "keyring.json").exists()


def test_an_exposed_keyring_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    Keyring.open(path)
    path.chmod(0o644)
    with pytest.raises(KeyringExposed, match="chmod 600"):
        Keyring.open(path)


@pytest.mark.parametrize(
    "body",
    ["", "not json", "[]", "{}", '{"active":"k1","keys":{"k1":"AAAA"},"blind":"AAAA"}', "null"],
)
def test_a_damaged_keyring_is_refused_and_left_as_it_is(tmp_path: Path, body: str) -> None:
    path = tmp_path / "keyring.json"
    path.touch(mode=0o600)
    path.write_text(body)
    with pytest.raises(KeyringUnreadable):
        Keyring.open(path)
    assert path.read_text() == body


def test_a_keyring_without_its_own_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    Keyring.open(path)
    body = json.loads(path.read_text())
    path.write_text(json.dumps({**body, "active": "k9"}))
    with pytest.raises(KeyringUnreadable, match="k9"):
        Keyring.open(path)


def test_a_folder_in_place_of_the_keyring_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(KeyringError):
        Keyring.open(tmp_path)


@pytest.mark.usefixtures("_installed")
def test_a_sealed_column_reads_as_it_was_written() -> None:
    row = Outbox(payload={"said": "王秀英", "n": [1, None]})
    assert row.payload == {"said": "王秀英", "n": [1, None]}
    assert "王秀英".encode() not in (row.payload_sealed or b"")
    row.payload = None
    assert row.payload_sealed is None
    assert row.payload is None


@pytest.mark.usefixtures("_installed")
def test_a_value_read_is_a_copy_of_what_the_column_holds_now() -> None:
    row = Outbox(payload={"n": [1]})
    row.payload["n"].append(2)
    assert row.payload == {"n": [1]}
    row.payload = {"n": [3]}
    assert row.payload == {"n": [3]}
    row.payload_sealed = Outbox.payload.seal(row.id, {"n": [4]})
    assert row.payload == {"n": [4]}


@pytest.mark.usefixtures("_installed")
def test_a_value_copied_to_another_row_or_table_does_not_open() -> None:
    row, other = Outbox(payload={"to": "a"}), Outbox(payload={"to": "b"})
    assert other.payload == {"to": "b"}
    other.payload_sealed = row.payload_sealed
    with pytest.raises(SealBroken):
        _ = other.payload
    moved = Inbox(id=row.id, payload_sealed=row.payload_sealed)
    with pytest.raises(SealBroken):
        _ = moved.payload


@pytest.mark.usefixtures("_installed")
def test_an_insert_without_an_object_seals_the_same() -> None:
    row_id = uuid4()
    row = Inbox(id=row_id, payload_sealed=Inbox.payload.seal(row_id, {"a": 1}))
    assert row.payload == {"a": 1}


def test_without_a_cipher_nothing_is_stored_plain() -> None:
    with pytest.raises(RuntimeError, match="no cipher"):
        Outbox(payload={"said": "x"})


def test_keys_of_one_process_rise() -> None:
    keys = [uuid7() for _ in range(5000)]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert {key.version for key in keys} == {7}
    assert len({key.variant for key in keys}) == 1


def test_a_kept_file_is_unreadable_on_disk_and_bound_to_its_name(
    tmp_path: Path, keyring: Keyring
) -> None:
    files = SealedFiles(tmp_path, keyring)
    do(files.put("first", b"a picture of a receipt"))
    do(files.put("second", b"another"))
    assert do(files.get("first")) == b"a picture of a receipt"
    kept = {path.name: path for path in tmp_path.rglob("*") if path.is_file()}
    assert set(kept) == {"first", "second"}
    assert b"receipt" not in kept["first"].read_bytes()
    kept["second"].write_bytes(kept["first"].read_bytes())
    with pytest.raises(SealBroken):
        do(files.get("second"))
    do(files.drop("first"))
    do(files.drop("first"))
    with pytest.raises(VaultMissing):
        do(files.get("first"))


@pytest.mark.parametrize("key", ["../keyring", "a/b", "", "名", "a" * 129, ".hidden"])
def test_a_vault_key_cannot_leave_its_folder(tmp_path: Path, keyring: Keyring, key: str) -> None:
    with pytest.raises(ValueError, match="vault key"):
        do(SealedFiles(tmp_path, keyring).put(key, b"x"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("here", [False, True])
def test_a_keyring_half_written_by_a_process_that_died_is_cleared_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("keyring.json") if here else tmp_path / "keyring.json"
    Keyring.open(path)
    (tmp_path / ".keyring-dead").write_text('{"keys": {"k1": "…"}}', "utf-8")
    ring = Keyring.rotate(path)
    assert ring.active == "k2"
    assert [one.name for one in tmp_path.iterdir()] == ["keyring.json"]
