"""Posters and invitation sheets (海报、邀请单) as PDF and PNG: one layout, two painters.

A page is a list of marks in millimetres from its upper left corner. Of the font only the characters used go
into a PDF.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

import segno

from bot.adapters.fonts import Font, fold
from bot.ports import InvitationSheet, Poster

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

Colour = tuple[int, int, int]
INK: Colour = (28, 32, 36)
SOFT: Colour = (92, 98, 104)
BRAND: Colour = (0, 92, 84)
PAPER: Colour = (255, 255, 255)

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 18.0
"""A4 in millimetres."""

DPI = 150
LEADING = 1.35
QUIET = 4
"""Empty modules around a QR code (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text, its top at ``y``; ``size`` is its em in millimetres."""

    x: float
    y: float
    size: float
    text: str
    colour: Colour = INK
    align: Literal["left", "centre"] = "left"


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: Colour


Mark = Text | Box
Page = list[Mark]


def poster_pdf(poster: Poster, font: Font) -> bytes:
    """The poster as a PDF."""
    return _pdf([_poster(poster, font)], poster.title, font)


def poster_png(poster: Poster, font: Font) -> bytes:
    """The poster as a PNG of 150 dots an inch."""
    return _png(_poster(poster, font), font)


def sheet_pdf(sheet: InvitationSheet, font: Font) -> bytes:
    """The invitations of one street, three a page."""
    return _pdf(list(_sheet(sheet, font)), sheet.title, font)


def _poster(poster: Poster, font: Font) -> Page:
    page: Page = [Box(0, 0, WIDTH, 52, BRAND)]
    page.append(Text(WIDTH / 2, 13, 19, poster.title, PAPER, "centre"))
    page.append(Text(WIDTH / 2, 37, 6.2, poster.subtitle, PAPER, "centre"))
    y = 61.0
    for line in _balanced(font, poster.name, 11.5, WIDTH - 2 * MARGIN):
        page.append(Text(WIDTH / 2, y, 11.5, line, INK, "centre"))
        y += 11.5 * LEADING
    y += 3
    side = 72.0
    page += _code(poster.link, (WIDTH - side) / 2, y, side)
    y += side + 3
    for line in _wrapped(font, poster.scan, 5.4, WIDTH - 2 * MARGIN):
        page.append(Text(WIDTH / 2, y, 5.4, line, BRAND, "centre"))
        y += 5.4 * LEADING
    y += 5
    for label, value in poster.facts:
        page.append(Text(MARGIN, y, 5.6, label, SOFT))
        for line in _wrapped(font, value, 6.2, WIDTH - 2 * MARGIN - 27):
            page.append(Text(MARGIN + 27, y - 0.3, 6.2, line))
            y += 6.2 * LEADING
        y += 1.8
    y += 2
    page.append(Box(MARGIN, y, WIDTH - 2 * MARGIN, 0.5, BRAND))
    y += 5
    for text in poster.does:
        for line in _wrapped(font, text, 5.2, WIDTH - 2 * MARGIN):
            page.append(Text(MARGIN, y, 5.2, line))
            y += 5.2 * LEADING
    foot = [line for text in poster.foot for line in _wrapped(font, text, 4.2, WIDTH - 2 * MARGIN)]
    y = HEIGHT - 9 - len(foot) * 4.2 * LEADING
    for line in foot:
        page.append(Text(MARGIN, y, 4.2, line, SOFT))
        y += 4.2 * LEADING
    return page


def _sheet(sheet: InvitationSheet, font: Font) -> Iterator[Page]:
    per_page, height, side = 3, 74.0, 52.0
    for at in range(0, len(sheet.rows), per_page):
        page: Page = [Text(MARGIN, 12, 7.5, sheet.title, BRAND)]
        y = 24.0
        for line in _wrapped(font, sheet.note, 4.2, WIDTH - 2 * MARGIN):
            page.append(Text(MARGIN, y, 4.2, line, SOFT))
            y += 4.2 * LEADING
        y += 5
        for row in sheet.rows[at : at + per_page]:
            page.append(Box(MARGIN, y, WIDTH - 2 * MARGIN, 0.3, SOFT))
            page += _code(row.link, MARGIN, y + 5, side)
            top = y + 9
            for size, text, colour in (
                (6.5, row.name, INK),
                (5.5, row.label, INK),
                (4.2, row.until, SOFT),
                (3.6, row.link, SOFT),
            ):
                for line in _wrapped(font, text, size, WIDTH - 2 * MARGIN - side - 8):
                    page.append(Text(MARGIN + side + 8, top, size, line, colour))
                    top += size * LEADING
                top += 2
            y += height
        yield page


def _code(link: str, x: float, y: float, side: float) -> Iterator[Mark]:
    """A QR code of medium correction, with its quiet zone inside ``side``."""
    rows = [list(row) for row in segno.make(link, error="m", micro=False).matrix]
    step = side / (len(rows) + 2 * QUIET)
    for number, row in enumerate(rows):
        start = None
        for column, dark in enumerate([*row, 0]):
            # A run of dark modules is one box: neighbours drawn apart show hairlines between them.
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                left, top = x + (start + QUIET) * step, y + (number + QUIET) * step
                yield Box(left, top, (column - start) * step, step * 1.02, INK)
                start = None


@cache
def _face(font: Font, pixels: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(font.file, pixels, index=font.index)


def _wrapped(font: Font, text: str, size: float, width: float) -> list[str]:
    """Lines of an em of ``size`` that fit ``width``, in millimetres."""
    face = _face(font, 100)
    text = " ".join(text.splitlines())
    return [] if not text else fold(text, width, lambda line: face.getlength(line) * size / 100)


def _balanced(font: Font, text: str, size: float, width: float) -> list[str]:
    """As many lines as fit ``width`` need, of about the same length."""
    count = len(_wrapped(font, text, size, width))
    even = (
        _face(font, 100).getlength(" ".join(text.splitlines())) * size / 100 / max(count, 1) + size
    )
    return _wrapped(font, text, size, min(width, even))


def _pdf(pages: Sequence[Page], title: str, font: Font) -> bytes:
    from fpdf import FPDF

    paper = FPDF(unit="mm", format="A4")
    paper.set_title(title)
    paper.set_auto_page_break(False)
    paper.add_font("text", fname=font.file, collection_font_number=font.index)
    for page in pages:
        paper.add_page()
        for mark in page:
            if isinstance(mark, Box):
                paper.set_fill_color(*mark.colour)
                paper.rect(mark.x, mark.y, mark.width, mark.height, style="F")
            else:
                paper.set_font("text", size=mark.size * 72 / 25.4)
                paper.set_text_color(*mark.colour)
                x = mark.x
                if mark.align == "centre":
                    x -= paper.get_string_width(mark.text) / 2
                paper.text(x, mark.y + mark.size * 0.88, mark.text)
    return bytes(paper.output())


def _png(page: Page, font: Font) -> bytes:
    from PIL import Image, ImageDraw

    def dots(mm: float) -> int:
        return round(mm * DPI / 25.4)

    image = Image.new("RGB", (dots(WIDTH), dots(HEIGHT)), PAPER)
    draw = ImageDraw.Draw(image)
    for mark in page:
        if isinstance(mark, Box):
            right, bottom = dots(mark.x + mark.width) - 1, dots(mark.y + mark.height) - 1
            draw.rectangle((dots(mark.x), dots(mark.y), right, bottom), fill=mark.colour)
        else:
            anchor = "ms" if mark.align == "centre" else "ls"
            place = (dots(mark.x), dots(mark.y + mark.size * 0.88))
            face = _face(font, dots(mark.size))
            draw.text(place, mark.text, fill=mark.colour, font=face, anchor=anchor)
    out = io.BytesIO()
    image.save(out, "PNG", dpi=(DPI, DPI), optimize=True)
    return out.getvalue()
