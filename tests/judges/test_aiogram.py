"""aiogram, written by others from the Bot API's own pages, reads every word between bot and stand-in.

One complaint goes from /start to the staff's hands. Each call of the bot must be a method that
aiogram knows, with parameters it knows, of the types it knows; so must each update and each result.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from aiogram import methods
from aiogram.types import InputFile, Update
from pydantic import BaseModel, TypeAdapter

from bot.sandbox.people import People
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.judges.path import staff_takes
from tests.torture.people import Consumer, Screen, people_of
from tests.torture.process import BotProcess

KNOWN = {
    method.__api_method__.lower(): method
    for method in vars(methods).values()
    if isinstance(method, type) and isinstance(getattr(method, "__api_method__", None), str)
}
WORDS = frozenset({"text", "caption", "callback_data", "title", "address", "query"})
LEAST_CALLS, LEAST_UPDATES = 40, 25


class HeardWorld(World):
    """Keeps every update that was made for the bot."""

    def __init__(self) -> None:
        super().__init__(open_groups=True)
        self.made: list[dict[str, Any]] = []

    def push(self, kind: str, body: Any) -> Any:
        number = super().push(kind, body)
        if number is not None:
            self.made.append({"update_id": number, kind: body})
        return number


class Witness(Consumer):
    """Sends a photo before she says that this was all."""

    async def answer(self, screen: Screen) -> int:
        if screen.question == "evidence":
            self.act("photo", caption="小票")
        return await super().answer(screen)


async def test_every_call_update_and_result_is_the_bot_apis(tmp_path: Path) -> None:
    world = HeardWorld()
    sandbox = Sandbox(world)
    bot = BotProcess(tmp_path, await sandbox.start(), world.token)
    try:
        await bot.start()
        (plain,) = people_of(world, 3, 1, seed=3)
        consumer = Witness(world, plain.person, plain.number, plain.dice)
        await consumer.complain()
        await staff_takes(world, consumer, People(world).act)
    finally:
        await bot.kill()
        await sandbox.stop()

    calls = list(world.calls)
    for call in calls:
        judge_call(call)
    for update in world.made:
        judge(Update, update, "update")
    used = Counter(call["method"] for call in calls)
    assert len(calls) >= LEAST_CALLS
    assert len(world.made) >= LEAST_UPDATES
    assert {"sendMessage", "answerCallbackQuery", "setMyCommands", "getFile"} <= set(used)


def judge_call(call: dict[str, Any]) -> None:
    """The method, its parameters and, where it went well, its result."""
    method = KNOWN[call["method"].lower()]
    params = {name: decoded(name, value) for name, value in call["params"].items()}
    unknown = set(params) - set(method.model_fields)
    assert not unknown, f"{call['method']} has no {unknown}"
    judge(method, params, call["method"])
    assert call["ok"], call
    judge(method.__returning__, call["result"], f"{call['method']}'s result")


def decoded(name: str, value: Any) -> Any:
    """A form carries what is not text as JSON; a file is only named in the log."""
    if isinstance(value, str) and name not in WORDS and value[:1] in ("{", "["):
        return json.loads(value)
    if isinstance(value, dict) and set(value) == {"file", "size"}:
        return PlainFile(filename=value["file"])
    return value


class PlainFile(InputFile):
    """Stands where the bot uploaded a file."""

    async def read(self, bot: Any) -> Any:
        yield b""


def judge(kind: Any, value: Any, what: str) -> None:
    """Raises ValidationError where a type is wrong, AssertionError where a field is unknown."""
    read = TypeAdapter(kind).validate_python(value)
    unknown = dict(extras(read, what))
    assert not unknown, unknown


def extras(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Fields that aiogram does not know, by their path."""
    if isinstance(value, BaseModel):
        for name, more in (value.model_extra or {}).items():
            yield f"{path}.{name}", more
        for name in type(value).model_fields:
            yield from extras(getattr(value, name), f"{path}.{name}")
    elif isinstance(value, (list, tuple)):
        for at, item in enumerate(value):
            yield from extras(item, f"{path}[{at}]")


def test_the_judge_notices() -> None:
    """A judge that finds nothing wrong with wrong things is none."""
    good = {
        "update_id": 1,
        "message": {"message_id": 1, "date": 1, "chat": {"id": 1, "type": "private"}},
    }
    judge(Update, good, "update")
    wrong: list[Callable[[], None]] = [
        lambda: judge(Update, {"update_id": "x"}, "update"),
        lambda: judge(Update, {**good, "invented": 1}, "update"),
        lambda: judge_call({"method": "sendMessage", "params": {"chat_id": 1}, "ok": True}),
        lambda: judge_call({"method": "sendMesage", "params": {}, "ok": True}),
    ]
    for act in wrong:
        try:
            act()
        except (ValueError, AssertionError, KeyError):
            continue
        raise AssertionError("it let a wrong one pass")
