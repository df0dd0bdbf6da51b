"""How updates reach the bot: acknowledgement, redelivery, conflicts, webhooks and faults."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiogram.types import Update
from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.sandbox.server import QuietServer
from bot.sandbox.world import World
from tests.integration.sandbox_helpers import AUNT, TEACHER, Phone, running, until
from tests.judge import reader


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with running() as phone:
        yield phone


def texts(updates: list[dict[str, Any]]) -> list[str]:
    return [update["message"]["text"] for update in updates]


# Polling
async def test_an_update_comes_again_until_it_is_confirmed(phone: Phone) -> None:
    await phone.act("text", text="一")
    await phone.act("text", text="二")
    first = await phone.call("getUpdates")
    again = await phone.call("getUpdates")
    assert texts(first) == texts(again) == ["一", "二"]
    ids = [update["update_id"] for update in first]
    assert ids[1] == ids[0] + 1
    assert texts(await phone.call("getUpdates", offset=ids[1])) == ["二"]
    assert texts(await phone.call("getUpdates")) == ["二"], "what is confirmed stays confirmed"
    assert await phone.call("getUpdates", offset=ids[1] + 1) == []


async def test_limit_and_negative_offset(phone: Phone) -> None:
    for word in "一二三四":
        await phone.act("text", text=word)
    assert texts(await phone.call("getUpdates", limit=2)) == ["一", "二"]
    assert texts(await phone.call("getUpdates", offset=-1)) == ["四"]
    assert texts(await phone.call("getUpdates")) == ["四"], (
        "a negative offset forgets what is older"
    )


async def test_a_long_poll_waits_for_the_next_act(phone: Phone) -> None:
    poll = asyncio.create_task(phone.call("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    assert not poll.done()
    await phone.act("text", text="来了")
    assert texts(await asyncio.wait_for(poll, 15)) == ["来了"]


async def test_a_second_poller_ends_the_first(phone: Phone) -> None:
    first = asyncio.create_task(phone.refused("getUpdates", timeout=20))
    await asyncio.sleep(0.1)
    second = asyncio.create_task(phone.call("getUpdates", timeout=20))
    assert await asyncio.wait_for(first, 15) == (
        "409 Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    await phone.act("text", text="给第二个")
    assert texts(await asyncio.wait_for(second, 15)) == ["给第二个"]


async def test_updates_are_kept_a_day(phone: Phone) -> None:
    await phone.act("text", text="昨天")
    await phone.post("clock", {"advance": 24 * 3600 - 5})
    assert texts(await phone.call("getUpdates")) == ["昨天"]
    await phone.post("clock", {"advance": 10})
    assert await phone.call("getUpdates") == []


async def test_update_ids_restart_after_a_silent_week(phone: Phone) -> None:
    await phone.act("text", text="一")
    [before] = await phone.updates()
    await phone.post("clock", {"advance": 7 * 24 * 3600 + 1})
    await phone.act("text", text="二")
    [after] = await phone.call("getUpdates")
    assert after["update_id"] != before["update_id"] + 1


async def test_only_the_allowed_kinds_are_queued(phone: Phone) -> None:
    await phone.call("getUpdates", allowed_updates=["callback_query"])
    await phone.act("text", text="不要")
    assert await phone.call("getUpdates", allowed_updates=[]) == []
    await phone.act("text", text="要")
    assert texts(await phone.call("getUpdates")) == ["要"]


async def test_a_second_start_on_the_same_file_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "world.db"
    async with running(World(path)) as phone:
        token = phone.world.token
        await phone.act("text", text="之前")
        told = await phone.call("sendMessage", chat_id=AUNT, text="您好")
        [waiting] = await phone.call("getUpdates")
    async with running(World(path)) as phone:
        assert phone.world.token == token
        assert await phone.call("getUpdates") == [waiting]
        assert [m["message"].get("text") for m in await phone.get("messages", chat=AUNT)] == [
            "之前",
            "您好",
        ]
        await phone.act("text", text="之后")
        newest = (await phone.call("getUpdates"))[-1]
        assert newest["update_id"] == waiting["update_id"] + 1
        assert newest["message"]["message_id"] == told["message_id"] + 1


def test_two_worlds_count_from_different_numbers() -> None:
    one, other = World(), World()
    assert one.meta["next_update"] != other.meta["next_update"]
    one.close()
    other.close()


# Webhook
class Hook:
    """Stands for the bot's own server: answers with ``status`` and keeps what came."""

    def __init__(self) -> None:
        self.status: list[int] = []
        self.came: list[tuple[dict[str, Any], str | None]] = []
        self.answer = b""
        self.url = ""

    async def take(self, request: Request) -> Response:
        self.came.append(
            (await request.json(), request.headers.get("x-telegram-bot-api-secret-token"))
        )
        return Response(self.answer, self.status.pop(0) if self.status else 200)

    async def wait(self, count: int) -> list[dict[str, Any]]:
        async def enough() -> bool:
            return len(self.came) >= count

        await until(enough)
        return [update for update, _ in self.came]


