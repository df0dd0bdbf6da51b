"""The law book: complete, dated, and saying nothing that is repealed."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from bot.classify.taxonomy import codes
from bot.law.book import LawBook, LawError, load, parse, rows_to_confirm
from bot.route import tell
from bot.texts.catalogue import load as load_texts

FILES = ("statutes", "hotlines", "authorities", "evidence")
NUMBER = re.compile(r"(?<![\d年])(1\d{2}|12\d{3}|96\d{3})(?![\d年天元倍])")


def raw(name: str) -> dict[str, Any]:
    return tomllib.loads(files("bot.law").joinpath(f"{name}.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def book() -> LawBook:
    return load()


def shown(book: LawBook) -> Iterator[str]:
    """Every string of the book that a person may be shown."""
    for rule in book.statutes.values():
        yield from (rule.cited, rule.says)
    for line in book.hotlines.values():
        yield from (line.name, line.takes, line.hours, line.note)
    for row in (*book.by_object.values(), *book.by_fraud.values()):
        yield from (row.before, row.note, *row.bring)
        for door in (row.first, *row.then):
            yield from (door.name, door.how)
    for items in book.by_evidence.values():
        for item in items:
            yield from (item.name, item.how)


@pytest.mark.parametrize("code", codes())
def test_every_kind_of_dispute_has_a_door_and_a_checklist(code: str, book: LawBook) -> None:
    doors = book.doors(code)
    assert doors.code == code
    assert doors.bring
    assert doors.note
    assert len(book.by_evidence[code]) >= 2
    if doors.liaison == "advice":
        assert doors.first.code != "liaison"
    else:
        assert doors.first.code == "liaison"
        assert doors.authority.number, "without a point there must be a number to call"


def test_goods_are_mediated_and_money_matters_have_their_authority(book: LawBook) -> None:
    assert book.doors("food").liaison == "dispute"
    assert book.doors("prepaid_card").liaison == "dispute"
    assert book.doors("stock").first.number == "12386"
    assert book.doors("insurance").first.number == "12378"
    assert "保险公司" in book.doors("insurance").first.prerequisite
    assert book.doors("telecom").first.number == "12300"
    assert book.doors("express").first.number == "12305"
    assert book.doors("rogue_platform").first.number == "110"


def test_every_kind_of_fraud_that_is_recognised_has_its_own_advice(book: LawBook) -> None:
    keys = sorted(load_texts().keys())
    kinds = {key.removeprefix("fraud.") for key in keys if key.startswith("fraud.")}
    assert "second_swindle" in kinds
    assert kinds == set(book.by_fraud)


@pytest.mark.parametrize("kind", [*load().by_fraud, "never_heard_of"])
def test_any_sign_of_fraud_leads_to_the_police_first(kind: str, book: LawBook) -> None:
    doors = book.doors("food", [kind])
    assert doors.first.number == "110"
    assert doors.liaison == "advice"
    assert book.evidence("food", [kind]) == book.by_evidence["fraud"]


def test_of_several_kinds_of_fraud_the_gravest_speaks(book: LawBook) -> None:
    doors = book.doors("stock", ["personal_payee", "screen_share", "rebate"])
    assert doors.code == "screen_share"
    assert "屏幕共享" in doors.note


def test_behind_the_doors_of_a_fraud_stands_who_watches_over_its_object(book: LawBook) -> None:
    doors = book.doors("advisory", ["fake_investment"])
    assert doors.first.number == "110"
    assert doors.then[-1].number == "12386"
    assert "12386" not in {door.number for door in book.doors("food", ["fake_investment"]).then}


def test_a_note_is_a_sentence_without_its_full_stop(book: LawBook) -> None:
    for row in (*book.by_object.values(), *book.by_fraud.values()):
        assert row.note[-1] not in "。；，", row.code
        assert row.before == row.before.rstrip("。；，"), row.code


def test_an_unknown_kind_of_dispute_goes_to_the_public_line(book: LawBook) -> None:
    assert book.doors("no_such_code").first.number == "12345"
    assert book.evidence("no_such_code")


def test_nothing_shown_names_the_repealed_rule_or_claims_acceptance(book: LawBook) -> None:
    texts = load_texts()
    prefixes = ("law.", "route.", "nearest.")
    ours = [texts.raw(key) for key in sorted(texts.keys()) if key.startswith(prefixes)]
    words = [*shown(book), *ours]
    assert len(words) > 300
    for text in words:
        assert "暂行办法" not in text
        assert "受理" not in text


def test_every_number_named_anywhere_is_a_line_with_source_and_date(book: LawBook) -> None:
    numbers = {line.number for line in book.hotlines.values()}
    named = {number for text in shown(book) for number in NUMBER.findall(text)}
    assert "12386" in named
    assert named <= numbers
    for line in book.hotlines.values():
        assert line.source
        assert line.checked_on >= date(2026, 11, 23)


def test_what_rests_on_one_copy_is_shown_as_unchecked(book: LawBook) -> None:
    order = [s for s in book.statutes.values() if s.law == "市场监督管理投诉举报处理办法"]
    assert len(order) >= 10
    for rule in order:
        assert rule.status == "to_confirm"
        assert rule.effective == date(2026, 4, 15)
        assert "待核对" in load_texts().plain(tell.statute(rule))
    verified = load_texts().plain(tell.statute(book.statute("fraud_triple")))
    assert "待核对" not in verified
    assert "《消费者权益保护法》第五十五条" in verified


def test_amounts_and_durations_are_fields(book: LawBook) -> None:
    triple, tenfold = book.statute("fraud_triple"), book.statute("food_tenfold")
    assert (triple.multiple, triple.at_least_fen) == (3, 500_00)
    assert (tenfold.multiple, tenfold.at_least_fen) == (10, 1000_00)
    assert tenfold in book.statutes_for("food")
    assert book.statute("decide").due(date(2026, 11, 23)) == date(2026, 12, 2)
    with pytest.raises(LawError, match="no duration"):
        triple.due(date(2026, 11, 23))


def test_a_row_that_somebody_confirmed_is_no_longer_to_be_checked() -> None:
    rows = {row.name: row for row in rows_to_confirm()}
    assert set(load().to_confirm()) <= set(rows)
    assert "第十五条" in rows["statute.decide"].title
    day = date(2026, 12, 1)
    book = load((("doors.express", day), ("statute.decide", day)))
    assert "待核对" not in load_texts().plain(tell.statute(book.statute("decide")))
    assert book.doors("express").status == "verified"
    assert book.statute("decide").checked_on == day
    assert "待核对" in load_texts().plain(tell.statute(book.statute("not_taken")))
    assert load().statute("decide").status == "to_confirm"


@pytest.mark.parametrize("door", ["12315", "12378", "12300", "110", "mediation", "court"])
def test_time_limits_are_known_at_the_doors_that_have_them(door: str, book: LawBook) -> None:
    assert book.limits(door)


def test_rows_not_checked_for_long_are_reported(book: LawBook) -> None:
    assert book.stale(date(2026, 11, 24), 180) == []
    late = book.stale(date(2027, 6, 1), 180)
    assert "hotline.12386" in late
    assert "statute.decide" in late
    assert "doors.food" in late
    assert "fraud.unnamed" in late


def test_the_card_never_asks_for_a_code_or_password(book: LawBook) -> None:
    assert "短信验证码" in book.never_ask
    asked = [item.name for items in book.by_evidence.values() for item in items]
    assert not [name for name in asked if "密码" in name or "验证码" in name]


def broken(change: str) -> list[dict[str, Any]]:
    tables = [copy.deepcopy(raw(name)) for name in FILES]
    statutes, hotlines, authorities, _ = tables
    match change:
        case "no source":
            del hotlines["hotline"]["12315"]["source"]
        case "no date":
            statutes["statute"]["decide"]["checked_on"] = "soon"
        case "no status":
            authorities["object"]["food"]["status"] = "sure"
        case "no such door":
            authorities["object"]["food"]["then"] = ["nowhere"]
        case "no such paper":
            authorities["fraud"]["unnamed"]["bring"] = ["nothing"]
        case "days without unit":
            del statutes["statute"]["decide"]["unit"]
        case "liaison":
            authorities["object"]["food"]["liaison"] = "decides"
        case "two doors":
            authorities["door"]["12315"] = authorities["door"]["court"]
    return tables


@pytest.mark.parametrize(
    "change",
    [
        "no source",
        "no date",
        "no status",
        "no such door",
        "no such paper",
        "days without unit",
        "liaison",
        "two doors",
    ],
)
def test_a_wrong_row_is_refused(change: str) -> None:
    with pytest.raises(LawError):
        parse(*broken(change))


def test_the_packaged_rows_pass_the_same_check() -> None:
    assert parse(*broken("nothing")).hotline("110").number == "110"
