"""What is printed: posters and invitation sheets, with the Chinese font that the browser needs too."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import segno
from PIL import Image

from bot.adapters import posters
from bot.ports import Poster
from tests.integration.cli_helpers import Suda, install, suda
from tests.integration.test_cli_points import MALL, table

__all__ = ["suda"]

pytestmark = pytest.mark.browser

POSTER = Poster(
    title="消费维权联络点",
    subtitle="买东西遇到纠纷，可以到这里说",
    name="金杨新村街道金桥国际商业广场",
    link="https://t.me/suda_bot?start=p_M01",
    scan="扫这个码",
    facts=(("地址", "张杨路3611弄"), ("电话", "021-12345678"), ("时间", "每天 9:00–21:00")),
    does=("不收任何费用。",),
    foot=("扫不开请打电话。", "编号 M01"),
)


def test_the_code_on_the_picture_leads_to_the_point() -> None:
    """The modules are read from the picture, at their centres."""
    font = posters.find_font()
    image = Image.open(io.BytesIO(posters.poster_png(POSTER, font))).convert("L")
    wanted = [
        list(map(bool, row)) for row in segno.make(POSTER.link, error="m", micro=False).matrix
    ]
    dark = [m for m in posters._poster(POSTER, font) if isinstance(m, posters.Box)]
    modules = [box for box in dark if box.colour == posters.INK]
    left, top = min(box.x for box in modules), min(box.y for box in modules)
    step = min(box.height for box in modules) / 1.02
    dots = posters.DPI / 25.4
    found = [
        [
            int(
                str(
                    image.getpixel(
                        (
                            int((left + (c + 0.5) * step) * dots),
                            int((top + (r + 0.5) * step) * dots),
                        )
                    )
                )
            )
            < 128
            for c in range(len(wanted))
        ]
        for r in range(len(wanted))
    ]
    assert found == wanted


def test_phone_and_address_are_in_print_inside_the_page() -> None:
    font = posters.find_font()
    texts = [mark for mark in posters._poster(POSTER, font) if isinstance(mark, posters.Text)]
    printed = "".join(mark.text for mark in texts)
    for words in (POSTER.name, "021-12345678", "张杨路3611弄", "9:00–21:00", "编号 M01"):
        assert words in printed
    assert all(0 < mark.y < posters.HEIGHT - mark.size for mark in texts)
    assert posters.poster_pdf(POSTER, font).startswith(b"%PDF")


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
