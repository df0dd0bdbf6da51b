"""Posters and invitation sheets by command: each starts the whole program several times."""

from __future__ import annotations

from pathlib import Path

from tests.integration.cli_helpers import Suda, install, suda
from tests.integration.test_cli_points import MALL, table

__all__ = ["suda"]


def test_the_command_makes_both_kinds(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    line = MALL.replace("预付卡、会员卡", "prepaid_card")
    assert (
        suda(
            "points",
            "import",
            table(tmp_path, line, line.replace("M01", "B1").replace(",mall,", ",军营,")),
        ).code
        == 0
    )
    for name in ("p.pdf", "p.png"):
        ran = suda("points", "poster", "M01", "--out", tmp_path / name, "--bot", "suda_bot")
        assert (ran.code, ran.err) == (0, "")
        assert (tmp_path / name).stat().st_size > 10_000
    assert "军营" in suda("points", "poster", "B1", "--out", "b.png", "--bot", "x").err
    assert "用户名" in suda("points", "poster", "M01", "--out", "b.png").err
    assert "没有编号" in suda("points", "poster", "M9", "--out", "b.png", "--bot", "x").err
    assert not (tmp_path / "b.png").exists()


def test_everybody_of_a_table_is_invited_or_nobody(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    file = tmp_path / "staff.csv"
    file.write_text("point,name\n310115004001,张老师\n310115103,李老师\n310115004002,\n", "utf-8")
    ran = suda("staff", "import", file, "--out", tmp_path / "sheets", "--bot", "suda_bot")
    assert ran.code == 1
    assert "第 4 行" in ran.out
    assert "还没有登记" in suda("staff", "list").out
    file.write_text(
        "point,name\n310115004001,张老师\n310115103,李老师\n310115004002,王老师\n", "utf-8"
    )
    ran = suda("staff", "import", file, "--out", tmp_path / "sheets", "--bot", "suda_bot")
    assert ran.code == 0, ran.err
    made = sorted(path.name for path in (tmp_path / "sheets").iterdir())
    assert made == ["川沙新镇.pdf", "潍坊新村街道.pdf"]
    listed = suda("staff", "list").out
    assert "张＊" in listed
    assert "张老师" not in listed
    assert "张老师" in suda("staff", "list", "--reveal").out
