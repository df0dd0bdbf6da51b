"""jieba's dictionary, parsed once for all processes that the tests start: each would take a second for it."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.facts.dictionary import CACHE, Dictionary


@cache
def _parsed() -> TemporaryDirectory[str]:
    """Goes with the process."""
    made = TemporaryDirectory()
    Dictionary(Path(made.name)).load()
    return made


def lend_dictionary(data: Path) -> None:
    """Lay it where a bot that starts on this data folder looks for its own."""
    folder = data / "jieba"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copy(Path(_parsed().name, CACHE), folder)
