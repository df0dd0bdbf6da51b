"""A running stand-in and short ways to use it over HTTP, as the bot and as a person."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiogram import types as judge

from bot.sandbox.server import Sandbox
from bot.sandbox.webhook import PLAIN
from bot.sandbox.world import World
from tests.judge import reader

AUNT, TEACHER, ADMIN = 1001, 2001, 3001

# What aiogram, which knows the Bot API by itself, says that each method returns.
RESULTS: dict[str, Any] = {
    "getMe": judge.User,
    "getUpdates": list[judge.Update],
    "getWebhookInfo": judge.WebhookInfo,
    "sendMediaGroup": list[judge.Message],
    "copyMessage": judge.MessageId,
    "getFile": judge.File,
    "getMyCommands": list[judge.BotCommand],
    "getChat": judge.ChatFullInfo,
    "getChatMember": judge.ChatMemberUnion,
} | dict.fromkeys(
    [
        "setWebhook",
        "deleteWebhook",
        "sendChatAction",
        "deleteMessage",
        "deleteMessages",
        "answerCallbackQuery",
        "setMyCommands",
    ],
    bool,
)


class Phone:
    """``call`` is the bot's side, ``act`` a person's, ``get`` and ``post`` the control API's."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.client = client

    async def raw(self, method: str, **params: Any) -> httpx.Response:
        return await self.client.post(f"/bot{self.world.token}/{method}", json=params, timeout=60)

    async def call(self, method: str, **params: Any) -> Any:
        """The result, which aiogram must be able to read."""
        response = await self.raw(method, **params)
        body = response.json()
        assert body["ok"], body
        reader(RESULTS.get(method, judge.Message)).validate_python(body["result"])
        return body["result"]

    async def refused(self, method: str, **params: Any) -> str:
        """``<status> <description>`` of a call that must fail."""
        response = await self.raw(method, **params)
        body = response.json()
        assert body["ok"] is False, body
        assert body["error_code"] == response.status_code
        return f"{response.status_code} {body['description']}"

    async def act(self, kind: str, person: int = AUNT, **more: Any) -> Any:
        return await self.post("act", {"kind": kind, "person": person} | more)

    async def post(self, path: str, body: Any) -> Any:
        response = await self.client.post(f"/control/{path}", json=body)
        assert response.status_code == 200, response.text
        return response.json()

    async def get(self, path: str, **asked: Any) -> Any:
        response = await self.client.get(f"/control/{path}", params=asked)
        assert response.status_code == 200, response.text
        return response.json()

    async def updates(self, **params: Any) -> list[dict[str, Any]]:
        """What waits for the bot, and confirms it."""
        found = await self.call("getUpdates", **params)
        if found:
            await self.call("getUpdates", offset=found[-1]["update_id"] + 1, limit=1)
        return list(found)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Waits until it is so. Raises TimeoutError after a minute."""
    async with asyncio.timeout(60):
        while not await true():  # noqa: ASYNC110 - what is waited for lies beyond HTTP
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(world: World | None = None, **more: Any) -> AsyncIterator[Phone]:
    sandbox = Sandbox(world or World(), **more)
    url = await sandbox.start()
    try:
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=PLAIN) as client:
            yield Phone(sandbox, client)
    finally:
        await asyncio.wait_for(sandbox.stop(), 10)
