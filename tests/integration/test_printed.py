"""What is printed: papers of a case, posters and invitation sheets, with the font that is installed with us."""

from __future__ import annotations

import io
import json
from itertools import pairwise

import docx
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.adapters import documents, fonts, posters
from bot.ports import Document, Grid, Poster, Section

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
    font = fonts.find_font()
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
    font = fonts.find_font()
    texts = [mark for mark in posters._poster(POSTER, font) if isinstance(mark, posters.Text)]
    printed = "".join(mark.text for mark in texts)
    for words in (POSTER.name, "021-12345678", "张杨路3611弄", "9:00–21:00", "编号 M01"):
        assert words in printed
    assert all(0 < mark.y < posters.HEIGHT - mark.size for mark in texts)
    assert posters.poster_pdf(POSTER, font).startswith(b"%PDF")


PAPER = Document(
    title="移送材料",
    number="PD-0007",
    sections=(
        Section(
            "一、双方",
            paragraphs=("她说：\x0b“随时可以退”😡。\n第二段。",),
            fields=(("投诉人", "赟喆犇，浦东新区某路 12 弄"), ("被投诉人", "力健健身")),
            grid=Grid(
                ("编号", "说明"), tuple((str(i), "付款记录截图" * 3) for i in range(30)), (1, 5)
            ),
            items=("打过电话", "上门一次"),
        ),
    ),
    signatures=("投诉人签字：", "日期："),
    notes=("依据某条。",),
)


def test_a_paper_comes_back_from_its_row() -> None:
    assert Document.from_json(json.loads(json.dumps(PAPER.to_json()))) == PAPER


def test_a_paper_is_a_pdf_with_its_own_letters_and_counted_pages() -> None:
    made = documents.document_pdf(PAPER, fonts.find_font())
    assert made.startswith(b"%PDF")
    assert made.count(b"/Type /Page\n") == 2
    assert b"/FontFile3" in made, "the letters are in the file"
    assert len(made) < 200_000, "and no others"


def test_a_paper_is_a_docx_with_every_word_and_page_numbers() -> None:
    opened = docx.Document(io.BytesIO(documents.document_docx(PAPER)))
    words = "".join(paragraph.text for paragraph in opened.paragraphs)
    cells = [cell.text for table in opened.tables for row in table.rows for cell in row.cells]
    for said in (
        PAPER.title,
        "“随时可以退”😡。",
        "第二段。",
        "1. 打过电话",
        "日期：",
        "依据某条。",
    ):
        assert said in words
    assert {"赟喆犇，浦东新区某路 12 弄", "编号", "29"} <= set(cells)
    foot = opened.sections[0].footer.paragraphs[0]._element.xml
    assert "NUMPAGES" in foot
    assert PAPER.number in foot


def test_what_the_font_lacks_is_marked_and_nothing_else_is_changed() -> None:
    known = frozenset(map(ord, "退 30元赟喆犇"))
    assert fonts.printable("退\t300 元😡\n赟喆犇", known) == "退 300 元□\n赟喆犇"


@given(st.text("王阿姨，。、（）“”a1 .\n", max_size=60), st.integers(3, 12))
def test_folding_loses_no_letter_and_begins_no_line_with_a_mark(text: str, width: int) -> None:
    lines = fonts.fold(text, width, len)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(len(line) <= width for line in lines)
    for before, line in pairwise(lines):
        if line and line[0] in fonts.NOT_FIRST and before:
            # Only where the text itself begins a line so, or a row of marks is wider than a line.
            assert f"\n{line[0]}" in text or len(before) + 1 >= width


def test_a_font_that_was_named_and_is_not_there_is_said() -> None:
    with pytest.raises(fonts.FontMissing, match="FONT_FILE"):
        fonts.find_font("/nowhere/x.ttf")
