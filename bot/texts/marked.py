"""Text that a person has formatted (加粗、链接…): its words, and marks of a closed list on them.

Markup is made from the marks only when it is shown, always closed and nested, so that nothing that somebody
typed is ever markup.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

TAGS: Mapping[str, str] = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "spoiler": "tg-spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "expandable_blockquote": "blockquote",
    "text_link": "a",
}
"""What a mark may be, in Telegram's words (Bot API, MessageEntity), and its tag. A mention or a custom emoji
stays plain text."""

ALONE = frozenset({"code", "pre"})
"""Marks that hold no other and are in no other (Bot API, formatting options)."""


@dataclass(frozen=True, slots=True)
class Mark:
    """From ``start`` to before ``end``, in code points; ``link`` is the address of a ``text_link``."""

    kind: str
    start: int
    end: int
    link: str = ""


@dataclass(frozen=True, slots=True)
class Marked:
    """Words with marks on them; as an argument of a text it keeps its marks where the channel shows any."""

    text: str
    marks: tuple[Mark, ...] = ()

    @property
    def links(self) -> tuple[str, ...]:
        """Where its marked words lead."""
        return tuple(mark.link for mark in self.marks if mark.kind == "text_link")

    def strip(self) -> Marked:
        """Without white space at its ends; the marks move along."""
        text = self.text.strip()
        ahead = len(self.text) - len(self.text.lstrip())
        moved = (
            Mark(m.kind, max(m.start - ahead, 0), min(m.end - ahead, len(text)), m.link)
            for m in self.marks
        )
        return Marked(text, tuple(mark for mark in moved if mark.start < mark.end))

    def show(self, escape: Callable[[str], str]) -> str:
        """As HTML; ``escape`` makes plain text of it."""
        marks = sorted(
            (m for m in self.marks if m.kind in TAGS and 0 <= m.start < m.end <= len(self.text)),
            key=lambda m: (m.start, -m.end),
        )
        cuts = sorted({0, len(self.text), *(at for m in marks for at in (m.start, m.end))})
        opened: list[Mark] = []
        made: list[str] = []
        for start, end in pairwise(cuts):
            wanted = _fitting([m for m in marks if m.start <= start and m.end >= end])
            kept = next(
                (
                    at
                    for at, pair in enumerate(zip(opened, wanted, strict=False))
                    if pair[0] != pair[1]
                ),
                min(len(opened), len(wanted)),
            )
            made += [f"</{TAGS[mark.kind]}>" for mark in reversed(opened[kept:])]
            made += [_opening(mark) for mark in wanted[kept:]]
            made.append(escape(self.text[start:end]))
            opened = wanted
        made += [f"</{TAGS[mark.kind]}>" for mark in reversed(opened)]
        return "".join(made)

    def to_json(self) -> dict[str, Any]:
        return {
            "marked": self.text,
            "marks": [[m.kind, m.start, m.end, m.link] for m in self.marks],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Marked:
        return Marked(value["marked"], tuple(Mark(*mark) for mark in value["marks"]))


def _fitting(marks: list[Mark]) -> list[Mark]:
    """Those that may hold one another: of each tag one, and code by itself."""
    alone = [mark for mark in marks if mark.kind in ALONE]
    if alone:
        return alone[:1]
    return list({TAGS[mark.kind]: mark for mark in reversed(marks)}.values())[::-1]


def _opening(mark: Mark) -> str:
    if mark.kind == "text_link":
        return f'<a href="{html.escape(mark.link)}">'
    return f"<{TAGS[mark.kind]}>"