@asynccontextmanager
async def hooked() -> AsyncIterator[tuple[Phone, Hook]]:
    hook = Hook()
    app = Starlette(routes=[Route("/hook", hook.take, methods=["POST"])])
    server = QuietServer(app, port=0)
    serving = asyncio.create_task(server.serve())
    await server.ready.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    hook.url = f"http://127.0.0.1:{port}/hook"
    async with running(webhook_delay=0.05) as phone:
        yield phone, hook
    server.enough.set()
    await serving


async def test_a_webhook_gets_updates_with_the_secret() -> None:
    async with hooked() as (phone, hook):
        await phone.act("text", text="在此之前")
        await phone.call("setWebhook", url=hook.url, secret_token="s3cret_-")
        await phone.act("text", text="在此之后")
        assert texts(await hook.wait(2)) == ["在此之前", "在此之后"]
        assert {secret for _, secret in hook.came} == {"s3cret_-"}
        assert (await phone.call("getWebhookInfo"))["pending_update_count"] == 0


async def test_a_failed_delivery_is_tried_again_and_keeps_the_chats_order() -> None:
    async with hooked() as (phone, hook):
        hook.status = [500, 503]
        await phone.call("setWebhook", url=hook.url)
        await phone.act("text", text="一")
        await phone.act("text", text="二")
        assert texts(await hook.wait(4)) == ["一", "一", "一", "二"]
        info = await phone.call("getWebhookInfo")
        assert info["last_error_message"].startswith("Wrong response from the webhook: 503")


async def test_a_webhook_and_polling_exclude_each_other() -> None:
    async with hooked() as (phone, hook):
        await phone.call("setWebhook", url=hook.url)
        assert await phone.refused("getUpdates") == (
            "409 Conflict: can't use getUpdates method while webhook is active;"
            " use deleteWebhook to delete the webhook first"
        )
        await phone.call("deleteWebhook")
        assert await phone.call("getUpdates") == []


async def test_dropping_what_waits(phone: Phone) -> None:
    await phone.act("text", text="旧")
    await phone.call("deleteWebhook", drop_pending_updates=True)
    assert await phone.call("getUpdates") == []


async def test_a_webhook_may_answer_with_a_method() -> None:
    async with hooked() as (phone, hook):
        await phone.call("setWebhook", url=hook.url)
        hook.answer = b'{"method": "sendMessage", "chat_id": 1001, "text": "answered"}'
        await phone.act("text", text="问")
        await hook.wait(1)

        async def answered() -> bool:
            return len(await phone.get("messages", chat=AUNT)) == 2

        await until(answered)
        assert (await phone.get("messages", chat=AUNT))[-1]["message"]["text"] == "answered"


async def test_a_webhook_never_leaves_this_machine(phone: Phone) -> None:
    said = await phone.refused("setWebhook", url="https://example.com/hook")
    assert said == "400 Bad Request: bad webhook: the sandbox delivers to this machine only"


@pytest.mark.parametrize("secret", ["有中文", "a b", "x" * 257])
async def test_a_secret_has_plain_characters(phone: Phone, secret: str) -> None:
    said = await phone.refused("setWebhook", url="http://127.0.0.1:1/x", secret_token=secret)
    assert said == "400 Bad Request: secret token contains unallowed characters"


# Faults
SEND = {"chat_id": AUNT, "text": "通知"}


