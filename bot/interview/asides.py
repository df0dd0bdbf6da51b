"""What a person says beside the question: chit-chat, a question of her own, a word that steers.

Order for the caller: :func:`control`, then ``flow.find_question``, then :func:`aside`, then ``flow.answer``;
so chit-chat is never stored as an answer. Words are data: ``asides.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

from bot.facts.common import fold
from bot.interview.answers import bare, heard, plain
from bot.interview.questions import Question
from bot.texts.catalogue import Say, load, say

Control = Literal[
    "back",
    "skip",
    "later",
    "pause",
    "cancel",
    "human",
    "help",
    "status",
    "submit",
    "edit",
    "settings",
    "data",
    "learn",
]


@cache
def _data() -> Mapping[str, Any]:
    text = files("bot.interview").joinpath("asides.toml").read_text("utf-8")
    parsed: Mapping[str, Any] = tomllib.loads(text)
    return parsed


@cache
def _controls() -> Mapping[str, str]:
    return {bare(word): name for name, known in _data()["control"].items() for word in known}


@cache
def _polite() -> tuple[re.Pattern[str], re.Pattern[str]]:
    before, after = (
        sorted(_data()["polite"][side], key=len, reverse=True) for side in ("before", "after")
    )
    return re.compile(f"(?:{'|'.join(before)})"), re.compile(f"(?:{'|'.join(after)})$")


def control(text: str) -> Control | None:
    """The steering word that the whole message is: "返回", "我要取消", "转人工谢谢"; else None.

    "我要取消订单" is none: what is cancelled there is not this talk.
    """
    said = bare(text)
    if not said or len(said) > _data()["limits"]["longest"]:
        return None
    known, (before, after) = _controls(), _polite()
    for _ in range(6):
        if said in known:
            return cast(Control, known[said])
        shorter = after.sub("", said)
        if shorter in known:
            return cast(Control, known[shorter])
        front = before.match(said)
        if front is None and shorter == said:
            break
        said = said[front.end() :] if front else shorter
    return None


@cache
def _asked() -> tuple[tuple[tuple[re.Pattern[str], ...], Mapping[str, Any]], ...]:
    return tuple(
        (tuple(re.compile(pattern) for pattern in known["patterns"]), known)
        for known in _data()["question"]
    )


@cache
def _chat() -> Mapping[str, str]:
    return {bare(word): key for key, known in _data()["chat"].items() for word in known}


def _chatted(text: str) -> str | None:
    """The kind of chit-chat that the whole message is, however often repeated."""
    said = bare(text)
    if not said:
        return "wordless" if text.strip() else None
    once = [said[:size] for size in range(1, 5) if said == said[:size] * (len(said) // size)]
    for form in (said, *once, said.rstrip("啊呀呢吧的哦啦嘛哈哟呗")):
        if form in _chat():
            return _chat()[form]
    return "laugh" if re.fullmatch("[哈嘿呵嘻啊]+", said) else None


@cache
def _values(key: str) -> tuple[str, ...]:
    """Every option that a question can have."""
    prefix = f"option.{key}."
    return tuple(
        name.removeprefix(prefix) for name in sorted(load().keys()) if name.startswith(prefix)
    )


def aside(text: str, question: Question | None) -> Say | None:
    """What to say to a text that is no answer to ``question``; None: take it as an answer.

    A question of hers counts only when it makes up most of the text, so that a short story that ends in
    "能要回来吗" stays a story. Outside the interview, ``question`` is None.
    """
    if question and heard(text, question.key, _values(question.key), question.loose):
        return None
    line = unicodedata.normalize("NFKC", fold(plain(text[:400]))).lower()
    limits = _data()["limits"]
    if len(line) > limits["longest"]:
        return None
    if kind := _chatted(text):
        return say(f"aside.{kind}")
    letters = len(bare(line))
    for patterns, known in _asked():
        found = [match for pattern in patterns if (match := pattern.search(line))]
        if not found or any(word in line for word in known.get("not", ())):
            continue
        if max(len(bare(match[0])) for match in found) * 100 >= limits["share"] * letters:
            return say(f"aside.{known['key']}", **known.get("args", {}))
    return None
