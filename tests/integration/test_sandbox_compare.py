"""The comparison with the live server: the stand-in itself plays the live side."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import httpx
import pytest

from bot.sandbox.compare import STEPS, CannotCompare, compare
from bot.sandbox.webhook import PLAIN
from tests.conftest import ROOT
from tests.integration.sandbox_helpers import AUNT, Phone, running


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with running() as phone:
        yield phone


async def command(phone: Phone, *more: str, live: str = "") -> tuple[int, str, str]:
    """``sandbox compare`` as a process of its own: its exit code and what it printed."""
    told = ["--live", live or phone.world.token, "--chat", str(AUNT)]
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "bot", "sandbox", "compare", "--base-url", phone.sandbox.url],
        *[*told, *more],
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A hotel's network that answers every request with its own page."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>")
    await writer.drain()
    writer.close()


async def test_twins_differ_in_nothing(phone: Phone) -> None:
    await phone.act("start")
    assert await compare(phone.world.token, AUNT, phone.sandbox.url) == []
    code, out, err = await command(phone)
    assert (code, err) == (0, "")
    assert str(len(STEPS)) in out


async def test_another_answer_is_found(phone: Phone) -> None:
    await phone.act("start")
    await phone.post("faults", {"kind": "5xx", "method": "getFile"})
    code, out, err = await command(phone, "--json")
    assert code == 1
    assert "1 次回答不同" in err
    [found] = json.loads(out)
    assert found["method"] == "getFile"
    assert found["live"]["error_code"] >= 500
    assert found["stand_in"]["error_code"] == 400


async def test_a_halt_that_the_server_orders_is_no_difference(phone: Phone) -> None:
    await phone.act("start")
    await phone.post("faults", {"kind": "429", "method": "sendMessage", "seconds": 1})
    assert await compare(phone.world.token, AUNT, phone.sandbox.url) == []


async def test_what_stands_in_the_way_is_told_and_the_token_is_not(phone: Phone) -> None:
    async def trouble(token: str, base: str) -> CannotCompare:
        with pytest.raises(CannotCompare) as caught:
            await compare(token, AUNT, base)
        assert token not in str(caught.value)
        return caught.value

    assert (await trouble("7:wrong", phone.sandbox.url)).why == "token"
    assert "can't initiate" in (await trouble(phone.world.token, phone.sandbox.url)).detail
    assert (await trouble(phone.world.token, "http://127.0.0.1:9")).why == "network"
    gateway = await asyncio.start_server(welcome, "127.0.0.1", 0)
    async with gateway:
        port = gateway.sockets[0].getsockname()[1]
        assert (await trouble(phone.world.token, f"http://127.0.0.1:{port}")).why == "answer"
    code, out, err = await command(phone, live="7:wrong")
    assert (code, out) == (1, "")
    assert "Telegram 不认这个令牌：Unauthorized" in err


async def test_without_a_subcommand_the_sandbox_itself_is_served(tmp_path: object) -> None:
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "bot", "sandbox", "--port", "0"],
        cwd=ROOT,
        env={"DATA_DIR": str(tmp_path), "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
        url, _, token = line.strip().partition("  BOT_TOKEN=")
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=PLAIN) as client:
            me = (await client.get(f"/bot{token}/getMe")).json()
        assert me["result"]["is_bot"]
    finally:
        process.terminate()
        await process.communicate()
    assert process.returncode == 0
