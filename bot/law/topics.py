"""The topics that a subscriber may choose (订阅主题), as data (``topics.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def load() -> Mapping[str, tuple[str, ...]]:
    """Each topic's object codes of the taxonomy, in the order in which topics are shown."""
    text = files("bot.law").joinpath("topics.toml").read_text("utf-8")
    return {topic: tuple(codes) for topic, codes in tomllib.loads(text)["topics"].items()}


def of(object_code: str) -> str | None:
    """The topic that an object code belongs to; None where nobody is to be told about such cases."""
    return next((topic for topic, codes in load().items() if object_code in codes), None)
