"""The next question is derived from what is missing, so back, edit and resume need no states.

Everything here is pure: answers come in, new answers go out, the old ones are never changed.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

from bot.facts.dates import When, show_when
from bot.facts.money import is_loss, parse_money, show_money
from bot.facts.names import read_platforms
from bot.facts.phones import parse_phone
from bot.facts.places import Gazetteer, PlaceMatch
from bot.facts.summary import Facts
from bot.interview.answers import bare, declines, found_at, heard, label, plain, spot, wanted, words
from bot.interview.questions import BRIEF, BY_KEY, QUESTIONS, Question, object_of
from bot.interview.terms import KEEP, SAME, Answers, Context, Given, Wrong, value_of
from bot.texts.catalogue import Say, load, say

Record = dict[str, Any]


def applicable(answers: Answers, ctx: Context) -> tuple[Question, ...]:
    """The questions of this talk, in order, the answered ones included."""
    return tuple(question for question in QUESTIONS if applies(question, answers, ctx))


def applies(question: Question, answers: Answers, ctx: Context) -> bool:
    """Whether the question is one of this talk."""
    return ctx.kind in question.kinds and question.when(answers, ctx)


def next_question(answers: Answers, ctx: Context) -> Question | None:
    """The first applicable question without an answer; None: it is time for the review."""
    return next((q for q in _wanted(answers, ctx) if q.key not in answers), None)


def _wanted(answers: Answers, ctx: Context) -> tuple[Question, ...]:
    """The applicable questions that are asked, or have an answer."""
    return tuple(
        question
        for question in applicable(answers, ctx)
        if not ctx.brief or question.key in BRIEF or question.key in answers
    )


def previous(current: Question | None, answers: Answers, ctx: Context) -> Question | None:
    """The answered question before ``current`` (None: the review); None at the very beginning."""
    before = []
    for question in applicable(answers, ctx):
        if current is not None and question.key == current.key:
            break
        if question.key in answers:
            before.append(question)
    return before[-1] if before else None


def progress(current: Question, answers: Answers, ctx: Context) -> tuple[int, int]:
    """Step x of y; y may still grow or shrink with the answers, and what was skipped is no step."""
    keys = [
        question.key
        for question in _wanted(answers, ctx)
        if question.key == current.key or not answers.get(question.key, {}).get("skipped")
    ]
    if current.key not in keys:
        return len(keys), len(keys)
    return keys.index(current.key) + 1, len(keys)


def answer(question: Question, given: Given, answers: Answers, ctx: Context) -> dict[str, Record]:
    """The answers with this one in them, pruned. Raises Wrong or Choose; never anything else."""
    if given.value == KEEP and question.key in answers:
        kept = {**answers[question.key], "by": "person"}
        return prune({**answers, question.key: kept}, ctx)
    values = question.options(answers, ctx)
    if given.value and given.value not in values and not given.value.startswith(question.prefixes):
        raise Wrong("stale")
    if not given.value and given.text:
        typed = heard(given.text, question.key, values, question.loose)
        given = replace(given, value=typed or "")
        if not typed and question.may_skip(ctx) and declines(given.text):
            return skip(question, answers, ctx)
    value = question.parse(given, answers, ctx)
    record: Record = {"v": value, "said": plain(given.text), "by": "person"}
    if given.value == SAME:
        record["as"] = "amount"
    if given.voice:
        record["voice"] = True
    known = {**answers, question.key: record}
    for key, carried in question.carries(value, given, ctx).items():
        known.setdefault(key, {"v": carried, "said": plain(given.text), "by": "read"})
    return prune(known, ctx)


def skip(question: Question, answers: Answers, ctx: Context) -> dict[str, Record]:
    """The answers with this question skipped. Raises Wrong("needed") where it may not be."""
    if not question.may_skip(ctx):
        raise Wrong("needed")
    record = {"v": None, "said": "", "by": "person", "skipped": True}
    return prune({**answers, question.key: record}, ctx)


def skip_rest(answers: Answers, ctx: Context) -> dict[str, Record]:
    """The answers with every open question skipped that may be: what has to be known is still asked."""
    known: dict[str, Record] = {key: dict(record) for key, record in answers.items()}
    for question in QUESTIONS:
        if question in skippable(known, ctx):
            known = skip(question, known, ctx)
    return prune(known, ctx)


def skippable(answers: Answers, ctx: Context) -> tuple[Question, ...]:
    """The open questions that may be skipped."""
    return tuple(
        question
        for question in applicable(answers, ctx)
        if question.key not in answers and question.may_skip(ctx)
    )


def prune(answers: Answers, ctx: Context) -> dict[str, Record]:
    """Without the answers whose condition no longer holds; keys that are no question's stay.

    An answer that was "the same as" another's follows it, and goes when that one has no sum.
    """
    kept = {key: dict(record) for key, record in answers.items()}
    for key, record in list(kept.items()):
        if "as" in record:
            record["v"] = value_of(kept, record["as"])
            if not record["v"]:
                del kept[key]
    while True:
        asked = {question.key for question in applicable(kept, ctx)}
        gone = [key for key in kept if key in BY_KEY and key not in asked]
        if not gone:
            return kept
        for key in gone:
            del kept[key]


# Reading the story


def prefill(
    story: str, facts: Facts, answers: Answers, ctx: Context
) -> tuple[dict[str, Record], tuple[str, ...]]:
    """Fill in what the story says beyond doubt; never overwrites what the person answered herself.

    Returns the new answers and the keys that were read, in the order of the table (``story`` not among them).
    """
    known = {key: dict(record) for key, record in answers.items()}
    if story.strip() and "story" not in known:
        known["story"] = {"v": story.strip(), "said": plain(story), "by": "person"}
    read: set[str] = set()
    for key, (value, said) in _sure(story, facts, ctx).items():
        own = key in known and known[key]["by"] == "person"
        if not own and (key == "object" or applies(BY_KEY[key], known, ctx)):
            known[key] = {"v": value, "said": said, "by": "read"}
            read.add(key)
    pruned = prune(known, ctx)
    return pruned, tuple(q.key for q in QUESTIONS if q.key in read and q.key in pruned)


def _sure(story: str, facts: Facts, ctx: Context) -> dict[str, tuple[Any, str]]:
    """Key -> (value, the words it rests on), in the order of the table so that conditions can hold."""
    sure: dict[str, tuple[Any, str]] = {}
    if ctx.object and not ctx.ask_object:
        sure["object"] = (ctx.object, "")
    if len({span.said for span in facts.merchants}) == 1 and not read_platforms(
        facts.merchants[0].said
    ):
        sure["merchant"] = (facts.merchants[0].said, facts.merchants[0].said)
    if ctx.online:
        named = facts.platforms[0].platform.name if len(facts.platforms) == 1 else ""
        sure["where"] = (spot("online", named), named)
    sure |= _places(story, facts, ctx)
    if facts.payee_personal is not None:
        sure["payee_personal"] = ("yes" if facts.payee_personal else "no", "")
    if when := _sure_when(story, facts):
        sure["when"] = (_span(when.first, when.last, when.approx), when.said)
    money = facts.best_amount()
    if money and (is_loss(story, money) > 0 or len({m.fen for m in facts.money}) == 1):
        sure["amount"] = (money.fen, money.said)
    ways = {words()["paid_by"]["kinds"].get(paid.kind, "") for paid in facts.payments}
    if len(ways) == 1 and (way := ways.pop()):
        sure["paid_by"] = (way, facts.payments[0].said)
    demands = re.findall(words()["claim"]["demand"], story[:5000])
    wants = {want for demand in demands for want in wanted(demand)}
    if len(wants) == 1:
        sure["claim"] = ({"want": wants.pop(), "text": ""}, demands[0])
    replies = [
        (reply, match[0])
        for reply, pattern in words()["merchant_replied"].items()
        if (match := re.search(pattern, story[:5000]))
    ]
    if len(replies) == 1:
        sure["asked_merchant"] = replies[0]
    own = [
        span
        for span in facts.phones
        if bare(story[max(0, span.start - 12) : span.start]).endswith(
            tuple(words()["own_phone"]["before"])
        )
    ]
    if len(own) == 1 and (number := parse_phone(own[0].said)):
        sure["phone"] = (number, own[0].said)
    return sure


def _sure_when(story: str, facts: Facts) -> When | None:
    """The one day (or short stretch) that a story names; its other dates must be the same in fewer words."""
    when = facts.best_date()
    if when is None or not all(w.first <= when.first and when.last <= w.last for w in facts.dates):
        return None
    known = words()["when"]
    another = story[when.end :].startswith(tuple(known["not_after"]))
    return None if another or (when.last - when.first).days > known["longest_days"] else when


def _span(first: date, last: date, approx: bool) -> dict[str, Any]:
    return {"first": first.isoformat(), "last": last.isoformat(), "approx": approx}


def _places(story: str, facts: Facts, ctx: Context) -> dict[str, tuple[Any, str]]:
    """One place after 我住 is her home, one other place is where it happened; more are left to be asked."""
    homes: list[PlaceMatch] = []
    others: list[PlaceMatch] = []
    for match in facts.places:
        before = bare(story.partition(match.said)[0][-8:])
        homes_first = before.endswith(tuple(words()["home"]["before"]))
        (homes if homes_first else others).append(match)
    found: dict[str, tuple[Any, str]] = {}
    if len(others) == 1 and not ctx.online:
        found["where"] = (found_at(others[0], others[0].said), others[0].said)
    if len(homes) == 1:
        found["home"] = (found_at(homes[0], homes[0].said), homes[0].said)
    return found


# Showing


def show(key: str, answers: Answers, ctx: Context) -> Say | str | None:
    """An answer as a person reads it; None where there is none."""
    record = answers.get(key)
    if record is None:
        return say(f"object.{object_of(answers, ctx)}") if key == "object" and ctx.object else None
    if record.get("skipped"):
        return say("shown.skipped")
    value = record["v"]
    if value is None:
        return say("shown.unknown")
    if key in ("where", "home"):
        return _show_place(key, value, ctx.gazetteer)
    if key == "when":
        shown = show_when(date.fromisoformat(value["first"]), date.fromisoformat(value["last"]))
        return _in_her_words(shown, record["said"]) if value["approx"] else shown
    if key in ("amount", "claim_amount", "balance_left"):
        return _show_money(key, value, record["said"])
    if key == "claim":
        return value["text"] or label(key, value["want"]).label
    if key == "evidence":
        return say("shown.files", count=value) if value else say("shown.no_files")
    if key == "object" or BY_KEY[key].loose:
        return label(key, value).label
    if record.get("voice") and not value:
        return say("shown.voice")
    return value or say("shown.none")


def _in_her_words(shown: str, said: str) -> Say:
    return say("shown.about", value=shown, said=said) if said else say("shown.roughly", value=shown)


def _show_money(key: str, fen: int, said: str) -> Say | str:
    if not fen:
        return label("amount", "none").label if key == "amount" else say("shown.zero")
    read = parse_money(said) if said else None
    if read and read.fen == fen and read.approx:
        return _in_her_words(show_money(fen), said if len(said) <= 30 else read.said)
    return show_money(fen)


def _show_place(key: str, value: dict[str, Any], gazetteer: Gazetteer) -> Say | str:
    mode, text = value["mode"], value["text"]
    if mode == "pin":
        return say("shown.pin_at", title=text) if text else say("shown.pin")
    if mode == "online" and text:
        return say("shown.online_at", text=text)
    if mode in ("online", "unknown", "none"):
        option = "outside" if mode == "none" and key == "home" else mode
        return label(key, option).label
    street = gazetteer.streets.get(value["street"] or "")
    if street and street.name not in text:
        return say("shown.place_in", text=text, street=street.name)
    return text or say("shown.unknown")


def review(answers: Answers, ctx: Context) -> tuple[tuple[str, Say], ...]:
    """(key, line) for every answer, in the order of the table; what was only read says so."""
    lines = []
    for question in applicable(answers, ctx):
        shown = show(question.key, answers, ctx)
        if shown is not None:
            read = answers.get(question.key, {}).get("by") == "read"
            line = say(
                "review.read" if read else "review.line",
                label=say(f"label.{question.key}"),
                value=shown,
            )
            lines.append((question.key, line))
    return tuple(lines)


def find_question(text: str) -> str | None:
    """The key of the answer that "改 金额", "修改一下电话" or "金额错了" wants to change; else None."""
    said = bare(text)
    naming = words()["edit"]
    found = re.fullmatch(naming["before"], said) or re.fullmatch(naming["after"], said)
    if not found:
        return None
    for key, names in naming["names"].items():
        if found["name"] in map(bare, (*names, load().raw(f"label.{key}"))):
            return str(key)
    return None
