"""One spelling for what people write in many: width, case, traditional characters, hidden signs.

Every kept character remembers where it stood, so that a match can be shown in the person's own
words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Folded:
    """``text`` is what the rules read; ``origin[i]`` is the place of its i-th sign in ``source``."""

    source: str
    text: str
    origin: list[int]

    def own_words(self, start: int, end: int) -> str:
        """What the person wrote at text[start:end], on one line."""
        return " ".join(self.source[self.origin[start] : self.origin[end - 1] + 1].split())


class Folder:
    """Folds texts; the tables are data, so they are given."""

    def __init__(self, traditional: Mapping[str, str], limit: int) -> None:
        """``limit``: signs read of one text; of a longer one, its first four fifths and its end."""
        self._known: dict[str, str] = {}
        self._traditional = traditional
        self._limit = limit

    def fold(self, source: str) -> Folded:
        """Never raises, whatever the string holds."""
        if len(source) > self._limit:
            tail = self._limit // 5
            source = f"{source[: self._limit - tail]}\n{source[-tail:]}"
        known = self._known
        signs: list[str] = []
        origin: list[int] = []
        for place, sign in enumerate(source):
            folded = known.get(sign)
            if folded is None:
                folded = known[sign] = self._sign(sign)
            for one in folded:
                if one == " " and not (signs and signs[-1].isascii() and signs[-1].isalnum()):
                    continue
                # a space inside Chinese hides words ("提 现"); between Latin words it parts them
                if signs and signs[-1] == " " and not one.isascii():
                    signs.pop()
                    origin.pop()
                signs.append(one)
                origin.append(place)
        return Folded(source, "".join(signs), origin)

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
