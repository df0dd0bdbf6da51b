"""One spelling for what people write in many: width, case, traditional characters, hidden signs.

Every kept character remembers where it stood, so that a match can be shown in the person's own
words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

REMEMBERED = 20_000  # signs whose folding is kept; more than all that people write with


class Folded(NamedTuple):
    """``text`` is what the rules read; ``origin[i]`` is the place of its i-th sign in ``source``."""

    source: str
    text: str
    origin: Sequence[int]

    def own_words(self, start: int, end: int) -> str:
        """What the person wrote at text[start:end], on one line."""
        if isinstance(self.origin, range):  # sign for sign, and no word holds a break
            return self.source[start:end]
        return " ".join(self.source[self.origin[start] : self.origin[end - 1] + 1].split())


class Folder:
    """Folds texts; the tables are data, so they are given."""

    def __init__(self, traditional: Mapping[str, str], limit: int) -> None:
        """``limit``: signs read of one text; of a longer one, its first four fifths and its end."""
        self._known: dict[str, str] = {}
        self._traditional = traditional
        self._limit = limit
        # Ranges, for a class of 20,000 single signs takes long to read and to search with.
        # Marks stay as written, but for the colon, which stands in words (``1:8``).
        plain = {
            "\n",
            *map(chr, [*range(0x21, 0x7F), *range(0x4E00, 0x9FA6)]),
            *"，。、；！？（）“”《》",
        }
        plain -= {*map(chr, range(0x41, 0x5B)), *traditional}
        self._odd = re.compile(f"[^{_ranges(plain)}]")

    def fold(self, source: str) -> Folded:
        """Never raises, whatever the string holds."""
        if len(source) > self._limit:
            tail = self._limit // 5
            source = f"{source[: self._limit - tail]}\n{source[-tail:]}"
        odd = self._odd.findall(source)
        if not odd:  # as in most texts
            return Folded(source, source, range(len(source)))
        known = {sign: self._part(sign) for sign in set(odd)}
        if all(len(part) == 1 and part != " " for part in known.values()):
            text = self._odd.sub(lambda match: known[match.group()], source)
            return Folded(source, text, range(len(text)))
        parts = [known.get(sign, sign) for sign in source]
        signs: list[str] = []
        origin: list[int] = []
        for place, part in enumerate(parts):
            for one in part:
                if one == " " and not (signs and signs[-1].isascii() and signs[-1].isalnum()):
                    continue
                # a space inside Chinese hides words ("提 现"); between Latin words it parts them
                if signs and signs[-1] == " " and not one.isascii():
                    signs.pop()
                    origin.pop()
                signs.append(one)
                origin.append(place)
        return Folded(source, "".join(signs), origin)

    def _part(self, sign: str) -> str:
        part = self._known.get(sign)
        if part is None:
            part = self._sign(sign)
            if len(self._known) < REMEMBERED:
                self._known[sign] = part
        return part

    def _sign(self, sign: str) -> str:
        if sign in "\n\r\u2028\u2029":
            return "\n"
        kept = []
        for one in unicodedata.normalize("NFKC", sign).lower():
            category = unicodedata.category(one)
            if category == "Zs" or one == "\t":
                kept.append(" ")
            elif category[0] == "C" or category in ("Mn", "Me", "So", "Sk"):
                continue  # zero-width and direction signs, emoji, combining marks
            else:
                kept.append(self._traditional.get(one, one))
        return "".join(kept)


@cache
def folder_of(pairs: str, limit: int) -> Folder:
    """The folder of a rule book: ``pairs`` of a traditional character and its simplified one (``貸贷 錢钱``)."""
    return Folder({pair[0]: pair[1] for pair in pairs.split()}, limit)


def _ranges(signs: Iterable[str]) -> str:
    """The inside of a character class of these signs."""
    ranges: list[list[int]] = []
    for code in sorted(map(ord, signs)):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in ranges)
