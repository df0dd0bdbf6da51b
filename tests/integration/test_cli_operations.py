"""``doctor``, ``backup``, ``restore``, ``bench``, ``worker``: an operator's day, as it is typed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.adapters.crypto import Keyring
from bot.bench import benches, measure
from bot.classify import bench as understanding
from tests.integration.cli_helpers import Suda, file_one, process, suda

__all__ = ["suda"]

TOKEN = "1234:abc"


def levels(suda: Suda, *words: object) -> dict[str, str]:
    return {row["name"]: row["level"] for row in json.loads(suda("doctor", "--json", *words).out)}


# -- doctor -----------------------------------------------------------------------------------


def test_a_fresh_machine_is_well_and_nothing_is_made(suda: Suda, tmp_path: Path) -> None:
    ran = suda("doctor")
    assert ran.code == 0, ran.err
    assert "没有必须马上处理的问题" in ran.out
    assert "CROSS_BORDER_BASIS" in ran.out
    assert "个人信息保护法" in ran.out
    assert "试运行" in ran.out
    assert list(tmp_path.iterdir()) == []
    found = levels(suda)
    assert {found[name] for name in ("settings", "texts", "rules", "law", "region")} == {"ok"}
    assert {found[name] for name in ("database", "trial", "basis", "telegram")} == {"warn"}


def test_an_installation_in_use_is_well(suda: Suda, tmp_path: Path) -> None:
    file_one(tmp_path)
    found = levels(suda)
    assert {found[n] for n in ("database", "migrations", "key_file", "key_fits", "disk")} == {"ok"}
    assert "fail" not in found.values()


def test_every_trouble_comes_with_its_mending(suda: Suda, tmp_path: Path) -> None:
    file_one(tmp_path)
    (tmp_path / "data" / "keyring.json").chmod(0o644)
    for row in json.loads(suda("doctor", "--json").out):
        if row["level"] == "fail":
            assert row["name"] == "key_file"
            assert "chmod 600" in row["mend"]
    assert suda("doctor").code == 1


def test_a_key_of_another_database_is_found(suda: Suda, tmp_path: Path) -> None:
    file_one(tmp_path)
    (tmp_path / "data" / "keyring.json").unlink()
    assert levels(suda)["key_file"] == "fail"
    assert suda("migrate").code == 0
    refused = suda("points", "export", "p.csv")
    assert (refused.code, "keyring" in refused.err) == (1, True), "no new key in silence"
    Keyring.open(tmp_path / "data" / "keyring.json")
    assert levels(suda)["key_fits"] == "fail"


def test_a_database_of_an_older_program_is_found(suda: Suda, tmp_path: Path) -> None:
    file_one(tmp_path)
    with closing(sqlite3.connect(tmp_path / "data" / "suda.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'older'")
    ran = suda("doctor")
    assert (ran.code, "migrate" in ran.out) == (1, True)


def test_a_file_that_is_no_database_is_told(suda: Suda, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("not a database, " * 100)
    assert levels(suda, "--db", "sqlite:///x.db")["database"] == "fail"
    for words in (("migrate",), ("points", "export", "p.csv"), ("nearest", "--address", "川沙")):
        ran = suda(*words, "--db", "sqlite:///x.db")
        assert ran.code == 1
        assert len(ran.err.strip().splitlines()) == 1


def test_wrong_settings_are_told(suda: Suda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_TOKEN", "no token at all")
    ran = suda("doctor")
    assert ran.code == 1
    assert "BOT_TOKEN" in ran.out
    assert "no token at all" not in ran.out + ran.err


def test_no_way_to_telegram_is_told_without_the_token(
    suda: Suda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_TOKEN", TOKEN)
    monkeypatch.setenv("API_BASE_URL", "http://127.0.0.1:9")
    ran = suda("doctor")
    assert ran.code == 1
    assert "连不上 http://127.0.0.1:9" in ran.out
    assert "PROXY_URL" in ran.out
    assert TOKEN not in ran.out + ran.err


# -- backup -----------------------------------------------------------------------------------


def test_a_backup_brings_the_case_back(suda: Suda, tmp_path: Path) -> None:
    number = file_one(tmp_path)
    made = suda("backup", "copies")
    assert made.code == 0, made.err
    assert "keyring.json" in made.err, "says that the key is not in it"
    (copy,) = (tmp_path / "copies").iterdir()
    with closing(sqlite3.connect(tmp_path / "data" / "suda.db")) as database, database:
        database.execute("DELETE FROM event")
        database.execute("DELETE FROM evidence")
        database.execute("DELETE FROM case_file")
    assert json.loads(suda("case", "list", "--json").out) == []
    back = suda("restore", copy)
    assert back.code == 0, back.err
    assert ".before-" in back.out, "says where the old one is kept"
    assert number in suda("case", "list").out


@pytest.mark.parametrize(
    "words",
    [
        ("backup", "copies"),
        ("restore", "none.db"),
        ("backup", "copies", "--db", "postgresql://127.0.0.1/suda"),
    ],
)
def test_what_cannot_be_copied_is_told_in_one_line(suda: Suda, words: tuple[str, ...]) -> None:
    ran = suda(*words)
    assert ran.code == 1
    assert len(ran.err.strip().splitlines()) == 1


# -- the rest ---------------------------------------------------------------------------------


def test_a_worker_on_sqlite_is_refused_in_one_line(suda: Suda, tmp_path: Path) -> None:
    ran = suda("worker")
    assert (ran.code, len(ran.err.strip().splitlines())) == (1, 1)
    assert "PostgreSQL" in ran.err
    assert list(tmp_path.iterdir()) == []
    ran = suda("worker", "--db", "postgresql://127.0.0.1/suda")
    assert (ran.code, "BOT_TOKEN" in ran.err) == (1, True)


def test_a_bench_that_does_not_exist_names_those_that_do(suda: Suda) -> None:
    ran = suda("bench", "speed")
    assert ran.code == 2
    assert all(name in ran.err for name in ("classify", "nearest", "durable"))


def test_classify_is_measured_beside_jieba(suda: Suda, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is told is tested here, not how exactly.
    monkeypatch.setattr(understanding, "SINGLE", 40)
    few = {**measure.words(), "texts": measure.words()["texts"][:2]}
    monkeypatch.setattr(benches, "words", lambda: few)
    monkeypatch.setattr(understanding, "BAD", {"empty": "", "one sign": "车" * 10_000})
    found = json.loads(suda("bench", "classify", "--json").out)
    assert found["machine"]["cores"] >= 1
    assert all(m["value"] > 0 for m in found["measures"])
    against = [m["goal"] for m in found["measures"] if m["times"] is not None]
    assert against == ["", "≥ 50", "≥ 4", "≥ 1.5"]
    assert all(m["rounds"] >= 5 for m in found["measures"] if m["times"] is not None)


def test_evaluate_tells_how_often_the_rules_agree(suda: Suda, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text(
        "text,accept\n健身卡没用完店关门了不退钱,prepaid_card\n菜里有虫子,stock\n", "utf-8"
    )
    ran = suda("evaluate", file, "--errors", "missed.csv")
    assert ran.code == 0, ran.err
    assert "共 2 条" in ran.out
    missed = (tmp_path / "missed.csv").read_text("utf-8-sig")
    assert "菜里有虫子" in missed
    assert "健身卡" not in missed
    file.write_text("text,accept\nx,no_such_code\n", "utf-8")
    assert suda("evaluate", file).code == 1


COMMANDS = [
    "run",
    "sandbox",
    "chat",
    "classify",
    "evaluate",
    "nearest",
    "migrate",
    "doctor",
    "backup",
    "restore",
    "worker",
    "bench",
    "points:import",
    "points:export",
    "case:list",
    "case:show",
    "case:export",
    "audit:verify",
    "audit:search",
    "keys:rotate",
]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_takes_a_database(suda: Suda, name: str) -> None:
    ran = suda(*name.split(":"), "--help")
    assert ran.code == 0
    assert "--db" in ran.out


def test_every_command_is_documented() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "command-line.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"`{name.replace(':', ' ')}" not in page] == []


def test_wrong_usage_is_2_and_trouble_is_1_with_no_traceback(tmp_path: Path) -> None:
    """In a process of its own, as from a script."""
    assert process(tmp_path, "case", "show").code == 2
    ran = process(tmp_path, "restore", "none.db")
    assert ran.code == 1
    assert "none.db" in ran.err
    assert "Traceback" not in ran.err
