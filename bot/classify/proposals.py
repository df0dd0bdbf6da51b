"""Words that stories of a category use and its rules do not read yet, for an admin to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.classify import additions
from bot.classify.cutting import CLAUSE_END
from bot.classify.engine import PRECEDENTS, Match
from bot.classify.rules import RuleBook
from bot.facts.dictionary import Dictionary


@dataclass(frozen=True, slots=True)
class Proposal:
    """A word, in how many stories it stands, and whether rules of other categories read it."""

    word: str
    stories: int
    elsewhere: bool


def propose(
    book: RuleBook,
    explain: Callable[[str], Sequence[Match]],
    dictionary: Dictionary,
    stories: Sequence[str],
    code: str,
) -> tuple[Proposal, ...]:
    """The words of stories that belong to ``code`` which none of its rules matched, commonest first.

    Only words of the dictionary are proposed, by its parts of speech: no names of people or places,
    no numbers, no words of every story. jieba's work: not for the event loop.
    """
    found: Counter[str] = Counter()
    read_elsewhere: set[str] = set()
    for story in stories:
        matches = [
            m
            for m in explain(story)
            if m.axis == "object" and m.weight > 0 and PRECEDENTS not in m.asks
        ]
        mine, others = (
            [
                additions.folded(book, word)
                for match in matches
                if (match.code == code) is own
                for word in match.words
            ]
            for own in (True, False)
        )
        clauses = CLAUSE_END.split(additions.folded(book, story))
        words = dict.fromkeys(word for clause in clauses for word in dictionary.cut(clause))
        for word in filter(_telling, words):
            if not any(word in known or known in word for known in mine):
                found[word] += 1
                if any(word in known or known in word for known in others):
                    read_elsewhere.add(word)
    tags = dictionary.tags(found.keys())
    told = [pair for pair in found.most_common() if tags.get(pair[0]) in additions.telling_tags()]
    return tuple(
        Proposal(word, count, word in read_elsewhere)
        for word, count in told[: additions.limit("suggest_words")]
    )


def _telling(word: str) -> bool:
    return (
        additions.limit("word_least") <= len(word) <= additions.limit("suggest_longest")
        and word not in additions.stop_words()
    )
