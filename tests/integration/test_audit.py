"""The audit chain: what is recorded, and that a changed, removed, added or reordered line is found."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import select

from bot.adapters import anchors
from bot.services.privacy import anchor, audit
from bot.services.privacy.audit import Anchor
from bot.services.queue.timers import Scanner
from models.delivery import Outbox
from models.privacy import Act
from tests.integration.admin_office import AUNT, BOSS, TEACHER, Office, opened
from tests.integration.cli_helpers import Suda, file_one, suda
from tests.integration.durable import START
from tests.integration.durable import opened as database

__all__ = ["suda"]

LINES = 6


async def chain(folder: Path) -> None:
    """A database whose chain has six lines."""
    async with database(folder) as db, db.write() as session:
        for number in range(LINES):
            at = START + timedelta(minutes=number)
            await audit.record(session, at, Act.VIEW, "bot", f"case:{uuid4()}", number=number)


async def wrong(folder: Path, kept: tuple[Anchor, ...] = ()) -> list[str]:
    """The kinds of trouble found in the chain that lies there."""
    from bot.adapters.crypto import Keyring
    from bot.adapters.database import Database
    from models.base import install_cipher

    install_cipher(Keyring.open(folder / "keyring.json", create=False))
    db = Database(f"sqlite:///{folder}/suda.db")
    try:
        async with db.read() as session:
            found = await audit.verify(session, kept)
        return [problem.key.rpartition(".")[2] for problem in found.wrong]
    finally:
        await db.close()
        install_cipher(None)


def alter(folder: Path, *statements: str) -> None:
    with closing(sqlite3.connect(folder / "suda.db")) as rows, rows:
        for statement in statements:
            assert rows.execute(statement).rowcount > 0, statement


async def test_an_honest_chain_holds(tmp_path: Path) -> None:
    await chain(tmp_path)
    assert await wrong(tmp_path) == []


@pytest.mark.parametrize(
    ("statements", "found"),
    [
        (["UPDATE audit SET act = 'told' WHERE seq = 3"], ["changed"]),
        (["UPDATE audit SET \"by\" = 'operator:eve' WHERE seq = 3"], ["changed"]),
        (["UPDATE audit SET about = '' WHERE seq = 3"], ["changed"]),
        (["UPDATE audit SET details = '{\"number\": 9}' WHERE seq = 3"], ["changed"]),
        (["UPDATE audit SET at = '2026-01-01 00:00:00.000000' WHERE seq = 3"], ["changed"]),
        (["UPDATE audit SET mac = x'00' WHERE seq = 3"], ["changed", "order"]),
        (["DELETE FROM audit WHERE seq = 3"], ["missing"]),
        (
            ["DELETE FROM audit WHERE seq = 3", "UPDATE audit SET seq = seq - 1 WHERE seq > 3"],
            ["order", "changed", "changed", "changed", "cut"],
        ),
        (
            [
                "UPDATE audit SET seq = 99 WHERE seq = 3",
                "UPDATE audit SET seq = 3 WHERE seq = 4",
                "UPDATE audit SET seq = 4 WHERE seq = 99",
            ],
            ["order", "changed", "order", "changed", "order"],
        ),
        (["DELETE FROM audit WHERE seq = 6"], ["cut"]),
        (["DELETE FROM meta WHERE key = 'audit_head'"], ["cut"]),
    ],
)
async def test_what_was_done_to_a_line_is_found(
    tmp_path: Path, statements: list[str], found: list[str]
) -> None:
    await chain(tmp_path)
    alter(tmp_path, *statements)
    assert await wrong(tmp_path) == found


async def test_a_chain_cut_off_with_its_head_is_found_by_an_anchor_alone(tmp_path: Path) -> None:
    await chain(tmp_path)
    with closing(sqlite3.connect(tmp_path / "suda.db")) as rows:
        macs = dict(rows.execute("SELECT seq, hex(mac) FROM audit").fetchall())
    kept = (Anchor("2026-11-24", 4, macs[4].lower()[:32]), Anchor("2026-11-25", 6, macs[6].lower()))
    assert await wrong(tmp_path, kept) == []
    alter(
        tmp_path,
        "DELETE FROM audit WHERE seq > 4",
        f"""UPDATE meta SET value = '{{"seq": 4, "mac": "{macs[4].lower()}"}}' WHERE key = 'audit_head'""",
    )
    assert await wrong(tmp_path) == [], "without an anchor nobody can know"
    assert await wrong(tmp_path, kept) == ["anchor_wrong"]


async def test_an_anchor_goes_out_once_a_day_and_only_when_there_is_something_new(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as office:
        await office.appoint()
        timers = Scanner(
            office.db,
            office.clock,
            {anchor.TIMER: lambda session, timer: anchor.drop(session, office.tables, timer)},
        )
        async with office.rows() as session:
            await anchor.plan(session, office.tables)
        for days in (1, 1, 1):
            office.clock.at += timedelta(days=days)
            while await timers.drain_once():
                pass
        said = [shown.text for shown in await office.read(BOSS) if "审计锚" in shown.text]
        assert len(said) == 1, "nothing new on the second and third day"
        async with office.rows() as session:
            seq, mac = await audit.head(session)
            owed = (await session.scalars(select(Outbox).where(Outbox.kind == anchor.ERRAND))).all()
        assert f"第 {seq} 条" in said[0]
        assert mac[:32] in said[0]
        assert [row.payload["seq"] for row in owed] == [seq]


def test_the_file_of_anchors_keeps_each_once(tmp_path: Path) -> None:
    first, second = ("2026-11-24T09:00:00+08:00", 4, "ab" * 16), ("2026-11-25", 9, "cd" * 16)
    for line in (first, first, second, first):
        anchors.keep(tmp_path, line)
    assert anchors.read(tmp_path) == [first, second]
    assert (tmp_path / anchors.FILE).stat().st_mode & 0o077 == 0


async def acts(office: Office) -> list[str]:
    async with office.rows() as session:
        rows = await session.execute(select(audit.Audit.act).order_by(audit.Audit.seq))
        return list(rows.scalars())


Deed = Callable[[Office], object]


async def test_who_rules_and_who_reads_is_recorded(tmp_path: Path) -> None:
    async with opened(tmp_path) as office:
        await office.appoint()
        await office.bind("花木街道")
        await office.case("PD261123-0001", desk="花木街道")
        await office.tap_menu("运营单位")
        await office.write(BOSS, "浦东新区市场监督管理局")
        await office.write(TEACHER, "/staff")
        found = await acts(office)
        assert found == ["admin", "bind", "operator"]
        async with office.rows() as session:
            checked = await audit.verify(session)
        assert checked == (3, 0, ())
        assert AUNT not in str(found)


def test_what_an_operator_reveals_is_recorded_and_shown_to_her(suda: Suda, tmp_path: Path) -> None:
    number = file_one(tmp_path)
    assert suda("case", "show", number).code == 0
    assert suda("case", "show", number, "--reveal").code == 0
    assert suda("staff", "list", "--reveal").code == 0
    assert suda("case", "export", "x.csv").code == 0
    with closing(sqlite3.connect(tmp_path / "data" / "suda.db")) as rows:
        found = rows.execute(
            "SELECT act, \"by\", about FROM audit WHERE act IN ('reveal', 'export') ORDER BY seq"
        ).fetchall()
    assert [(act, by.split(":")[0], about.split(":")[0]) for act, by, about in found] == [
        ("reveal", "operator", "case"),
        ("reveal", "operator", "staff"),
        ("export", "operator", ""),
    ]
    ran = suda("audit", "verify")
    assert ran.code == 0, ran.err
    with closing(sqlite3.connect(tmp_path / "data" / "suda.db")) as rows, rows:
        rows.execute("DELETE FROM audit WHERE act = 'reveal'")
    ran = suda("audit", "verify")
    assert ran.code == 1
    assert "审计链缺第" in ran.out
