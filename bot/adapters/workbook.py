"""A workbook of several sheets with native charts (工作簿), safe to open: every text is written as text."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bot.figures.plots import Chart, Page

if TYPE_CHECKING:
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

HEAD = 2
"""The row of the headings, below the note."""

NARROW, WIDE = 11, 30


def workbook(pages: Sequence[Page]) -> bytes:
    """The XLSX file."""
    from xlsxwriter import Workbook

    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(out, options) as book:
        styles = {
            "head": book.add_format(
                {"bold": True, "text_wrap": True, "bg_color": "#E3EFED", "border": 1}
            ),
            "note": book.add_format({"font_color": "#5C6268"}),
            "share": book.add_format({"num_format": "0.0%"}),
            "number": book.add_format({"num_format": "#,##0.##"}),
        }
        for page in pages:
            _page(book, page, styles)
    return out.getvalue()


def _page(book: Workbook, page: Page, styles: dict[str, Any]) -> None:
    sheet = book.add_worksheet(page.name)
    sheet.write_string(0, 0, page.note, styles["note"])
    sheet.freeze_panes(HEAD + 1, 1)
    sheet.set_column(0, 0, WIDE)
    sheet.set_column(1, max(1, len(page.head) - 1), NARROW)
    for column, words in enumerate(page.head):
        sheet.write_string(HEAD, column, words, styles["head"])
    for row, cells in enumerate(page.rows, HEAD + 1):
        for column, cell in enumerate(cells):
            if isinstance(cell, str):
                sheet.write_string(row, column, cell)
            elif cell is not None:
                style = styles["share" if column in page.shares else "number"]
                sheet.write_number(row, column, cell, style)
    if page.rows:
        sheet.autofilter(HEAD, 0, HEAD + len(page.rows), len(page.head) - 1)
    if page.chart is not None and page.chart.rows:
        _chart(book, sheet, page, page.chart)


def _chart(book: Workbook, sheet: Worksheet, page: Page, chart: Chart) -> None:
    made = book.add_chart({"type": chart.kind})
    last = HEAD + chart.rows
    for column in chart.values:
        made.add_series(
            {
                "name": [page.name, HEAD, column],
                "categories": [page.name, HEAD + 1, chart.labels, last, chart.labels],
                "values": [page.name, HEAD + 1, column, last, column],
            }
        )
    made.set_title({"name": chart.title})
    made.set_size({"width": 900, "height": 420})
    if chart.kind == "bar":
        # Excel draws the first row at the bottom.
        made.set_y_axis({"reverse": True})
    sheet.insert_chart(HEAD + 1, len(page.head) + 1, made)
