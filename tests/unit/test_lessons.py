"""Cards, licences and quiz: complete, short, dated, and resting on the law book."""

from __future__ import annotations

import re
from datetime import date

import pytest

from bot.classify.engine import Classifier
from bot.classify.taxonomy import codes
from bot.law import book, lessons, licences, quiz
from bot.law.lessons import Card
from bot.services.consumer.library import search
from bot.texts.catalogue import load as load_texts

LIBRARY = lessons.load()
LAW = book.load()
QUIZ = quiz.load()
LONGEST = 300
TITLE = 26
NATURES = {
    key.removeprefix("nature.") for key in sorted(load_texts().keys()) if key.startswith("nature.")
}
MONEY = re.compile(r"(\d+)元")
FRAUDS = ("rebate", "fake_investment", "fake_loan", "fake_service", "fake_police")
"""The five kinds that most telecom frauds are of (公安部 2022)."""


def test_there_are_enough_cards_and_questions() -> None:
    assert len(LIBRARY.cards) >= 40
    assert len(QUIZ.questions) >= 25
    assert 3 <= QUIZ.each <= 5


@pytest.mark.parametrize("card", LIBRARY.cards.values(), ids=lambda card: card.key)
def test_a_card_is_short_dated_and_rests_on_the_law_book(card: Card) -> None:
    assert 10 <= len(card.text) <= LONGEST
    assert len(card.now) <= LONGEST
    assert len(card.title) <= TITLE, "it is read on a button"
    assert card.group in LIBRARY.groups
    assert card.checked_on <= date(2026, 11, 28)
    assert card.sources
    assert all(source.cited for source in lessons.sources(card.sources, LAW))
    assert set(card.objects) <= set(codes())
    assert set(card.fraud) <= set(LAW.by_fraud)
    assert set(card.natures) <= NATURES


def test_sums_on_cards_are_those_of_the_statutes() -> None:
    for card in LIBRARY.cards.values():
        rules = [LAW.statute(n.removeprefix("statute.")) for n in card.sources if n.startswith("s")]
        known = {str(rule.at_least_fen // 100) for rule in rules if rule.at_least_fen}
        said = set(MONEY.findall(card.title + card.text))
        assert said <= known, card.key
    assert "1000" in MONEY.findall(LIBRARY.cards["tenfold"].text)
    assert "500" in MONEY.findall(LIBRARY.cards["triple"].text)


@pytest.mark.parametrize("code", codes())
def test_every_category_has_a_card(code: str) -> None:
    assert LIBRARY.fitting(code)


@pytest.mark.parametrize("kind", LAW.by_fraud)
def test_every_kind_of_swindle_has_a_card(kind: str) -> None:
    assert kind in LIBRARY.fitting("food", [kind])[0].fraud


def test_the_five_kinds_of_telecom_fraud_have_a_card_of_their_own() -> None:
    firsts = {LIBRARY.fitting("", [kind])[0].key for kind in (*FRAUDS, "second_swindle")}
    assert len(firsts) == 6


def test_a_swindle_outweighs_the_object() -> None:
    assert LIBRARY.fitting("insurance", ["fake_police"])[0].key == "fake_police"


def test_nothing_is_said_as_accepted_and_no_rule_is_repealed() -> None:
    words = [c.title + c.text + c.now for c in LIBRARY.cards.values()]
    words += [q.ask + q.why + "".join(q.answers) for q in QUIZ.questions.values()]
    words += ["".join((*k.look, *k.fraud, k.register)) for k in licences.load().kinds.values()]
    assert not [text for text in words if "受" + "理" in text or "暂行" + "办法" in text]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("押金", "deposit"),
        ("刷单", "rebate"),
        ("直播间买的翡翠是假的不给退", "counterfeit"),
        ("健身房办的年卡店关门了还剩三千块", "prepaid_closed"),
        ("网上贷款说卡号填错要先交解冻费", "fake_loan"),
        ("保险公司拒赔，说我没有如实告知", "insurance"),
        ("我的包裹快递公司弄丢了不肯赔", "express"),
        ("群里老师带我炒股票亏了八万，交了会员费", "advisory"),
    ],
)
def test_what_people_type_finds_the_card(typed: str, key: str) -> None:
    found = [card.key for card in search(typed, Classifier.load().classify(typed))]
    assert key in found, found


def test_a_search_for_nothing_finds_nothing() -> None:
    for typed in ("。", "嗯", "qwertyuiop"):
        assert not search(typed, Classifier.load().classify(typed))


# -- licences --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", licences.load().kinds.values(), ids=lambda kind: kind.key)
def test_a_kind_of_firm_says_where_what_and_whom_to_ask(kind: licences.Licence) -> None:
    assert kind.register
    assert kind.look
    assert kind.fraud
    assert lessons.sources(kind.sources, LAW)
    for name in kind.ask:
        assert lessons.row(name, LAW).number  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("某某证券公司", "securities"),
        ("教炒股的老师", "securities"),
        ("鼎盛财富公司", "private_fund"),
        ("代理退保的人", "insurance"),
        ("网上贷款公司", "bank_loan"),
        ("MT4炒外汇", "forex"),
        ("小太阳培训学校", "training"),
        ("快乐旅行社", "travel"),
        ("阿婆小吃", "food_shop"),
        ("某某健身", "any"),
    ],
)
def test_a_firm_is_known_by_its_name(typed: str, key: str) -> None:
    found = licences.load().find(typed)
    assert found is not None
    assert found.key == key


# -- quiz --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", QUIZ.questions.values(), ids=lambda question: question.key)
def test_a_question_has_its_answer_its_reason_and_its_card(question: quiz.Question) -> None:
    assert len(question.answers) == len(set(question.answers)) == 3
    assert 1 <= question.right <= 3
    assert all(len(answer) <= 20 for answer in question.answers)
    assert question.why
    assert question.card in LIBRARY.cards


def test_the_right_answer_stands_in_no_favourite_place() -> None:
    places = [question.right for question in QUIZ.questions.values()]
    assert all(places.count(place) >= len(places) / 5 for place in (1, 2, 3))


def test_a_round_is_drawn_anew_and_the_same_seed_draws_the_same() -> None:
    assert QUIZ.draw(1) == QUIZ.draw(1)
    assert len({question.key for question in QUIZ.draw(1)}) == QUIZ.each
    drawn = {question.key for seed in range(60) for question in QUIZ.draw(seed)}
    assert drawn == set(QUIZ.questions), "every question comes sometime"
