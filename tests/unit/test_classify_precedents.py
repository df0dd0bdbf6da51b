"""What is counted of texts decided before, and that they come out as they were set down."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.classify import rules as rulebook
from bot.classify.engine import PRECEDENTS, Classifier
from bot.classify.precedents import Precedents
from bot.classify.rules import BadRule

MOST = 2.0
DOUBT = 0.25
MATTERS = {"work": frozenset("w"), "kin": frozenset("k")}
CODES = ("food", "express", "out_of_scope")
texts = st.lists(
    st.tuples(st.sampled_from(CODES), st.text("abcwk", min_size=1, max_size=6)),
    min_size=1,
    max_size=12,
)


def words_of(text: str) -> set[int]:
    return set(map(ord, text))


def plainly(told: list[tuple[str, str]], text: str) -> dict[str, float]:
    """The same counted with fractions and without packing."""

    def heap(code: str, text: str) -> tuple[str, str]:
        if code != "out_of_scope":
            return code, ""
        found = {m: len(words & set(text)) for m, words in MATTERS.items()}
        best = max(found, key=found.__getitem__)
        return code, best if found[best] else ""

    heaps = Counter(heap(*one) for one in told)
    points: dict[str, float] = {}
    for own, size in heaps.items():
        total = 0.0
        for word in words_of(text):
            share = sum(word in words_of(t) for _, t in told) / len(told)
            if not share:
                continue
            mine = sum(word in words_of(t) for c, t in told if heap(c, t) == own)
            weight = math.log((mine + DOUBT) / (size * share + DOUBT))
            total += max(-MOST, min(MOST, weight))
        points[own[0]] = max(points.get(own[0], -math.inf), total)
    return points


@given(texts, st.text("abcwkx", max_size=8))
def test_packed_sums_are_the_plain_sums(told: list[tuple[str, str]], text: str) -> None:
    weighed = Precedents(told, words_of, MATTERS, MOST, DOUBT).weigh(words_of(text))
    assert weighed == pytest.approx(plainly(told, text), abs=0.05)


def test_words_tell_for_the_code_whose_texts_have_them() -> None:
    told = Precedents(
        [("food", "a"), ("food", "ab"), ("express", "b"), ("express", "c")],
        words_of,
        {},
        MOST,
        DOUBT,
    )
    assert told.telling(words_of("abcx"), "food", 0.1) == [ord("a")]
    assert told.weigh(words_of("a"))["food"] > told.weigh(words_of("a"))["express"]
    assert set(told.weigh(words_of("x")).values()) == {0.0}


def test_precedents_come_out_as_they_were_set_down() -> None:
    classifier = Classifier.load()
    told = rulebook.load().precedents
    wrong = [text for code, text in told if classifier.classify(text).object != code]
    assert len(told) > 2_000
    assert len(wrong) <= len(told) * 0.05, wrong


def test_precedents_of_an_unknown_code_are_refused() -> None:
    tables = {
        "lexicon.toml": {"class": {}, "spelling": {}},
        "precedents.toml": {"texts": {"bread": ["面包发霉"]}},
    }
    with pytest.raises(BadRule, match="bread"):
        rulebook.build(tables, "test")


def test_a_story_that_no_rule_foresaw_is_told_by_precedents() -> None:
    classifier = Classifier.load()
    text = "三个股东，两个联合起来把我开除了，公司的钱怎么算"
    assert classifier.classify(text).object == "commercial"
    told = [match for match in classifier.explain(text) if PRECEDENTS in match.asks]
    assert {"commercial", "out_of_scope"} & {match.code for match in told}
    assert all(word in text for match in told for word in match.words)