async def test_ordered_429_403_and_5xx_strike_as_often_as_ordered(phone: Phone) -> None:
    await phone.act("start")
    await phone.post("faults", {"kind": "429", "method": "sendMessage", "seconds": 7})
    await phone.post("faults", {"kind": "5xx", "times": 2})
    await phone.post("faults", {"kind": "403", "chat": AUNT, "skip": 1})
    response = await phone.raw("sendMessage", **SEND)
    assert response.json()["parameters"] == {"retry_after": 7}
    assert await phone.refused("sendMessage", **SEND) == "502 Bad Gateway"
    assert await phone.refused("getMe") == "502 Bad Gateway"
    assert (await phone.call("sendMessage", **SEND))["text"] == "通知"
    assert (
        await phone.refused("sendMessage", **SEND) == "403 Forbidden: bot was blocked by the user"
    )
    await phone.call("sendMessage", **SEND)


async def test_accepted_but_timed_out_is_sent_all_the_same(phone: Phone) -> None:
    await phone.act("start")
    await phone.post("faults", {"kind": "accepted_timeout", "seconds": 1})
    with pytest.raises(httpx.ReadTimeout):
        await phone.client.post(f"/bot{phone.world.token}/sendMessage", json=SEND, timeout=0.2)
    assert (await phone.get("messages", chat=AUNT))[-1]["message"]["text"] == "通知"


async def test_a_duplicate_comes_once_more_after_its_confirmation(phone: Phone) -> None:
    await phone.post("faults", {"kind": "duplicate_update"})
    await phone.act("text", text="一次")
    [first] = await phone.call("getUpdates")
    again = await phone.call("getUpdates", offset=first["update_id"] + 1)
    assert again == [first]
    assert await phone.call("getUpdates", offset=first["update_id"] + 1) == []


async def test_a_poison_update_is_what_no_library_can_read(phone: Phone) -> None:
    await phone.post("faults", {"kind": "poison_update"})
    await phone.act("text", text="毒")
    await phone.act("text", text="好")
    poison, good = (await phone.raw("getUpdates")).json()["result"]
    with pytest.raises(ValidationError):
        reader(Update).validate_python(poison)
    assert good["update_id"] == poison["update_id"] + 1
    assert reader(Update).validate_python(good).message


async def test_a_tap_can_overtake_a_message(phone: Phone) -> None:
    await phone.act("start")
    await phone.updates()
    shown = await phone.call("sendMessage", **SEND)
    await phone.post("faults", {"kind": "out_of_order"})
    await phone.act("text", text="先写的")
    await phone.act("press", message=shown["message_id"], data="a")
    tap, message = await phone.call("getUpdates")
    assert tap["callback_query"]["data"] == "a"
    assert message["message"]["text"] == "先写的"
    assert tap["update_id"] + 1 == message["update_id"]


async def test_a_held_update_comes_though_nothing_overtook_it(phone: Phone) -> None:
    await phone.post("faults", {"kind": "out_of_order"})
    await phone.act("text", text="等着")
    assert texts(await phone.call("getUpdates", timeout=5)) == ["等着"]


async def test_a_webhook_may_get_a_later_id_first() -> None:
    async with hooked() as (phone, hook):
        await phone.act("start")
        await phone.act("start", TEACHER)
        await phone.call("setWebhook", url=hook.url, drop_pending_updates=True)
        await phone.post("faults", {"kind": "out_of_order"})
        await phone.act("text", text="一")
        await phone.act("text", text="二")
        later, earlier = await hook.wait(2)
        assert texts([later, earlier]) == ["二", "一"]
        assert later["update_id"] > earlier["update_id"]


async def test_every_call_is_logged_with_its_outcome(phone: Phone) -> None:
    await phone.act("start")
    await phone.call("sendMessage", **SEND)
    await phone.refused("sendMessage", chat_id=5, text="x")
    await phone.refused("sendDice", chat_id=AUNT)
    sent, wrong = await phone.get("log", method="sendMessage")
    assert sent["params"] == SEND
    assert sent["result"]["text"] == "通知"
    assert wrong["error"]["description"] == "Bad Request: chat not found"
    assert (await phone.get("log"))[-1]["error"]["description"] == "Not Found: method not found"


async def test_the_clock_moves_for_bot_and_persons_alike(phone: Phone) -> None:
    await phone.post("clock", {"now": "2027-01-31T10:00:00+08:00"})
    await phone.act("text", text="一月底")
    [update] = await phone.call("getUpdates")
    assert abs(update["message"]["date"] - 1801360800) < 30
    assert (await phone.get("clock"))["now"].startswith("2027-01-31T02:00")
