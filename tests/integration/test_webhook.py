"""Intake by webhook: the sandbox delivers, the bot stores before it answers 200, the person is answered."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from bot.app import serve
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from bot.settings import Settings, load

CONSUMER = 1001
Running = tuple[World, Sandbox, int]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def settings_for(sandbox: Sandbox, token: str, folder: Path, port: int) -> Settings:
    return load(
        env_file=None,
        bot_token=token,
        api_base_url=sandbox.url,
        data_dir=folder,
        webhook_url=f"http://127.0.0.1:{port}",
        webhook_secret="s3cret",
        webhook_port=port,
    )


async def answered(world: World) -> str:
    """The bot's newest message to the consumer."""
    async with asyncio.timeout(60):
        while True:
            posts = [p for p in world.posts.get(CONSUMER, {}).values() if p.out]
            if posts:
                return str(posts[-1].seen()["message"]["text"])
            await asyncio.sleep(0.05)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Running]:
    world = World()
    sandbox = Sandbox(world, webhook_delay=0.05)
    await sandbox.start()
    port = free_port()
    settings = settings_for(sandbox, world.token, tmp_path, port)
    stop = asyncio.Event()
    bot = asyncio.create_task(serve(settings, stop, demo=True))
    yield world, sandbox, port
    stop.set()
    await bot
    await sandbox.stop()


async def ready(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                if (await client.get("/ready")).status_code == 200:
                    return
            except httpx.ConnectError:
                pass
            await asyncio.sleep(0.05)


async def test_a_person_is_answered_through_the_webhook(house: Running) -> None:
    world, sandbox, port = house
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as bot:
        await ready(bot)
        async with httpx.AsyncClient(base_url=sandbox.url) as page:
            sent = await page.post(
                "/control/act", json={"person": CONSUMER, "kind": "text", "text": "/start"}
            )
            assert sent.status_code == 200, sent.text
        assert "诉达" in await answered(world)
        assert (await bot.get("/health")).text == "ok"


async def test_a_stranger_without_the_secret_is_turned_away(house: Running) -> None:
    world, _, port = house
    update = {
        "update_id": 1,
        "message": {
            "message_id": 1,
            "date": 1,
            "text": "/start",
            "chat": {"id": CONSUMER, "type": "private", "first_name": "x"},
            "from": {"id": CONSUMER, "is_bot": False, "first_name": "x"},
        },
    }
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as bot:
        await ready(bot)
        header = {"X-Telegram-Bot-Api-Secret-Token": "guess"}
        assert (await bot.post("/telegram", json=update)).status_code == 403
        assert (await bot.post("/telegram", json=update, headers=header)).status_code == 403
        good = {"X-Telegram-Bot-Api-Secret-Token": "s3cret"}
        assert (await bot.post("/telegram", content=b"{", headers=good)).status_code == 400
    assert not [post for post in world.posts.get(CONSUMER, {}).values() if post.out]
