"""Every text has its use and every use its text, and no text says what it must not."""

from __future__ import annotations

import re

import pytest

from bot.texts.catalogue import TAG, load
from tests.house_rules import tree
from tests.house_rules.words import Call, beginnings, calls, fields, literals, values

# Texts that the code finds by a key it puts together, by the beginning of the key.
DYNAMIC = (
    "aside.",
    "ask.",
    "channel.",
    "danger.",
    "danger_kind.",
    "example.",
    "file_kind.",
    "fraud.",
    "label.",
    "nature.",
    "object.",
    "option.",
    "redacted.",
    "status.",
    "why.",
    "wrong.",
)

# A group of texts that the code names nowhere by itself: none yet, and each would say why.
UNNAMED: tuple[str, ...] = ()

SOURCES = {
    name: tree.code(name) for name in tree.under("bot/", "handlers/", "models/", suffix=".py")
}
CALLS = [call for name, source in SOURCES.items() for call in calls(name, source)]
TEXTS = load("zh")
KEYS = sorted(TEXTS.keys())


def test_every_text_asked_for_exists() -> None:
    missing = [
        f"{call.where}: no text {call.key}{'…' if call.dynamic else ''}"
        for call in CALLS
        if not (
            any(key.startswith(call.key) for key in KEYS) if call.dynamic else call.key in TEXTS
        )
    ]
    assert not missing, "\n".join(missing)


def test_every_text_is_given_what_it_wants() -> None:
    missing = [
        f"{call.where}: {call.key} also wants {sorted(wanted - call.args)}"
        for call in CALLS
        if not call.dynamic and call.args is not None and call.key in TEXTS
        if (wanted := fields(TEXTS.raw(call.key))) - call.args
    ]
    assert not missing, "\n".join(missing)


def test_keys_are_put_together_from_declared_beginnings_only() -> None:
    undeclared = [
        f"{call.where}: {call.key}… is not in DYNAMIC"
        for call in CALLS
        if call.dynamic and not call.key.startswith(DYNAMIC)
    ]
    assert not undeclared, "\n".join(undeclared)


@pytest.mark.parametrize("beginning", DYNAMIC)
def test_a_declared_beginning_is_used(beginning: str) -> None:
    used = frozenset().union(*(beginnings(source) for source in SOURCES.values()))
    assert any(key.startswith(beginning) for key in used), (
        f"nothing is put together from {beginning}"
    )


def test_every_text_is_used() -> None:
    named = frozenset().union(*(literals(source) for source in SOURCES.values()))
    data = (name for name in tree.under("bot/", suffix=".toml") if "/texts/" not in name)
    named = named.union(*(values(tree.code(name)) for name in data))
    unused = [key for key in KEYS if key not in named and not key.startswith((*DYNAMIC, *UNNAMED))]
    assert not unused, f"texts that nothing says: {unused}"


def unshowable(raw: str) -> str | None:
    """Why a text cannot be shown as it stands, or None."""
    tags = TAG.findall(raw)
    opened = [tag.strip("<>") for tag in tags if not tag.startswith("</")]
    if not raw.strip():
        return "it is empty"
    if not all(name.isidentifier() for name in fields(raw)):
        return "an argument has no name"
    if re.search(r"[<>]", TAG.sub("", raw)):
        return "only the tags <b> <i> <u> <code> are known"
    if sorted(opened) != sorted(tag.strip("</>") for tag in tags if tag.startswith("</")):
        return "a tag is not closed"
    return None


def test_every_text_can_be_shown() -> None:
    wrong = [f"{key}: {why}" for key in KEYS if (why := unshowable(TEXTS.raw(key)))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("raw", ["", " ", "{}", "{0}", "<a>b</a>", "1 < 2", "<b>x", "<b>x</i>"])
def test_what_cannot_be_shown_is_found(raw: str) -> None:
    assert unshowable(raw)


# Written apart, so that this file does not say them either.
REPLACED_RULES = "暂行" + "办法"
ACCEPTED = "受" + "理"
# A liaison point registers and forwards; to accept a complaint in the law's sense is for the bureau.
MAY_SAY_ACCEPTED = re.compile(
    f"(?:不予|不|是否|决定|未|才算|能否|可能){ACCEPTED}|{ACCEPTED}(?:与否|条件|范围)"
)


def test_the_replaced_rules_are_named_nowhere() -> None:
    """市场监督管理投诉举报处理办法 (总局令第121号) replaced them."""
    found = [
        name
        for name in tree.under("bot/", "handlers/", "models/", "docs/", "README.md")
        if REPLACED_RULES in (tree.text(name) or "")
    ]
    assert not found, f"{REPLACED_RULES} is named in {found}"


def test_no_text_says_that_a_complaint_was_accepted() -> None:
    found = [key for key in KEYS if ACCEPTED in MAY_SAY_ACCEPTED.sub("", TEXTS.raw(key))]
    assert not found, f"{ACCEPTED} is said in {found}: say 已登记 or 已转交联络点"


def test_the_reader_of_the_code_finds_what_it_should() -> None:
    source = (
        "say('a.b', x=1)\nSay('c.d', {'y': 2})\nsay(f'ask.{key}')\nsay('e.f', **rest)\n"
        "say('g.h' if x else 'i.j')\ntexts.say('k.l')\nessay('m.n')\n"
    )
    assert list(calls("x.py", source)) == [
        Call("x.py:1", "a.b", False, frozenset({"x"})),
        Call("x.py:2", "c.d", False, frozenset({"y"})),
        Call("x.py:3", "ask.", True, frozenset()),
        Call("x.py:4", "e.f", False, None),
        Call("x.py:5", "g.h", False, frozenset()),
        Call("x.py:5", "i.j", False, frozenset()),
        Call("x.py:6", "k.l", False, frozenset()),
    ]
    assert fields("{a} and {b.c} but not {{d}}") == {"a", "b"}
    assert values('x = ["a.b", {y = "c.d"}]') == {"a.b", "c.d"}
    assert beginnings("f'ask.{key}'") == {"ask."}
