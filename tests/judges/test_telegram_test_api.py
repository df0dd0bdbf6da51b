"""npm telegram-test-api, a Bot API server that others wrote, in place of our stand-in.

The whole bot polls it: one complaint goes from /start to the staff's hands. Its replies are repaired
in ``second_server.cjs``, where each repair says why; without them the bot could not start.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiogram.types import Message, Update, User

from bot.sandbox.webhook import PLAIN
from bot.sandbox.world import Person, Post
from tests.integration.sandbox_helpers import TEACHER
from tests.judge import judge, reader
from tests.judges.path import staff_takes
from tests.torture.people import Consumer
from tests.torture.process import BotProcess

HERE = Path(__file__).parent
TOKEN = "666:second-server"
LOOK_AGAIN = 0.1


class Wait:
    """There are no events here: one looks again."""

    async def wait(self, _seconds: float) -> None:
        await asyncio.sleep(LOOK_AGAIN)


class SecondServer:
    """The chats of telegram-test-api, and what persons do in them, over its own client routes."""

    event_signal = Wait()

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx.Client(base_url=url, trust_env=False, verify=PLAIN)

    @property
    def posts(self) -> dict[int, dict[int, Post]]:
        """What the bot said, by chat and message."""
        asked = self.client.post("/getUpdatesHistory", json={"token": TOKEN}).json()
        found: dict[int, dict[int, Post]] = {}
        for entry in asked["result"]:
            if said := entry.get("message", {}).get("chat_id"):
                post = Post(int(said), entry["messageId"], entry["message"], out=True)
                found.setdefault(post.chat, {})[post.id] = post
        return found

    def act(self, asked: dict[str, Any]) -> None:
        """A person writes, starts the bot or presses a button, in private or in ``chat``."""
        person = asked["person"]
        chat = asked.get("chat", person)
        where = {"id": chat, "type": "private", "first_name": f"人{person}"}
        if chat < 0:
            where = {"id": chat, "type": "supergroup", "title": "工作群"}
        who = {"id": person, "is_bot": False, "first_name": f"人{person}"}
        said = {"botToken": TOKEN, "from": who, "date": int(time.time())}
        if asked["kind"] == "press":
            shown = {"message_id": asked["message"], "date": said["date"], "chat": where}
            self._post("/sendCallback", said | {"message": shown, "data": asked["data"]})
            return
        text = asked.get("text", "/start")
        said |= {"chat": where, "text": text}
        if text.startswith("/"):
            entity = {"type": "bot_command", "offset": 0, "length": len(text)}
            self._post("/sendCommand", said | {"entities": [entity]})
        else:
            self._post("/sendMessage", said)

    def _post(self, path: str, body: dict[str, Any]) -> None:
        assert self.client.post(path, json=body).json()["ok"]


class Caller(Consumer):
    """The consumer of the crash tests, on this server's phone."""

    def act(self, kind: str, **more: Any) -> None:
        self.world.act({"kind": kind, "person": self.person.id} | more)


@asynccontextmanager
async def second_server(*arguments: str) -> AsyncIterator[SecondServer]:
    node = shutil.which("node")
    assert node, "this judge needs Node.js 18 or newer"
    assert (HERE / "node_modules").is_dir(), "`make judges` installs telegram-test-api"
    process = await asyncio.create_subprocess_exec(
        node, str(HERE / "second_server.cjs"), *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        url = (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()
        assert url, "telegram-test-api did not start"
        server = SecondServer(url)
        try:
            yield server
        finally:
            server.client.close()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_complaint_reaches_the_staff_through_another_server(tmp_path: Path) -> None:
    async with second_server() as server:
        bot = BotProcess(tmp_path, server.url, TOKEN)
        try:
            await bot.start()
            consumer = Caller(server, Person(50_007, "周阿姨"), 7, random.Random(7))
            await consumer.complain()
            await staff_takes(server, consumer, server.act)
        finally:
            await bot.kill()
        assert consumer.case_number() in str(server.posts[TEACHER])


CASES: dict[str, tuple[str, dict[str, Any], Callable[[Any], None]]] = {
    "getMe": ("getMe", {}, lambda result: judge(User, result)),
    "a message": (
        "sendMessage",
        {"chat_id": -1001, "text": "您好"},
        lambda result: judge_message(result, "supergroup"),
    ),
    "an edit": (
        "editMessageText",
        {"chat_id": 1, "message_id": 1, "text": "您好"},
        lambda result: judge_message(result, "private"),
    ),
    "an answer to a press": (
        "answerCallbackQuery",
        {"callback_query_id": "1"},
        lambda result: judge(bool, result),
    ),
    "updates": ("getUpdates", {}, lambda result: judge_updates(result)),
}


def judge_message(result: Any, kind: str) -> None:
    read = Message.model_validate(result)
    assert read.chat.type == kind
    assert abs(read.date.timestamp() - time.time()) < 60


def judge_updates(result: Any) -> None:
    assert [reader(Update).validate_python(update).callback_query.data for update in result] == [
        "x"
    ]


@pytest.mark.parametrize("case", CASES)
async def test_each_repair_is_needed_and_mends(case: str) -> None:
    """The raw server's reply is refused by aiogram, the repaired one is read."""
    method, params, verdict = CASES[case]
    for arguments, good in (((), True), (("raw",), False)):
        async with second_server(*arguments) as server:
            server.act({"kind": "press", "person": 1, "message": 1, "data": "x"})
            reply = server.client.post(f"/bot{TOKEN}/{method}", data=params).json()
            try:
                verdict(reply["result"])
                found = True
            except (ValueError, AssertionError):
                found = False
            assert found is good, (arguments, reply)
