"""Tables as files (表格): CSV and XLSX, in and out, safe to open in a spreadsheet program.

A cell that such a program would take for a formula gets a quote in front when a CSV is written, and
loses it when it is read back; in an XLSX every text is written as text.
"""

from __future__ import annotations

import csv
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from bot.texts.catalogue import Say, say

Cell = str | int | float | None
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What begins a formula in spreadsheet programs (OWASP, CSV injection)."""

ENCODINGS = ("utf-8-sig", "gb18030")
"""Chinese spreadsheet programs save CSV in GB 18030 unless told otherwise."""

ZIP = b"PK\x03\x04"
COLUMN_WIDTH = 18
BLOCK = 1 << 16
"""Characters looked at in one go when the encoding is sought."""


class SheetProblem(Exception):
    """The file cannot be read or written as a table; ``why`` says so in words."""

    def __init__(self, why: Say) -> None:
        super().__init__(why.key)
        self.why = why


@dataclass(frozen=True, slots=True)
class Line:
    """One row: where it stands in the file, counted from 1, and its cells by heading.

    Cells beyond the headings stand under ``""``.
    """

    number: int
    cells: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with headings in its first row; empty rows are left out."""

    headings: tuple[str, ...]
    lines: tuple[Line, ...]


def read(file: Path) -> Sheet:
    """The whole of a table. Raises SheetProblem."""
    headings, lines = stream(file)
    return Sheet(headings, tuple(lines))


def stream(file: Path) -> tuple[tuple[str, ...], Iterator[Line]]:
    """The first sheet of an XLSX, or a CSV in UTF-8 or GB 18030: its headings, and its rows as they are
    asked for. Raises SheetProblem, also while the rows are read.
    """
    try:
        with file.open("rb") as start:
            zipped = start.read(len(ZIP)) == ZIP
        rows = _xlsx_rows(file) if zipped else _csv_rows(file)
        headings = next((_headings(cells) for _, cells in rows if any(cells)), ())
    except OSError as error:
        raise SheetProblem(
            say("cli.sheet.unreadable", file=file.name, why=error.strerror or "")
        ) from error
    if not headings:
        raise SheetProblem(say("cli.sheet.empty"))
    return headings, _lines(headings, rows)


def _lines(headings: tuple[str, ...], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Line]:
    for number, cells in rows:
        if any(cells):
            named = dict(zip(headings, cells, strict=False))
            beyond = [cell for cell in cells[len(headings) :] if cell]
            yield Line(number, {**named, "": " ".join(beyond)} if beyond else named)


def _headings(cells: Sequence[str]) -> tuple[str, ...]:
    found = [cell.lower() for cell in cells]
    while found and not found[-1]:
        found.pop()
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise SheetProblem(say("cli.sheet.twice", names=twice))
    return tuple(found)


def _csv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    with file.open(encoding=_encoding(file), newline="") as text:
        reader = csv.reader(text, strict=True)
        try:
            for cells in reader:
                yield reader.line_num, [_bare(cell) for cell in cells]
        except csv.Error as error:
            raise SheetProblem(say("cli.sheet.no_csv", line=reader.line_num)) from error


def _encoding(file: Path) -> str:
    """The first of ENCODINGS that the whole file is in."""
    for encoding in ENCODINGS:
        with suppress(UnicodeDecodeError), file.open(encoding=encoding, newline="") as text:
            if not any("\0" in part for part in iter(partial(text.read, BLOCK), "")):
                return encoding
    raise SheetProblem(say("cli.sheet.no_table"))


def _bare(cell: str) -> str:
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(FORMULA_STARTS) else text


def _xlsx_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles that it does not know
            book = load_workbook(file, read_only=True, data_only=True)
        with closing(book):
            for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), 1):
                yield number, [_plain(value) for value in row]
    except (
        BadZipFile,
        InvalidFileException,
        ParseError,
        KeyError,
        IndexError,
        TypeError,
        ValueError,
    ) as error:
        raise SheetProblem(say("cli.sheet.no_table")) from error


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return _bare(str(value))


def write(file: Path, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a ``.csv`` or an ``.xlsx``, all or nothing, readable by its owner alone.

    Raises SheetProblem.
    """
    writers: dict[str, Callable[[Path, Sequence[str], Iterable[Sequence[Cell]]], None]] = {
        ".csv": _write_csv,
        ".xlsx": _write_xlsx,
    }
    writer = writers.get(file.suffix.lower())
    if writer is None:
        raise SheetProblem(say("cli.sheet.suffix", file=file.name))
    part: Path | None = None
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=".suda-", suffix=file.suffix)
        os.close(handle)
        part = Path(name)
        writer(part, headings, rows)
        os.replace(part, file)
    except OSError as error:
        raise SheetProblem(
            say("cli.sheet.unwritable", file=file.name, why=error.strerror or "")
        ) from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _write_csv(file: Path, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    with file.open("w", encoding=ENCODINGS[0], newline="") as out:
        writer = csv.writer(out)
        writer.writerow(headings)
        writer.writerows([_guarded(cell) for cell in row] for row in rows)


def _guarded(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _write_xlsx(file: Path, headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    from xlsxwriter import Workbook

    options = {
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "constant_memory": True,
    }
    with Workbook(str(file), options) as book:
        sheet = book.add_worksheet()
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headings) - 1, COLUMN_WIDTH)
        bold = book.add_format({"bold": True})
        for column, heading in enumerate(headings):
            sheet.write_string(0, column, heading, bold)
        for number, row in enumerate(rows, 1):
            for column, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, column, cell)
                elif cell is not None:
                    sheet.write_number(number, column, cell)
