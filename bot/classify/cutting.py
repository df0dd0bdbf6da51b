"""Word boundaries, asked of jieba only where the characters leave them open."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.facts.dictionary import Cut

CLAUSE_END = re.compile(r"[。！？；，、!?;,\n:：（）()]")
REACH = 20  # signs of a clause given to jieba on each side of the match


class Cutter:
    """Says whether a match is a word of its own or lies across two others (``处理|财产``)."""

    def __init__(self, doubtful: Iterable[tuple[str, str, str]], cut: Cut) -> None:
        """``doubtful``: (word, signs before, signs after) that make this word an open question;
        ``cut`` parts a clause into words."""
        self._doubtful = {word: (before, after) for word, before, after in doubtful}
        self._cut = cut

    def doubts(self, word: str) -> bool:
        """Whether this word is ever in doubt."""
        return word in self._doubtful

    def stands(self, text: str, start: int, end: int) -> bool:
        """False when the match is cut across by a word boundary's absence on either side."""
        signs = self._doubtful.get(text[start:end])
        if signs is None:
            return True
        before, after = signs
        open_left = start > 0 and text[start - 1] in before
        open_right = end < len(text) and text[end] in after
        if not (open_left or open_right):
            return True
        low, high = max(0, start - REACH), min(len(text), end + REACH)
        for mark in CLAUSE_END.finditer(text, low, high):
            if mark.end() <= start:
                low = mark.end()
            elif mark.start() >= end:
                high = mark.start()
                break
        place = low
        for word in self._cut(text[low:high]):
            after_word = place + len(word)
            # a word that ends or begins inside the match, or holds it with more on both sides
            if place < start < after_word and after_word != end:
                return False
            if start < place < end < after_word:
                return False
            place = after_word
        return True
