"""What a button carries fits the Bot API's 64 bytes, whatever is asked, chosen or listed."""

from __future__ import annotations

import ast
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import services
from bot.interview.answers import limit
from bot.interview.questions import QUESTIONS, Question
from bot.interview.terms import KEEP
from bot.ports import Press
from bot.route.region import load_region
from bot.route.register import Register
from bot.services.consumer import codes, follow
from bot.services.consumer.converse import REVIEW
from bot.services.consumer.drafts import GROUPS
from bot.services.outreach import notice_board
from bot.services.sending import button
from bot.services.staff import (
    close_case,
    merge,
    pass_on,
    recuse,
    relay,
    return_case,
    templates,
    today,
)
from bot.texts.catalogue import load
from models.case import Case, new_token

MOST = 64
VERB = re.compile("[stmjku][a-z]{0,2}")
SERVICES = Path(services.__file__).parent
CODES = tuple(code for _, codes in GROUPS for code in codes)
CONTROLS = ("back", "skip", "pause", "cancel", "cancel_yes", "human", "pin", "stay", "edit")
REGISTER = Register(load_region("pudong").desks)
CASE = Case(token=new_token(), version=99_999)
OPENED = 9_999_999_999
"""Unix seconds of a day far away: what stamps a list."""


def packed(
    verb: str,
    question: str = "",
    value: str = "",
    version: int | None = None,
    case: Case | None = CASE,
) -> str:
    """The data of a button about a case with a long history; pack() raises when it is too long."""
    press = button("button.menu", verb, case, question, value, version).press
    assert press is not None
    data = press.pack()
    assert len(data.encode()) <= MOST
    assert Press.unpack(data) == press
    return data


def values(question: Question) -> Iterator[str]:
    """Every value that a button of this question can have."""
    prefix = f"option.{question.key}."
    yield KEEP
    known = load().keys()
    yield from (key.removeprefix(prefix) for key in known if key.startswith(prefix))
    for begin in question.prefixes:
        match begin:
            case "fen:":
                yield f"fen:{9 * limit('amount_huge_fen') * 1000}"
            case "page:":
                yield f"page:{len(REGISTER.streets)}"
            case "s:":
                yield from (f"s:{desk.code}" for desk in REGISTER.streets)
            case "c:":
                yield from (f"c:{desk.code}" for desk in REGISTER if desk.level == "point")
            case "":
                yield from CODES
                yield from (f"g:{group}" for group, _ in GROUPS)
            case "typed":
                yield begin
            case _:
                raise AssertionError(f"no buttons are known for {begin}")


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.key)
def test_answers_and_controls(question: Question) -> None:
    for value in values(question):
        packed("a", question.key, value)
    for value in CONTROLS:
        packed("c", question.key, value)
    packed("e", REVIEW, question.key)


def test_review() -> None:
    packed("f", REVIEW, "file")
    for desk in REGISTER:
        packed("o", REVIEW, desk.code)


def test_after_filing() -> None:
    for verb in follow.VERBS:
        packed(verb)
    for aspect in follow.ASPECTS:
        for score in follow.SCORES:
            packed("tr", aspect, score)
    packed("use", value=CASE.token, version=0)


def test_staff() -> None:
    for verb in ("st", "sr", "sv", "sa", "sx", *close_case.VERBS):
        packed(verb)
    for code in close_case.RESULTS:
        packed("ser", value=code)
    for act in ("off", "all", "this"):
        packed(relay.STAFF_VERB, act)
        packed(relay.CONSUMER_VERB, act)
    for act in ("sure", "to"):
        packed(pass_on.VERB, act, uuid.uuid4().hex)
        packed(recuse.VERB, act, uuid.uuid4().hex)
    for act in ("into", "from"):
        packed(merge.VERB, act, new_token())
    for act in ("see", "send", "own"):
        packed(templates.VERB, act, "f" * 12)
    packed(codes.STAFF_VERB, "go")
    packed(codes.VERB, value=new_token())
    packed(today.VERB, value="999", version=OPENED)
    for code in return_case.REASONS:
        packed("srr", value=code)
    for code in (*CODES, *(group for group, _ in GROUPS)):
        packed("sl", "group", code)


def test_admin() -> None:
    serial = str(9 * len(REGISTER))
    packed("mt", "desks", serial, OPENED)
    packed("mt", "to", serial)
    packed("mb", "desk", serial, OPENED)
    for act in ("send", "drop", "back", "yes", "no", "result", "recall_yes", "st:+310115005000"):
        packed(notice_board.VERB, act, uuid.uuid4().hex, case=None)


def test_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        Press("a", CASE.token, "institution_replied", 1, "字" * 20).pack()


WORD = st.text("abcdefghijklmnopqrstuvwxyz_:0123456789", max_size=20)


SHOWN = st.text(st.characters(exclude_categories=("C", "Z")), max_size=30)


@given(WORD, WORD, WORD, st.integers(0, OPENED), SHOWN)
def test_what_fits_comes_back_as_it_was(
    verb: str, case: str, question: str, version: int, value: str
) -> None:
    press = Press(verb, case, question, version, value)
    try:
        data = press.pack()
    except ValueError:
        assert len(f"{verb}|{case}|{question}|{version}|{value}".encode()) > MOST
    else:
        assert len(data.encode()) <= MOST
        assert Press.unpack(data) == press


@given(st.text(max_size=64))
def test_foreign_data_is_told_apart(data: str) -> None:
    try:
        press = Press.unpack(data)
    except ValueError:
        return
    assert data.split("|", 4)[::4] == [press.verb, press.value]
    assert int(data.split("|", 4)[3]) == press.version


def test_no_two_use_cases_share_a_verb() -> None:
    """A button of one would be taken for the other's. Verbs are the short constants of the services."""
    owners: dict[str, set[str]] = {}
    for path in sorted(SERVICES.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.Tuple):
                for part in ast.walk(node.value):
                    if isinstance(part, ast.Constant) and VERB.fullmatch(str(part.value)):
                        owners.setdefault(str(part.value), set()).add(path.stem)
    assert len(owners) > 30, "verbs look otherwise by now"
    assert {verb: sorted(by) for verb, by in owners.items() if len(by) > 1} == {}
