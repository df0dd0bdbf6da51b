"""One spelling for what people write in many: width, case, traditional characters, hidden signs.

Every kept character remembers where it stood, so that a match can be shown in the person's own
words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

REMEMBERED = 20_000  # signs whose folding is kept; more than all that people write with


@dataclass(frozen=True, slots=True)
class Folded:
    """``text`` is what the rules read; ``origin[i]`` is the place of its i-th sign in ``source``."""

    source: str
    text: str
    origin: Sequence[int]

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
        fresh = {sign: self._sign(sign) for sign in set(source) - known.keys()}
        if len(known) < REMEMBERED:
            known.update(fresh)
        parts = [fresh[sign] if sign in fresh else known[sign] for sign in source]
        text = "".join(parts)
        if len(text) == len(parts) and " " not in text and "" not in parts:
            return Folded(source, text, range(len(text)))  # sign for sign, as most texts are
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
