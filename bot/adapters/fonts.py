"""The Chinese font of everything printed: Noto Sans CJK, which is installed with us, or the file named in
FONT_FILE; and how its lines are broken.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from pathlib import Path

from noto_cjk_sans_otc import FONT_PATH

SIMPLIFIED = 2
"""Which of the collection has the forms of the mainland."""

CJK = "\u2e80"
"""Where scripts begin that may be broken anywhere."""

NOT_FIRST = frozenset("，。、；：？！）》〉」』】〕…—～％·,.;:?!)]}%”’")
NOT_LAST = frozenset("（《〈「『【〔([{“‘￥¥")
"""Marks that begin no line, and marks that end none (GB/T 15834, 5.1)."""

ABSENT = "\u25a1"
"""Stands for a character that the font lacks."""


class FontMissing(RuntimeError):
    """The font that was named is not there."""


@dataclass(frozen=True, slots=True)
class Font:
    """A font file, and which of its collection it is."""

    file: str
    index: int = 0


def find_font(named: str = "") -> Font:
    """The font named, else the one installed with us. Raises FontMissing."""
    if not named:
        return Font(str(FONT_PATH), SIMPLIFIED)
    if not Path(named).is_file():
        raise FontMissing(f"FONT_FILE names no file: {named}")
    return Font(named)


def printable(text: str, known: Container[int]) -> str:
    """The text with what a font lacks replaced, line breaks and spaces kept; ``known`` are its code points."""
    return "".join(
        char if char == "\n" or ord(char) in known else " " if char.isspace() else ABSENT
        for char in text
    )


def fold(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    """Lines that ``measure`` at most ``width``; Latin words and numbers stay whole where they can, and
    no line begins or ends with a mark that must not."""
    return [line for part in text.split("\n") for line in _fold(part, width, measure)]


def _fold(text: str, width: float, measure: Callable[[str], float]) -> list[str]:
    lines, line = [], ""
    for piece in _pieces(text):
        if measure(line + piece) <= width:
            line += piece
            continue
        if line:
            lines.append(line.rstrip())
            line = ""
        for char in piece.lstrip():
            # Only a piece that is wider than a whole line is broken inside.
            if line and measure(line + char) > width:
                lines.append(line)
                line = ""
            line += char
    return [*lines, line]


def _pieces(text: str) -> Iterator[str]:
    """What a line may be broken between: one character of ours, or a word, with the marks that cling to it."""
    piece = ""
    for char in text:
        if piece and _parts(piece[-1], char):
            yield piece
            piece = ""
        piece += char
    if piece:
        yield piece


def _parts(before: str, after: str) -> bool:
    """Whether a line may be broken between two characters."""
    if after in NOT_FIRST or before in NOT_LAST:
        return False
    if before.isspace() or after.isspace():
        return True
    return before >= CJK or after >= CJK
