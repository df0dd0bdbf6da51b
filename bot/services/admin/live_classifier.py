"""The classifier now in force: the packaged rules with the words that admins added (词表)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import structlog

from bot.classify import rules
from bot.classify.additions import Addition, extended
from bot.classify.engine import Classifier, Decision, Match
from bot.classify.rules import BadRule
from bot.services.admin import revisions
from bot.services.queue.drain import Store, where
from bot.services.queue.keep_up import COMPARE_SECONDS, keep_up
from models.revision import Revision

log = structlog.get_logger(__name__)

KIND = "rules"


class LiveClassifier:
    """Reads texts by the active version; every process compares it and rebuilds off the loop."""

    def __init__(self, tmp_dir: Path | None = None) -> None:
        """``tmp_dir`` keeps jieba's parsed dictionary. Raises BadRule on broken packaged rules."""
        self.tmp_dir = tmp_dir
        self.number = 0
        self._now = Classifier.load(tmp_dir=tmp_dir)
        self._last: tuple[Classifier, str, Decision] | None = None

    @property
    def version(self) -> str:
        """``<packaged>+<number>``, or ``<packaged>`` while no version is active."""
        return self._now.version

    def classify(self, text: str) -> Decision:
        """As the classifier in force decides; the same words twice running are read once."""
        last, now = self._last, self._now
        if last is not None and last[0] is now and last[1] == text:
            return last[2]
        decision = now.classify(text)
        self._last = now, text, decision
        return decision

    def explain(self, text: str) -> tuple[Match, ...]:
        """Every rule in force that fired, the heaviest first."""
        return self._now.explain(text)

    async def ready(self) -> None:
        """Until the dictionary is read, once in a process and in a thread: before a text is read."""
        if not self._now.dictionary.loaded:
            await asyncio.to_thread(self._now.dictionary.load)

    async def refresh(self, db: Store) -> None:
        """Take up the active version, if it is another."""
        async with db.read() as session:
            row = await revisions.active(session, KIND)
        number = row.version if row is not None else 0
        if number != self.number:
            self._now = await asyncio.to_thread(self._build, additions_of(row), number)
            self.number = number

    async def follow(
        self, db: Store, stop: asyncio.Event, seconds: float = COMPARE_SECONDS
    ) -> None:
        """Compare every so many ``seconds`` until ``stop``."""
        await keep_up(KIND, lambda: self.refresh(db), stop, seconds)

    def _build(self, words: Sequence[Addition], number: int) -> Classifier:
        return Classifier(extended(rules.load(), words, number), self.tmp_dir)


def additions_of(row: Revision | None) -> tuple[Addition, ...]:
    """The added words of a version, without those that the present taxonomy does not know."""
    words = []
    for value in row.body.get("additions", ()) if row is not None else ():
        try:
            words.append(Addition.from_json(value))
        except BadRule as wrong:
            log.error("an added word is left out", version=row and row.version, error=where(wrong))
    return tuple(words)
