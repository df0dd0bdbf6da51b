"""``keys rotate``: everything is sealed anew while others write, a stop is gone on with, nothing is lost."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import select

from bot.adapters.clock import SystemClock
from bot.adapters.crypto import Keyring, SealBroken, prefix
from bot.adapters.database import Database
from bot.adapters.files import SealedFiles
from bot.services.privacy.rotate_keys import in_use, reseal, sealed_columns
from bot.services.queue.deliver import owe
from models.base import install_cipher
from models.case import Case
from tests.conftest import ROOT
from tests.integration.cli_helpers import PHONE, STORY, Suda, file_one, suda
from tests.integration.durable import opened, opened_on, outbox, text

__all__ = ["suda"]


def sealed_with(folder: Path) -> set[str]:
    """The ids of the keys of everything that lies in the database."""
    with closing(sqlite3.connect(folder / "suda.db")) as rows:
        return {
            bytes(value).split(b"|")[1].decode()
            for table, column in sealed_columns()
            for (value,) in rows.execute(
                f'SELECT "{column.name}" FROM "{table.name}" WHERE "{column.name}" IS NOT NULL'
            )
        }


def test_every_sealed_column_can_be_sealed_anew() -> None:
    found = list(sealed_columns())
    assert len(found) > 10
    assert [table.name for table, _ in found if "id" not in table.c] == []


def test_a_rotation_by_command(suda: Suda, tmp_path: Path) -> None:
    number = file_one(tmp_path)
    assert sealed_with(tmp_path / "data") == {"k1"}
    ran = suda("keys", "rotate")
    assert ran.code == 0, ran.err
    assert "k2" in ran.out
    assert "另外保存" in ran.err
    assert sealed_with(tmp_path / "data") == {"k2"}
    body = json.loads((tmp_path / "data" / "keyring.json").read_text("utf-8"))
    assert (body["active"], list(body["keys"])) == ("k2", ["k2"])
    assert PHONE in suda("case", "show", number, "--reveal").out
    assert suda("audit", "verify").code == 0


def test_what_was_stopped_is_gone_on_with(suda: Suda, tmp_path: Path) -> None:
    """A rotation that ended after its new key was made: no third key is made, the rest is done."""
    file_one(tmp_path)
    Keyring.rotate(tmp_path / "data" / "keyring.json")
    found = {row["name"]: row["level"] for row in json.loads(suda("doctor", "--json").out)}
    assert found["old_keys"] == "warn"
    assert suda("keys", "rotate").code == 0
    assert sealed_with(tmp_path / "data") == {"k2"}


def test_cases_of_a_number_are_found_and_the_number_is_in_no_column(
    suda: Suda, tmp_path: Path
) -> None:
    number = file_one(tmp_path)
    spelling = f"+86 {PHONE[:3]} {PHONE[3:7]} {PHONE[7:]}"
    found = json.loads(suda("case", "list", "--phone", spelling, "--json").out)
    assert [row["number"] for row in found] == [number]
    assert json.loads(suda("case", "list", "--phone", "13900000000", "--json").out) == []
    assert suda("case", "list", "--phone", "x").code == 2
    assert PHONE.encode() not in (tmp_path / "data" / "suda.db").read_bytes()


async def test_others_write_meanwhile_and_nothing_is_lost(tmp_path: Path) -> None:
    async with opened(tmp_path) as db:
        path = tmp_path / "keyring.json"
        ring = Keyring.open(path, create=False)
        install_cipher(ring)
        vault = SealedFiles(tmp_path / "evidence", ring)
        for number in range(30):
            await vault.put(f"file-{number}", b"%d" % number)
        clock = SystemClock()
        stop = asyncio.Event()
        written = 0

        async def write_on() -> None:
            nonlocal written
            while not stop.is_set():
                async with db.write() as session:
                    await owe(session, "tg:1", text(f"{written}"), now=clock.now())
                written += 1

        writing = asyncio.create_task(write_on())
        await asyncio.sleep(0.2)
        Keyring.rotate(path)
        ring.follow(at_once=True)
        ticks = 0

        def tick() -> None:
            nonlocal ticks
            ticks += 1

        done = await reseal(db, vault, prefix("k2"), tick)
        stop.set()
        await writing
        again = await reseal(db, vault, prefix("k2"))
        assert done.files == 30
        assert again == (0, 0), "whatever was written meanwhile has the new key"
        assert ticks >= done.rows + done.files
        assert not await in_use(db, vault, prefix("k1"))
        install_cipher(Keyring.drop(path, "k1"))
        assert [row.payload["parts"][0]["say"] for row in await outbox(db)] == [
            str(number) for number in range(written)
        ]
        ring.follow(at_once=True)
        assert [await vault.get(f"file-{number}") for number in range(30)] == [
            b"%d" % number for number in range(30)
        ]


SEALED_ROWS, SEALED_FILES = 410, 12
DICE = Random(20261128)
DEATHS = ("made", str(DICE.randrange(200, 400)), f"{DICE.uniform(0.3, 1):.3f}", "drop", "never")
"""When each of them dies: see rotate_child."""


async def filled(folder: Path) -> None:
    """Rows for several batches, and files."""
    ring = Keyring.open(folder / "keyring.json", create=False)
    install_cipher(ring)
    db = Database(f"sqlite:///{folder / 'suda.db'}")
    vault = SealedFiles(folder / "evidence", ring)
    async with db.write() as session:
        for number in range(SEALED_ROWS):
            await owe(session, f"tg:{number}", text(f"{number}"), now=SystemClock().now())
    for number in range(SEALED_FILES):
        await vault.put(f"file-{number}", b"%d" % number)
    await db.close()


async def all_opens(folder: Path) -> bool:
    """Whether everything reads as it was written, with the keys that are in the file now."""
    ring = Keyring.open(folder / "keyring.json", create=False)
    install_cipher(ring)
    db = Database(f"sqlite:///{folder / 'suda.db'}")
    vault = SealedFiles(folder / "evidence", ring)
    said = {
        row.target: row.payload["parts"][0]["say"]
        for row in await outbox(db)
        if row.target.startswith("tg:") and row.payload is not None
    }
    async with db.read() as session:
        story = (await session.scalars(select(Case))).one().answers["story"]["v"]
    files = [await vault.get(f"file-{number}") for number in range(SEALED_FILES)]
    await db.close()
    rows = {f"tg:{number}": str(number) for number in range(SEALED_ROWS)}
    return (
        said == rows
        and story == STORY
        and files == [b"%d" % number for number in range(SEALED_FILES)]
    )


def test_a_rotation_that_is_killed_at_any_moment_ends_in_the_end(
    suda: Suda, tmp_path: Path
) -> None:
    file_one(tmp_path)
    folder = tmp_path / "data"
    asyncio.run(filled(folder))
    ends, seen = [], []
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.rotate_child"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        for moment in DEATHS:
            child.stdin.write(f"{moment}\n")
            child.stdin.flush()
            ends.append(int(child.stdout.readline()))
            seen.append(sealed_with(folder))
            assert asyncio.run(all_opens(folder)), f"after a kill at {moment}"
    finally:
        child.kill()
        child.communicate()
    assert ends[-1] == 0
    assert ends.count(-signal.SIGKILL) >= 3, ends
    assert any(len(keys) > 1 for keys in seen), "no kill fell into the work"
    body = json.loads((folder / "keyring.json").read_text("utf-8"))
    assert list(body["keys"]) == [body["active"]], "no older key is kept, because none is needed"
    assert seen[-1] == {body["active"]}
    assert not list(folder.glob(".keyring-*")), "nor does one lie about"
    assert suda("audit", "verify").code == 0


async def test_a_changed_row_stops_the_rotation_and_keeps_the_old_key(tmp_path: Path) -> None:
    async with opened(tmp_path) as db:
        async with db.write() as session:
            await owe(session, "tg:1", text("x"), now=SystemClock().now())
            await owe(session, "tg:2", text("y"), now=SystemClock().now())
        with closing(sqlite3.connect(tmp_path / "suda.db")) as rows, rows:
            rows.execute(
                "UPDATE outbox SET payload_sealed = x'76317c6b317c00' WHERE target = 'tg:2'"
            )
        path = tmp_path / "keyring.json"
        ring = Keyring.rotate(path)
        install_cipher(ring)
        vault = SealedFiles(tmp_path / "evidence", ring)
        with pytest.raises(SealBroken):
            await reseal(db, vault, prefix("k2"))
        assert await in_use(db, vault, prefix("k1"))


async def test_it_is_the_same_on_postgresql(server: str, tmp_path: Path) -> None:
    async with opened_on(server, tmp_path) as db:
        async with db.write() as session:
            for number in range(450):
                await owe(session, "tg:1", text(f"{number}"), now=SystemClock().now())
        ring = Keyring.rotate(tmp_path / "keyring.json")
        install_cipher(ring)
        vault = SealedFiles(tmp_path / "evidence", ring)
        assert await in_use(db, vault, prefix("k1"))
        assert (await reseal(db, vault, prefix("k2"))).rows == 450
        assert not await in_use(db, vault, prefix("k1"))
