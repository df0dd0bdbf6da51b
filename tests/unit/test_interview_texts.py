"""Every question has its texts, every text has its question."""

from __future__ import annotations

import ast
import tomllib
from importlib.resources import files

import pytest

from bot.interview.answers import words
from bot.interview.asides import _data
from bot.interview.asking import ask
from bot.interview.questions import BY_KEY, QUESTIONS, Question
from bot.texts.catalogue import TAG, load
from tests.unit.test_interview_flow import context

TEXTS = tomllib.loads(files("bot.texts").joinpath("zh/interview.toml").read_text("utf-8"))
ROOM = files("bot.interview")
KINDS = ("complaint", "clue", "consult")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
def test_a_question_has_its_texts(question: Question) -> None:
    for stem in ("ask", "why", "example", "label"):
        assert question.key in TEXTS[stem]
    for ctx in (context(), context(ask_object=True, candidates=("food",))):
        for value in question.options({"amount": {"v": 100}}, ctx):
            if question.key == "object" and not value.startswith("g:") and value != "more":
                continue
            option = value.replace("g:", "group_")
            assert option in TEXTS["option"][question.key]


def test_a_text_has_its_question() -> None:
    for stem in ("ask", "why", "example", "label", "skip"):
        for key in TEXTS[stem]:
            base, _, kind = key.rpartition("_")
            if kind in KINDS and key not in BY_KEY:
                assert base in BY_KEY
                assert kind in BY_KEY[base].kinds
            else:
                assert key in BY_KEY or (stem, key) == ("skip", "default")
    for key, options in TEXTS["option"].items():
        real = set(BY_KEY[key].options({"amount": {"v": 100}}, context(candidates=("food",))))
        for value in options:
            assert value in real or value.startswith("group_")
    assert set(words()["edit"]["names"]) == set(BY_KEY)


def named_keys() -> set[str]:
    """Text keys that stand in the code, and reasons given to Wrong or to a parser that raises it."""
    found: set[str] = set()
    for entry in ROOM.iterdir():
        if not entry.name.endswith(".py"):
            continue
        for node in ast.walk(ast.parse(entry.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            first, name = node.args[0], node.func
            called = name.id if isinstance(name, ast.Name) else getattr(name, "attr", "")
            values = [first.body, first.orelse] if isinstance(first, ast.IfExp) else [first]
            for value in values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    if called == "say":
                        found.add(value.value)
                    elif called in ("Wrong", "words_of"):
                        found.add(f"wrong.{value.value}")
    return found


def test_every_key_in_the_code_is_a_text_and_every_text_is_used() -> None:
    named = named_keys()
    asides = {f"aside.{key}" for key in _data()["chat"]} | {
        f"aside.{question['key']}" for question in _data()["question"]
    }
    mine = {
        f"{table}.{key}"
        for table in ("form", "shown", "choose", "review", "wrong", "aside")
        for key in TEXTS[table]
    }
    assert {key for key in named if key.split(".")[0] not in ("object",)} <= load().keys()
    assert asides <= mine
    assert mine <= named | asides | {"aside.wordless"}


def flat(table: object) -> list[str]:
    return [table] if isinstance(table, str) else [t for v in table.values() for t in flat(v)]  # type: ignore[attr-defined]


def test_texts_are_short_and_promise_nothing() -> None:
    for text in flat(TEXTS):
        shown = TAG.sub("", text)
        assert len(shown) <= 90
        for word in ("受理", "暂行办法", "一定能", "保证能", "包您", "马上就能退"):
            assert word not in shown
    for key, text in TEXTS["ask"].items():
        assert len(TAG.sub("", text)) <= 45, key
        assert text.count("<b>") == text.count("</b>") == 1
    for options in TEXTS["option"].values():
        assert all(len(label) <= 20 for label in options.values())


def test_the_evidence_question_shows_the_checklist() -> None:
    shown = ask(BY_KEY["evidence"], {}, context(evidence_list=("小票或付款记录", "实物照片")))
    page = "\n".join(load().plain(part) for part in shown.parts)
    assert "· 小票或付款记录\n· 实物照片" in page


def test_the_place_button_is_offered_where_a_place_is_asked() -> None:
    assert {q.key for q in QUESTIONS if ask(q, {}, context()).keyboard == "location"} == {
        "where",
        "home",
    }
