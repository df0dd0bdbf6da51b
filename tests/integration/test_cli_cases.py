"""``case`` and ``audit``: operators see what happened, and nobody's name or number by accident."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import openpyxl
import pytest

from tests.integration.cli_helpers import AUNT, PHONE, SHOP_PHONE, Suda, file_one, suda

__all__ = ["suda"]

SECRETS = (PHONE, SHOP_PHONE, "王秀英", AUNT)


def alter(folder: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(folder / "data" / "suda.db")) as database, database:
        assert database.execute(statement, values).rowcount > 0


def test_the_list_is_filtered(suda: Suda, tmp_path: Path) -> None:
    number = file_one(tmp_path)
    shown = suda("case", "list").out
    assert number in shown
    assert "等待接单" in shown
    assert "川沙新镇" in shown
    assert [row["number"] for row in json.loads(suda("case", "list", "--json").out)] == [number]
    assert json.loads(suda("case", "list", "--json", "--status", "settled").out) == []
    assert json.loads(suda("case", "list", "--json", "--since", "2999-01-01").out) == []
    assert "没有符合的案件" in suda("case", "list", "--since", "2999-01-01").out
    rows = json.loads(suda("case", "list", "--json", "--since", "2020-01-01").out)
    assert [row["amount_fen"] for row in rows] == [398_000]


def test_wrong_filters_are_wrong_usage(suda: Suda, tmp_path: Path) -> None:
    file_one(tmp_path)
    assert suda("case", "list", "--status", "lost").code == 2
    assert suda("case", "list", "--since", "gestern").code == 2


def test_a_case_is_shown_masked(suda: Suda, tmp_path: Path) -> None:
    number = file_one(tmp_path)
    for ran in (suda("case", "show", number), suda("case", "show", number, "--json")):
        assert ran.code == 0, ran.err
        assert [secret for secret in SECRETS if secret in ran.out + ran.err] == []
        assert "王**" in ran.out
        assert "139****4321" in ran.out
        assert "138****5678" in ran.out, "the story, with the number in it masked"
        assert "转交给川沙新镇" in ran.out
    events = json.loads(suda("case", "show", number, "--json").out)["events"]
    assert [event["action"] for event in events] == ["file", "hand_over"]


def test_a_case_is_revealed_on_request_only(suda: Suda, tmp_path: Path) -> None:
    number = file_one(tmp_path)
    ran = suda("case", "show", number, "--reveal", "--json")
    assert [secret for secret in SECRETS if secret not in ran.out] == []
    warned = suda("case", "show", number, "--reveal")
    assert "个人信息" in warned.err


def test_the_ledger_holds_nobodys_words(suda: Suda, tmp_path: Path) -> None:
    number = file_one(tmp_path)
    assert suda("case", "export", tmp_path / "cases.xlsx").code == 0
    sheet = openpyxl.load_workbook(tmp_path / "cases.xlsx").active
    assert sheet is not None
    headings, row = list(sheet.iter_rows(values_only=True))
    told = dict(zip(headings, row, strict=True))
    assert told["编号"] == number
    assert told["金额（元）"] == 3980
    assert (told["称呼"], told["电话"]) == ("王**", "139****4321")
    assert told["商家"] == "=美力健身房", "a text, though it begins like a formula"
    assert [s for s in (*SECRETS, "健身房关门") if any(s in str(cell) for cell in row)] == []
    assert (tmp_path / "cases.xlsx").stat().st_mode & 0o077 == 0


def test_an_unknown_number_is_told(suda: Suda, tmp_path: Path) -> None:
    file_one(tmp_path)
    ran = suda("case", "show", "PD000000-0001")
    assert (ran.code, "PD000000-0001" in ran.err) == (1, True)


@pytest.mark.parametrize(
    "words", [("case", "list"), ("case", "export", "x.xlsx"), ("audit", "verify")]
)
def test_a_mistyped_database_is_told_and_not_made(
    suda: Suda, tmp_path: Path, words: tuple[str, ...]
) -> None:
    ran = suda(*words, "--db", "sqlite:///elsewhere/suda.db")
    assert ran.code == 1
    assert "elsewhere/suda.db" in ran.err
    assert not (tmp_path / "elsewhere").exists()


def test_a_lost_key_is_told_and_not_replaced(suda: Suda, tmp_path: Path) -> None:
    number = file_one(tmp_path)
    key = tmp_path / "data" / "keyring.json"
    key.rename(tmp_path / "saved.json")
    ran = suda("case", "show", number)
    assert (ran.code, "keyring.json" in ran.err, key.exists()) == (1, True, False)


def test_events_that_follow_the_lifecycle_pass(suda: Suda, tmp_path: Path) -> None:
    file_one(tmp_path)
    ran = suda("audit", "verify")
    assert ran.code == 0, ran.err
    assert "1 件案件、2 条经过" in ran.out
    assert json.loads(suda("audit", "verify", "--json").out)["wrong"] == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM event WHERE seq = 1", "第 1 条经过缺失"),
        ("DELETE FROM event WHERE seq = 2", "经过停在 filed"),
        ("UPDATE event SET status = 'settled' WHERE seq = 2", "第 2 条经过不合流程"),
        ("UPDATE event SET was = 'waiting' WHERE seq = 2", "第 2 条经过不合流程"),
        ("UPDATE case_file SET status = 'ended'", "案件却是 ended"),
    ],
)
def test_events_that_do_not_hold_together_are_found(
    suda: Suda, tmp_path: Path, statement: str, problem: str
) -> None:
    file_one(tmp_path)
    alter(tmp_path, statement)
    ran = suda("audit", "verify")
    assert ran.code == 1
    assert problem in ran.out


def test_a_report_of_the_command_line_is_that_of_the_chat(suda: Suda, tmp_path: Path) -> None:
    file_one(tmp_path)
    year = json.loads(suda("case", "list", "--json").out)[0]["filed_at"][:4]
    out = tmp_path / "report.xlsx"
    ran = suda("report", "--period", year, "--xlsx", str(out))
    assert ran.code == 0, ran.err
    assert "登记 1 件" in ran.out
    assert openpyxl.load_workbook(out)["总览"].max_row >= 4
    assert [secret for secret in SECRETS if secret in ran.out] == []
    assert suda("report", "--period", "bald").code == 2
    assert suda("report", "--period", year, "--desk", "nowhere").code == 1
