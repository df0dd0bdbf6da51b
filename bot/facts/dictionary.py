"""jieba's dictionary: where a word ends, asked only where the signs leave it open."""

from __future__ import annotations

import logging
import marshal
from collections.abc import Callable, Collection
from pathlib import Path
from threading import Lock

CACHE = "jieba.cache"
"""As jieba calls it in its ``tmp_dir``."""

Cut = Callable[[str], list[str]]
"""A clause to its words; joined they are the clause."""


class Dictionary:
    """Parts clauses into words; reads jieba's dictionary once, when first asked or told to."""

    def __init__(self, folder: Path | None = None) -> None:
        """``folder`` (mode 0700) keeps the parsed dictionary between runs; None keeps nothing,
        for a cache in a folder that others can write to would be read as trusted."""
        self._folder = folder
        self._lock = Lock()
        self._lcut: Callable[..., list[str]] | None = None

    def keep_in(self, folder: Path | None) -> None:
        """Keep the parsed dictionary in ``folder``, unless it is kept or was read already."""
        if self._folder is None and not self.loaded:
            self._folder = folder

    @property
    def loaded(self) -> bool:
        return self._lcut is not None

    def load(self) -> None:
        """Takes about a second, from the cache a third of one: not for the event loop."""
        with self._lock:
            if self._lcut is None:
                self._lcut = self._read()

    def cut(self, clause: str) -> list[str]:
        """The clause as the dictionary parts it; what it does not know falls into single signs."""
        if self._lcut is None:
            self.load()
        assert self._lcut is not None
        return self._lcut(clause, HMM=False)

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

    def _read(self) -> Callable[..., list[str]]:
        import jieba

        jieba.setLogLevel(logging.WARNING)
        tokenizer = jieba.Tokenizer()
        if self._folder is not None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            tokenizer.tmp_dir = str(self._folder)
            try:
                # In one piece: jieba reads its cache value by value, which takes as long as the dictionary.
                parsed = marshal.loads((self._folder / CACHE).read_bytes())  # noqa: S302 - as jieba does
                tokenizer.FREQ, tokenizer.total = parsed
                tokenizer.initialized = True
            except (OSError, ValueError, EOFError, TypeError):
                tokenizer.initialize()
        else:
            with tokenizer.get_dict_file() as lines:
                tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(lines)
            tokenizer.initialized = True
        cut: Callable[..., list[str]] = tokenizer.lcut
        return cut


_shared = Dictionary()


def shared(folder: Path | None = None) -> Dictionary:
    """The one dictionary of a process, for its 70 MB need be held once; the first ``folder`` that is
    given before it is read keeps it."""
    _shared.keep_in(folder)
    return _shared
