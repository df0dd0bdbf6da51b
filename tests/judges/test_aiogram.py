"""aiogram, written by others from the Bot API's own pages, reads every word between bot and stand-in.

One complaint goes from /start to the staff's hands. Each call of the bot must be a method that
aiogram knows, with parameters it knows, of the types it knows; so must each update and each result.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bot.sandbox.people import People
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from tests.judge import judging
from tests.judges.path import staff_takes
from tests.torture.people import Consumer, Screen, people_of
from tests.torture.process import BotProcess

LEAST_CALLS, LEAST_UPDATES = 40, 25


class Witness(Consumer):
    """Sends a photo before she says that this was all."""

    async def answer(self, screen: Screen) -> int:
        if screen.question == "evidence":
            self.act("photo", caption="小票")
        return await super().answer(screen)


async def test_every_call_update_and_result_is_the_bot_apis(tmp_path: Path) -> None:
    world = World(open_groups=True)
    sandbox = Sandbox(world)
    bot = BotProcess(tmp_path, await sandbox.start(), world.token)
    with judging() as heard:
        try:
            await bot.start()
            (plain,) = people_of(world, 3, 1, seed=3)
            consumer = Witness(world, plain.person, plain.number, plain.dice)
            await consumer.complain()
            await staff_takes(world, consumer, People(world).act)
        finally:
            await bot.kill()
            await sandbox.stop()

    assert [call for call in heard.calls if not call["ok"]] == []
    used = Counter(call["method"] for call in heard.calls)
    assert used.total() >= LEAST_CALLS
    assert len(heard.updates) >= LEAST_UPDATES
    assert {"sendMessage", "answerCallbackQuery", "setMyCommands", "getFile"} <= set(used)
