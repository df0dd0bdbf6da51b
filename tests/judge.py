"""aiogram, which knows the Bot API by itself, judges what bot and stand-in say to each other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import aiogram.methods
import pytest
from aiogram.types import Update
from pydantic import BaseModel, TypeAdapter

from bot.sandbox.world import World

# What a form carries as JSON text.
PACKED = frozenset(
    [
        "allowed_updates",
        "caption_entities",
        "commands",
        "entities",
        "link_preview_options",
        "media",
        "message_ids",
        "reply_markup",
        "reply_parameters",
        "scope",
    ]
)
# Sent by Telegram though its documentation no longer has it.
UNDOCUMENTED = frozenset({"all_members_are_administrators"})


@contextmanager
def judging() -> Iterator[None]:
    """Judges, at the end, every update and every call that any World has seen meanwhile."""
    updates: list[dict[str, Any]] = []
    calls: list[dict[str, Any]] = []
    queue, note = World._queue, World.note_call

    def queue_too(world: World, number: int, entry: dict[str, Any]) -> None:
        updates.append(deepcopy(entry["update"]))
        queue(world, number, entry)

    def note_too(world: World, *told: Any) -> None:
        note(world, *told)
        calls.append(deepcopy(world.calls[-1]))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(World, "_queue", queue_too)
        patch.setattr(World, "note_call", note_too)
        yield
    assert updates, "nobody has done anything"
    assert calls, "the bot has said nothing"
    for update in updates:
        judge_update(update)
    for call in calls:
        judge_call(call)


def judge_update(update: dict[str, Any]) -> None:
    """Raises ValidationError or AssertionError for what is no Update."""
    _known(Update.model_validate(update))


def judge_call(call: dict[str, Any]) -> None:
    """Judges an entry of the stand-in's log: the bot's parameters and, if it went well, the result.

    Raises ValidationError or AssertionError for what is not of the Bot API.
    """
    name = call["method"]
    method = getattr(aiogram.methods, name[0].upper() + name[1:])
    params = {key: _unpacked(key, value) for key, value in call["params"].items()}
    files = {key for key, value in params.items() if isinstance(value, dict) and "size" in value}
    params |= {key: f"attach://{key}" for key in files}
    attached = files - method.model_fields.keys()
    _known(method.model_validate({k: v for k, v in params.items() if k not in attached}))
    if call["ok"]:
        result = TypeAdapter(method.__returning__).validate_python(call["result"])
        for each in result if isinstance(result, list) else [result]:
            _known(each)


def _unpacked(name: str, value: Any) -> Any:
    return json.loads(value) if name in PACKED and isinstance(value, str) else value


def _known(value: Any) -> None:
    """aiogram takes fields that it does not know; nothing here may have any."""
    strange = [f"{type(part).__name__}.{name}" for part, name in _strange(value)]
    assert not strange, strange


def _strange(value: Any) -> Iterator[tuple[BaseModel, str]]:
    if isinstance(value, BaseModel):
        for name in (value.model_extra or {}).keys() - UNDOCUMENTED:
            yield value, name
        for name in type(value).model_fields:
            yield from _strange(getattr(value, name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _strange(part)
