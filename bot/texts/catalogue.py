"""Every outgoing sentence, found by name.

A room that wants to say something returns a :class:`Say` (a key and its arguments); only a channel
turns it into characters. Texts live in ``bot/texts/zh/*.toml``; a text may use the four tags
``<b> <i> <u> <code>``, and ``{name}`` for an argument. Arguments are data, never markup; what a person
formatted comes as a :class:`bot.texts.marked.Marked`.
"""

from __future__ import annotations

import html
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from bot.texts.marked import Marked

TAG = re.compile(r"</?(?:b|i|u|code)>")

TURNS_TEXT = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of what follows (UAX #9): in a name they would rewrite our own sentence."""


@dataclass(frozen=True, slots=True)
class Say:
    """A text by its key, with arguments: plain values, formatted words, other Says, or lists of them.

    A list is joined with ``、`` unless every member is a Say, which are joined by line breaks.
    """

    key: str
    args: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON values: ``{"say": key, "args": {...}}``."""
        return {"say": self.key, "args": {k: _pack(v) for k, v in self.args.items()}}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Say:
        """The reverse of :meth:`to_json`."""
        return Say(value["say"], {k: _unpack(v) for k, v in value.get("args", {}).items()})


def say(key: str, /, **args: Any) -> Say:
    """Short for ``Say(key, args)``."""
    return Say(key, args)


def _pack(value: Any) -> Any:
    if isinstance(value, (Say, Marked)):
        return value.to_json()
    if isinstance(value, (list, tuple)):
        return [_pack(item) for item in value]
    return value


def _unpack(value: Any) -> Any:
    if isinstance(value, dict) and "say" in value:
        return Say.from_json(value)
    if isinstance(value, dict) and "marked" in value:
        return Marked.from_json(value)
    if isinstance(value, list):
        return [_unpack(item) for item in value]
    return value


class UnknownText(KeyError):
    """No text has this key: a defect, found by the tests that walk every key in use."""


class Catalogue:
    """All texts of one language."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = dict(texts)
        self._plain = {key: TAG.sub("", text) for key, text in texts.items()}

    def __contains__(self, key: str) -> bool:
        return key in self._texts

    def keys(self) -> frozenset[str]:
        """Every key there is."""
        return frozenset(self._texts)

    def raw(self, key: str, tags: bool = True) -> str:
        """The text as it stands in the file, or without its tags. Raises UnknownText."""
        try:
            return self._texts[key] if tags else self._plain[key]
        except KeyError:
            raise UnknownText(key) from None

    def html(self, what: Say) -> str:
        """The text as Telegram HTML: tags kept, arguments escaped."""
        return self._render(what, lambda value: html.escape(value, quote=False))

    def plain(self, what: Say) -> str:
        """The text with its tags removed, for a terminal, a button or a callback answer."""
        return self._render(what, lambda value: value, tags=False)

    def _render(self, what: Say, escape: Callable[[str], str], tags: bool = True) -> str:
        raw = self.raw(what.key, tags)
        shown = {name: self._show(value, escape, tags) for name, value in what.args.items()}
        return raw.format_map(shown)

    def _show(self, value: Any, escape: Callable[[str], str], tags: bool) -> str:
        if isinstance(value, Say):
            return self._render(value, escape, tags)
        if isinstance(value, Marked):
            if not tags:
                return self._show(value.text, escape, tags)
            return value.show(lambda words: self._show(words, escape, tags))
        if isinstance(value, (list, tuple)):
            glue = "\n" if value and all(isinstance(item, Say) for item in value) else "、"
            return glue.join(self._show(item, escape, tags) for item in value)
        return escape(TURNS_TEXT.sub("", str(value)))


def _flatten(table: Mapping[str, Any], prefix: str, into: dict[str, str], where: str) -> None:
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            _flatten(value, f"{key}.", into, where)
        elif key in into:
            raise ValueError(f"text {key} stands twice, the second time in {where}")
        else:
            into[key] = value.strip("\n")


@cache
def load(language: str = "zh") -> Catalogue:
    """The packaged texts of a language; a key that stands in two files is an error."""
    texts: dict[str, str] = {}
    for entry in sorted(files("bot.texts").joinpath(language).iterdir(), key=lambda e: e.name):
        if entry.name.endswith(".toml"):
            _flatten(tomllib.loads(entry.read_text("utf-8")), "", texts, entry.name)
    return Catalogue(texts)
