"""A paper of a case (文书) as PDF and as DOCX, both A4 with numbered pages.

The PDF carries the characters it uses. The DOCX names fonts that office programs have or replace, so that it
can be gone over before it is signed.
"""

from __future__ import annotations

import io
import re
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from bot.adapters.fonts import Font, fold, printable
from bot.ports import Document, Grid, Section

if TYPE_CHECKING:
    from docx.document import Document as Paper
    from docx.table import _Cell
    from docx.text.font import Font as DocxFont
    from docx.text.paragraph import Paragraph
    from fpdf import FPDF

MARGIN, FOOT = 22.0, 22.0
LABELS = 34.0
"""The margins and the column of labels, in millimetres."""

TITLE, HEADING, BODY, SMALL = 20.0, 13.0, 11.0, 8.5
"""Sizes in points."""

LEADING = 1.55
INK, SOFT, RULE, SHADE = (28, 32, 36), (100, 106, 112), (170, 176, 182), (242, 244, 245)
SONG, HEI, LATIN = "SimSun", "SimHei", "Times New Roman"

PADDING = 1.6
SIGN_GAP = 13.0
PAGES = "\u2e80"
"""Stands for the number of pages until it is known: a character that no text of ours has, so that nobody's
words are taken for it."""

ILLEGAL = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML cannot hold."""


def document_pdf(document: Document, font: Font) -> bytes:
    """The document as a PDF. Takes a second or two."""
    return _Printer(document, font).output()


class _Printer:
    """Sets one document, from top to bottom."""

    def __init__(self, document: Document, font: Font) -> None:
        from fpdf import FPDF

        class Sheet(FPDF):
            def footer(self) -> None:
                self.set_y(-FOOT + 6)
                self.set_font("text", size=SMALL)
                self.set_text_color(*SOFT)
                self.cell(0, 4, document.number, align="L")
                self.set_x(MARGIN)
                self.cell(0, 4, f"{self.page_no()} / {PAGES}", align="R")

        self._document = document
        self._paper: FPDF = Sheet(unit="mm", format="A4")
        paper = self._paper
        paper.set_title(document.title)
        paper.alias_nb_pages(PAGES)
        paper.c_margin = 0
        paper.set_margins(MARGIN, MARGIN, MARGIN)
        paper.set_auto_page_break(True, FOOT)
        paper.add_font("text", fname=font.file, collection_font_number=font.index)
        self._known: Container[int] = getattr(paper.fonts["text"], "cmap", {})
        paper.add_page()

    def output(self) -> bytes:
        document, paper = self._document, self._paper
        self._write(document.title, TITLE, align="C", bold=True)
        self._write(document.number, SMALL + 1, align="C", colour=SOFT)
        paper.ln(2)
        self._rule()
        for section in document.sections:
            self._section(section)
        if document.signatures:
            self._signatures(document.signatures)
        if document.notes:
            self._notes(document.notes)
        return bytes(paper.output())

    def _section(self, section: Section) -> None:
        paper = self._paper
        if section.title:
            if paper.will_page_break(HEADING + 2 * BODY):
                paper.add_page()
            paper.ln(3)
            self._write(section.title, HEADING, bold=True)
            paper.ln(1)
        for text in section.paragraphs:
            for line in text.split("\n"):
                self._write(f"\u3000\u3000{line}" if line else "", BODY)
            paper.ln(1)
        if section.fields:
            wide = paper.epw - LABELS
            self._table((), section.fields, (LABELS, wide), shaded=True)
        if section.grid is not None:
            self._grid(section.grid)
        for number, text in enumerate(section.items, 1):
            self._item(number, text)

    def _grid(self, grid: Grid) -> None:
        shares = grid.shares or (1,) * len(grid.head)
        widths = [self._paper.epw * share / sum(shares) for share in shares]
        self._table(grid.head, grid.rows, widths)

    def _table(
        self,
        head: Sequence[str],
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        shaded: bool = False,
    ) -> None:
        """``shaded``: the first column holds labels. A row is never broken where it fits a page."""
        from fpdf.enums import TableBordersLayout
        from fpdf.fonts import FontFace

        paper = self._paper
        paper.ln(1)
        paper.set_font("text", size=BODY)
        paper.set_draw_color(*RULE)
        paper.set_text_color(*INK)
        label = FontFace(color=SOFT, fill_color=SHADE)
        with paper.table(
            col_widths=tuple(widths),
            text_align="LEFT",
            v_align="T",
            line_height=_height(BODY),
            padding=PADDING,
            borders_layout=TableBordersLayout.ALL,
            first_row_as_headings=bool(head),
            headings_style=label,
            repeat_headings=1,
        ) as table:
            for cells in (head, *rows) if head else rows:
                row = table.row()
                for place, text in enumerate(cells):
                    folded = "\n".join(self._folded(text, widths[place] - 2 * PADDING - 0.5))
                    row.cell(folded, style=label if shaded and place == 0 else None)
        paper.ln(2)

    def _item(self, number: int, text: str) -> None:
        paper = self._paper
        paper.set_font("text", size=BODY)
        first, *rest = self._folded(text, paper.epw - 8)
        for mark, line in ((f"{number}.", first), *(("", line) for line in rest)):
            if paper.will_page_break(_height(BODY)):
                paper.add_page()
            paper.cell(8, _height(BODY), mark)
            paper.cell(0, _height(BODY), line, new_x="LMARGIN", new_y="NEXT")

    def _signatures(self, labels: Sequence[str]) -> None:
        paper = self._paper
        paper.ln(6)
        half = paper.epw / 2
        for at in range(0, len(labels), 2):
            if paper.will_page_break(SIGN_GAP + _height(BODY)):
                paper.add_page()
            top = paper.get_y()
            for place, label in enumerate(labels[at : at + 2]):
                left = MARGIN + place * half
                paper.set_font("text", size=BODY)
                paper.set_text_color(*INK)
                shown = printable(label, self._known)
                paper.set_xy(left, top)
                paper.cell(half, _height(BODY), shown)
                paper.set_draw_color(*INK)
                under = top + _height(BODY)
                paper.line(left + paper.get_string_width(shown) + 3, under, left + half - 8, under)
            paper.set_xy(MARGIN, top + SIGN_GAP)

    def _notes(self, notes: Sequence[str]) -> None:
        paper = self._paper
        height = sum(len(self._folded(note, paper.epw, SMALL)) for note in notes) * _height(SMALL)
        if paper.will_page_break(height + 6):
            paper.add_page()
        paper.ln(4)
        self._rule()
        for note in notes:
            self._write(note, SMALL, colour=SOFT)

    def _write(
        self,
        text: str,
        size: float,
        *,
        align: str = "L",
        bold: bool = False,
        colour: tuple[int, int, int] = INK,
    ) -> None:
        """Lines over the whole width. Bold is a stroke around the letters: one font file serves all."""
        paper = self._paper
        paper.set_text_color(*colour)
        for line in self._folded(text, paper.epw - 0.5, size):
            with paper.local_context(
                text_mode="FILL_STROKE" if bold else "FILL", line_width=0.2, draw_color=colour
            ):
                paper.set_font("text", size=size)
                paper.cell(0, _height(size), line, align=align, new_x="LMARGIN", new_y="NEXT")

    def _folded(self, text: str, width: float, size: float = BODY) -> list[str]:
        self._paper.set_font("text", size=size)
        return fold(printable(text, self._known), width, self._paper.get_string_width)

    def _rule(self) -> None:
        paper = self._paper
        paper.set_draw_color(*RULE)
        paper.line(MARGIN, paper.get_y(), MARGIN + paper.epw, paper.get_y())
        paper.ln(2)


def _height(size: float) -> float:
    """The height of a line in millimetres."""
    return size * LEADING * 25.4 / 72


def document_docx(document: Document) -> bytes:
    """The document for an office program."""
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    paper = docx.Document()
    page = paper.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Mm(MARGIN)
    paper.core_properties.title = document.title
    paper.core_properties.author = ""
    _typeface(paper)
    _line(paper.add_paragraph(), document.title, TITLE, HEI, bold=True)
    _line(paper.add_paragraph(), document.number, SMALL + 1)
    for paragraph in paper.paragraphs:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for section in document.sections:
        if section.title:
            heading = paper.add_paragraph()
            heading.paragraph_format.space_before = Pt(10)
            heading.paragraph_format.keep_with_next = True
            _line(heading, section.title, HEADING, HEI, bold=True)
        for text in section.paragraphs:
            for line in text.split("\n"):
                paragraph = paper.add_paragraph()
                paragraph.paragraph_format.first_line_indent = Pt(2 * BODY)
                _line(paragraph, line)
        if section.fields:
            _cells(paper, section.fields, (LABELS, 210 - 2 * MARGIN - LABELS), labels=True)
        if section.grid is not None:
            shares = section.grid.shares or (1,) * len(section.grid.head)
            widths = [(210 - 2 * MARGIN) * share / sum(shares) for share in shares]
            _cells(paper, (section.grid.head, *section.grid.rows), widths)
        for number, text in enumerate(section.items, 1):
            _line(paper.add_paragraph(), f"{number}. {text}")
    for label in document.signatures:
        paragraph = paper.add_paragraph()
        paragraph.paragraph_format.space_before = Pt(16)
        _line(paragraph, f"{label} ")
        _line(paragraph, "\u3000" * 12).underline = True
    for place, note in enumerate(document.notes):
        paragraph = paper.add_paragraph()
        paragraph.paragraph_format.space_before = Pt(0 if place else 14)
        _line(paragraph, note, SMALL)
    _pages(page.footer.paragraphs[0], document.number)
    out = io.BytesIO()
    paper.save(out)
    return out.getvalue()


def _typeface(paper: Paper) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    normal = paper.styles["Normal"]
    normal.font.name, normal.font.size = LATIN, Pt(BODY)
    normal.element.get_or_add_rPr().rFonts.set(qn("w:eastAsia"), SONG)
    normal.paragraph_format.space_after = Pt(2)
    normal.paragraph_format.line_spacing = 1.3


def _line(
    paragraph: Paragraph, text: str, size: float = BODY, face: str = "", bold: bool = False
) -> DocxFont:
    from docx.oxml.ns import qn
    from docx.shared import Pt

    run = paragraph.add_run(ILLEGAL.sub("", text))
    run.font.size, run.bold = Pt(size), bold
    if face:
        run._element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), face)
    return run.font


def _cells(
    paper: Paper, rows: Sequence[Sequence[str]], widths: Sequence[float], labels: bool = False
) -> None:
    """``labels``: the first column is shaded, else the first row."""
    from docx.shared import Mm

    table = paper.add_table(rows=0, cols=len(widths), style="Table Grid")
    table.autofit = False
    for number, texts in enumerate(rows):
        for place, (cell, text) in enumerate(zip(table.add_row().cells, texts, strict=True)):
            cell.width = Mm(widths[place])
            _line(cell.paragraphs[0], text)
            if place == 0 if labels else number == 0:
                _shade(cell)


def _shade(cell: _Cell) -> None:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    shade = OxmlElement("w:shd")
    shade.set(qn("w:val"), "clear")
    shade.set(qn("w:fill"), "{:02X}{:02X}{:02X}".format(*SHADE))
    cell._element.get_or_add_tcPr().append(shade)


def _pages(paragraph: Paragraph, number: str) -> None:
    """The footer: the document's number, the page and how many there are."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    def counted(field: str) -> None:
        run = paragraph.add_run()
        for kind, text in (("begin", ""), ("", field), ("end", "")):
            part = OxmlElement("w:fldChar" if kind else "w:instrText")
            if kind:
                part.set(qn("w:fldCharType"), kind)
            else:
                part.text = text
            run._element.append(part)

    _line(paragraph, f"{number}\t\t", SMALL)
    counted("PAGE")
    paragraph.add_run(" / ")
    counted("NUMPAGES")
