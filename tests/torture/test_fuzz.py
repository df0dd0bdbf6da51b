"""The long form of the fuzzing: every parser, and the way of an update into the bot, with so many made-up inputs each.

Run by ``make torture``; prints what it came to. ``EXAMPLES`` in the environment makes it shorter or longer. The short
forms are in ``make test``: ``attack/test_doors.py``, ``attack/test_fields.py`` and the properties of each parser.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import date, datetime
from datetime import time as clock
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram import Update

from bot.adapters.telegram import chat_key, sound
from bot.facts.dates import coming_days, parse_date, read_dates
from bot.facts.money import parse_money, read_money
from bot.facts.names import parse_person_name, read_platforms
from bot.facts.phones import mask_text, parse_phone, read_phones
from bot.facts.redact import redact
from bot.facts.summary import read_facts
from bot.interview import asides, flow
from bot.interview.answers import speaks_for_another, wanted
from bot.interview.questions import QUESTIONS
from bot.interview.terms import Choose, Context, Given, Wrong
from bot.ports import Press
from bot.route.hours import after_duty
from bot.route.region import load_region
from bot.services.consumer import codes, drafts
from bot.services.mediation import advance, agree, mediate
from bot.services.mediation.papers import Unread
from bot.services.network.load_register import LiveRegister
from bot.services.staff import templates
from handlers.incoming import LONGEST, read
from tests.attack.hostile import TEXTS
from tests.attack.test_doors import broken_updates

EXAMPLES = int(os.environ.get("EXAMPLES", "20000"))
TODAY = date(2026, 11, 23)
NOON = datetime.fromisoformat("2026-11-23T12:00+08:00")
GAZETTEER = LiveRegister(load_region("pudong")).gazetteer
OFFICE = "work 09:00-17:00"
DAY = clock(8), clock(21)

Parser = Callable[[str], Any]

PIECES = (
    *(
        "一百二十",
        "3.5万",
        "¥",
        "元",
        "块",
        "左右",
        "昨天",
        "上周三",
        "2026年",
        "12月5日",
        "下午三点",
        "国庆节",
    ),
    *(
        "138",
        "00138000",
        "021-",
        "＋86",
        "川沙新镇",
        "世纪大道",
        "弄",
        "号",
        "12345",
        "微信",
        "支付宝",
        "我妈",
    ),
    *(
        "退款",
        "不肯",
        "没有",
        "不知道",
        "改",
        "金额",
        "返回",
        "{",
        "}",
        "<b>",
        "|",
        "\u200b",
        "\u202e",
        "\x00",
    ),
    *(
        "周一至周五",
        "9:00-17:00",
        "；",
        "，",
        " ",
        "\n",
        "ABCDE",
        "-",
        "FGHJK",
        "sv",
        "||",
        "|0|",
        "=1+1",
    ),
)
"""What the parsers look for, to be put together in any way."""

words = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.text(max_size=60),
    st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=10).map("".join),
    st.sampled_from(list(TEXTS.values())).map(lambda text: text[:400]),
)


def context(**known: Any) -> Context:
    return Context(
        kind="complaint",
        today=TODAY,
        gazetteer=GAZETTEER,
        taxonomy=drafts.GROUPS,
        **known,
    )


def question(text: str) -> None:
    """Every question's own reader: an answer that can be kept and shown, or a reasoned refusal."""
    ctx = context(fraud=True, object="prepaid_card", for_another=True)
    for one in QUESTIONS:
        try:
            answers = flow.answer(one, Given(text=text), {}, ctx)
            json.dumps(answers)
            flow.show(one.key, answers, ctx)
        except (Wrong, Choose):
            continue


def papers(text: str) -> None:
    """Every step of the taker's papers."""
    for form in (mediate.FORM, agree.FORM, advance.FORM):
        for step in form.steps:
            try:
                if step.read is not None:
                    value = step.read(text, TODAY)
                    json.dumps(value)
                    form.shown(step, value)
            except Unread:
                continue


def press(text: str) -> None:
    try:
        assert Press.unpack(text).pack() == text
    except ValueError:
        return


def story(text: str) -> None:
    """What a story is read for, all of it."""
    facts = read_facts(text, TODAY, GAZETTEER)
    known, _ = flow.prefill(text, facts, {}, context())
    json.dumps(known)


PARSERS: dict[str, Parser] = {
    "money": lambda text: (parse_money(text), read_money(text)),
    "dates": lambda text: (
        parse_date(text, TODAY),
        read_dates(text, TODAY),
        coming_days(text, TODAY),
    ),
    "phones": lambda text: (parse_phone(text), read_phones(text), mask_text(text)),
    "names": lambda text: (parse_person_name(text), read_platforms(text)),
    "places": lambda text: GAZETTEER.find(text),
    "redact": lambda text: redact(text).text,
    "story": story,
    "steering": lambda text: (
        asides.control(text),
        asides.aside(text, None),
        flow.find_question(text),
        speaks_for_another(text),
        wanted(text),
    ),
    "questions": question,
    "papers": papers,
    "hours": lambda text: after_duty(text, NOON, 120, OFFICE, DAY),
    "codes": codes.read,
    "templates": lambda text: (templates.unknown(text), templates.fill(text, {})),
    "buttons": press,
}


def tell(capsys: pytest.CaptureFixture[str], what: str, count: int, begun: float) -> None:
    with capsys.disabled():
        print(f"\n{what}: {count} made-up inputs in {time.monotonic() - begun:.0f} s, no fault")  # noqa: T201


def fuzzed(strategy: st.SearchStrategy[Any], judge: Callable[[Any], Any]) -> int:
    """Give ``judge`` EXAMPLES inputs, others each time; how many it was given."""
    count = 0

    @given(strategy)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=False,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def run(value: Any) -> None:
        nonlocal count
        count += 1
        judge(value)

    run()
    assert count >= EXAMPLES
    return count


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_bears_whatever_comes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    tell(capsys, f"parser {name}", fuzzed(words, PARSERS[name]), begun)


def update(given: Any) -> None:
    """Past the door it can be kept and its chat named; what is read of it is bounded, or refused."""
    kept = sound(given)
    json.dumps(kept, ensure_ascii=False).encode()
    if isinstance(kept, dict) and "update_id" in kept:
        assert len(chat_key(kept)) <= 128
    try:
        parsed = Update.de_json(kept, None)
        heard = read(parsed) if parsed is not None else None
    except Exception:
        return
    assert heard is None or len(heard.text) <= LONGEST


def test_an_update_is_taken_in_or_set_aside(capsys: pytest.CaptureFixture[str]) -> None:
    begun = time.monotonic()
    tell(capsys, "updates", fuzzed(broken_updates(), update), begun)
