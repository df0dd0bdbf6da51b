"""Word boundaries, asked of jieba only where the characters leave them open."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

CLAUSE_END = re.compile(r"[。！？；，、!?;,\n:：（）()]")
REACH = 20  # signs of a clause given to jieba on each side of the match


class Cutter:
    """Says whether a match is a word of its own or lies across two others (``处理|财产``)."""

    def __init__(self, doubtful: Iterable[tuple[str, str, str]], tmp_dir: Path | None) -> None:
        """``doubtful``: (word, signs before, signs after) that make this word an open question.

        ``tmp_dir`` (mode 0700) keeps jieba's parsed dictionary between runs; None keeps nothing,
        for a cache in a folder that others can write to would be read as trusted.
        """
        self._doubtful = {word: (before, after) for word, before, after in doubtful}
        self._tmp_dir = tmp_dir
        self._jieba: Any = None

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

    def words(self, clause: str) -> list[str]:
        """The clause as the dictionary parts it; what it does not know falls into single signs."""
        return self._cut(clause)

    def tags(self, words: Collection[str]) -> dict[str, str]:
        """The dictionary's part of speech of these words (``nr`` is a person's name); reads its file."""
        import jieba

        found = {}
        with jieba.get_dict_file() as lines:
            for line in lines:
                word, _, rest = line.decode().partition(" ")
                if word in words:
                    found[word] = rest.split()[-1]
        return found

    def _cut(self, clause: str) -> list[str]:
        if self._jieba is None:
            self._jieba = self._load()
        words: list[str] = self._jieba.lcut(clause, HMM=False)
        return words

    def _load(self) -> Any:
        import jieba

        jieba.setLogLevel(logging.WARNING)
        if self._tmp_dir is not None:
            self._tmp_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            jieba.dt.tmp_dir = str(self._tmp_dir)
        elif not jieba.dt.initialized:
            jieba.dt.FREQ, jieba.dt.total = jieba.dt.gen_pfdict(jieba.dt.get_dict_file())
            jieba.dt.initialized = True
        return jieba.dt
