"""aiogram, which knows the Bot API by itself, judges what bot and stand-in say to each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter

from bot.sandbox.world import World

NAMES: dict[str, Any] = {}
"""What the fields of aiogram's types may name."""


def _not_yet(_kind: type[BaseModel], *, _types_namespace: dict[str, Any]) -> None:
    NAMES.update(_types_namespace)


# At its import aiogram reads the fields of all its types, which takes longer than most tests do; here each type
# is read when it first judges.
with pytest.MonkeyPatch.context() as import_only:
    import_only.setattr(BaseModel, "model_rebuild", classmethod(_not_yet))
    import aiogram.methods
    from aiogram.types import Update

KNOWN = {
    method.__api_method__.lower(): method
    for method in vars(aiogram.methods).values()
    if isinstance(method, type) and isinstance(getattr(method, "__api_method__", None), str)
}
# What a person may have written, though it looks like JSON; all else that does is JSON in a form.
WORDS = frozenset({"text", "caption", "callback_data", "title", "address", "query"})
# Sent by Telegram though its documentation no longer has it.
UNDOCUMENTED = frozenset({"all_members_are_administrators"})


@dataclass(slots=True)
class Heard:
    """What was said meanwhile: updates, and entries of the stand-in's log."""

    updates: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def judging(*, refused: bool = True) -> Iterator[Heard]:
    """Judges, at the end, every update and every call that any World has seen meanwhile.

    ``refused`` False spares the calls that the stand-in refused: tests make wrong ones on purpose.
    """
    heard = Heard()
    queue, note = World._queue, World.note_call

    def queue_too(world: World, number: int, entry: dict[str, Any]) -> None:
        heard.updates.append(deepcopy(entry["update"]))
        queue(world, number, entry)

    def note_too(world: World, *told: Any) -> None:
        note(world, *told)
        heard.calls.append(deepcopy(world.calls[-1]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "_queue", queue_too)
        patch.setattr(World, "note_call", note_too)
        yield heard
    for update in heard.updates:
        if not poisoned(update):
            judge_update(update)
    for call in heard.calls:
        if call["ok"] or refused:
            judge_call(call)


def poisoned(update: dict[str, Any]) -> bool:
    """Whether this is the fault of that name, ordered by a test."""
    return {"message_id": "poison"} in update.values()


def judge_update(update: dict[str, Any]) -> None:
    """Raises ValidationError or AssertionError for what is no Update."""
    judge(Update, update)


def judge_call(call: dict[str, Any]) -> None:
    """Judges an entry of the stand-in's log: the bot's parameters and, if it went well, the result.

    Raises KeyError, ValidationError or AssertionError for what is not of the Bot API.
    """
    method = KNOWN[call["method"].lower()]
    params = {key: _unpacked(key, value) for key, value in call["params"].items()}
    files = {key for key, value in params.items() if isinstance(value, dict) and "size" in value}
    params |= {key: f"attach://{key}" for key in files}
    attached = files - method.model_fields.keys()
    judge(method, {k: v for k, v in params.items() if k not in attached})
    if call["ok"]:
        judge(method.__returning__, call["result"])


def judge(kind: Any, value: Any) -> None:
    """Raises ValidationError where a type is wrong, AssertionError where a field is unknown:
    aiogram takes fields that it does not know, but nothing here may have any."""
    read = reader(kind).validate_python(value)
    strange = [f"{type(part).__name__}.{name}" for part, name in _strange(read)]
    assert not strange, strange


@cache
def read_all_types() -> None:
    """For tests in which aiogram reads its types by itself."""
    for kind in NAMES.values():
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind.model_rebuild(_types_namespace=NAMES)


@cache
def reader(kind: Any) -> TypeAdapter[Any]:
    """What validates values of one of aiogram's types, or of a union or list of them."""
    found = TypeAdapter(kind)
    found.rebuild(_types_namespace=NAMES)
    return found


def _unpacked(name: str, value: Any) -> Any:
    packed = isinstance(value, str) and name not in WORDS and value[:1] in ("{", "[")
    found = json.loads(value) if packed else value
    if name == "reply_markup" and isinstance(found, dict) and "keyboard" in found:
        # A text may stand for a KeyboardButton, which aiogram does not know.
        rows = [
            [{"text": b} if isinstance(b, str) else b for b in row] for row in found["keyboard"]
        ]
        return found | {"keyboard": rows}
    return found


def _strange(value: Any) -> Iterator[tuple[BaseModel, str]]:
    if isinstance(value, BaseModel):
        for name in (value.model_extra or {}).keys() - UNDOCUMENTED:
            yield value, name
        for name in type(value).model_fields:
            yield from _strange(getattr(value, name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strange(part)
