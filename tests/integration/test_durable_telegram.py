"""The way to Telegram and back, against the stand-in: nothing lost between the two."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters import telegram
from bot.adapters.clock import SystemClock
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.adapters.files import SealedFiles
from bot.adapters.telegram import TelegramChannel, TokenRefused, build_bot, chat_key
from bot.ports import Button, Media, Message, Press
from bot.sandbox.server import Sandbox
from bot.sandbox.world import World
from bot.services.queue.deliver import Deliverer, owe
from bot.services.queue.intake import Worker, accept
from bot.texts.catalogue import Catalogue, load, say
from handlers.render import render
from models.delivery import InboxState, Meta, OutboxState, Priority, Refused
from tests.integration.durable import WIDE, inbox, opened, outbox

PERSON = 1001
TARGET = f"tg:{PERSON}"
TEXTS = Catalogue(
    {
        "words": "{text}",
        "yes": "是的",
        "channel.share_place": load().raw("channel.share_place"),
        "channel.place_hint": load().raw("channel.place_hint"),
        "channel.place_done": load().raw("channel.place_done"),
    }
)
BUTTONS = ((Button(say("yes"), Press("ok")),),)


def words(text: str, **more: Any) -> Message:
    return Message((say("words", text=text),), **more)


class Line:
    """A stand-in, a person who has started the bot, and a channel to it."""

    def __init__(self, sandbox: Sandbox, channel: TelegramChannel, db: Database) -> None:
        self.sandbox = sandbox
        self.channel = channel
        self.db = db

    def act(self, kind: str, person: int = PERSON, **more: Any) -> Any:
        return self.sandbox.control.people.act({"kind": kind, "person": person, **more})

    def seen(self, chat: int = PERSON) -> list[dict[str, Any]]:
        return [
            post["message"]
            for post in self.sandbox.control.messages({"chat": chat})
            if post["out"] and not post["deleted"]
        ]

    def texts(self, chat: int = PERSON) -> list[str]:
        return [message.get("text", "") for message in self.seen(chat)]

    def fault(self, kind: str, **more: Any) -> None:
        self.sandbox.control.fault({"kind": kind, **more})

    async def poll_until(self, done: Callable[[], Any], accepting: Any = accept) -> None:
        """Poll in the background until ``done`` (a coroutine function) says so."""
        stop = asyncio.Event()
        polling = asyncio.create_task(self.channel.poll(self.db, accepting, stop))
        try:
            async with asyncio.timeout(60):
                while not await done():
                    if polling.done():
                        polling.result()
                    await asyncio.sleep(0.01)
        finally:
            stop.set()
            await polling

    async def stored(self, count: int) -> bool:
        return len(await inbox(self.db)) >= count


@asynccontextmanager
async def channel_to(
    url: str, token: str, vault: SealedFiles | None = None
) -> AsyncIterator[TelegramChannel]:
    bot = build_bot(token, url)

    def show(message: Message, private: bool) -> Sequence[telegram.Call]:
        return render(message, TEXTS, private)

    try:
        yield TelegramChannel(bot, show, SystemClock(), vault)
    finally:
        for request in bot._request:
            await request.shutdown()


@pytest.fixture
async def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    monkeypatch.setattr(telegram, "FIRST_WAIT", 0.05)
    sandbox = Sandbox(World())
    url = await sandbox.start()
    async with opened(tmp_path) as db:
        vault = SealedFiles(tmp_path / "vault", Keyring.open(tmp_path / "keyring.json"))
        async with channel_to(url, sandbox.world.token, vault) as channel:
            line = Line(sandbox, channel, db)
            line.act("start")
            yield line
    await sandbox.stop()


async def test_updates_are_stored_before_they_are_confirmed(line: Line) -> None:
    line.act("text", text="买到假货")
    refusals = 2

    async def out_of_order_database(session: AsyncSession, *args: Any, **more: Any) -> int:
        nonlocal refusals
        count = await accept(session, *args, **more)
        if refusals:
            refusals -= 1
            raise OSError("disk full")
        return count

    await line.poll_until(partial(line.stored, 2), out_of_order_database)
    assert refusals == 0
    rows = await inbox(line.db)
    assert [row.payload["message"]["text"] for row in rows] == ["/start", "买到假货"]
    assert {row.chat_key for row in rows} == {TARGET}
    assert {row.source for row in rows} == {line.channel.source}


async def test_a_new_process_goes_on_where_the_last_one_committed(line: Line) -> None:
    await line.poll_until(partial(line.stored, 1))
    line.act("text", text="second")
    await line.poll_until(partial(line.stored, 2))
    first, second = await inbox(line.db)
    unconfirmed = [update["update_id"] for update in line.sandbox.world.pending()]
    assert int(first.key) not in unconfirmed, "the second process confirmed what the first stored"
    async with line.db.read() as session:
        kept = await session.get(Meta, f"{line.channel.source}:offset")
        assert kept is not None
        assert kept.value["next"] == int(second.key) + 1


async def test_an_offset_older_than_six_days_is_forgotten(line: Line) -> None:
    old = SystemClock().now() - timedelta(days=6, hours=1)
    async with line.db.write() as session:
        session.add(
            Meta(
                key=f"{line.channel.source}:offset",
                value={"next": 2_000_000_000, "at": old.isoformat()},
            )
        )
    await line.poll_until(partial(line.stored, 1))
    assert (await inbox(line.db))[0].payload["message"]["text"] == "/start"


async def test_without_network_the_poller_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telegram, "FIRST_WAIT", 0.05)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sandbox = Sandbox(World())
    async with (
        opened(tmp_path) as db,
        channel_to(f"http://127.0.0.1:{port}", sandbox.world.token) as channel,
    ):
        line = Line(sandbox, channel, db)
        line.act("start")
        stop = asyncio.Event()
        polling = asyncio.create_task(channel.poll(db, accept, stop))
        connecting = asyncio.create_task(channel.connect(stop))
        await asyncio.sleep(0.3)
        assert channel.last_poll is None
        assert not polling.done()
        await sandbox.start(port)
        async with asyncio.timeout(60):
            assert await connecting is True
            while not await line.stored(1):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        stop.set()
        await polling
        assert channel.last_poll is not None
        await sandbox.stop()


async def test_a_wrong_token_ends_the_run_with_a_clear_word(line: Line) -> None:
    async with channel_to(line.sandbox.url, "123:wrong") as channel:
        with pytest.raises(TokenRefused):
            await channel.connect(asyncio.Event())
        with pytest.raises(TokenRefused):
            await channel.poll(line.db, accept, asyncio.Event())


async def test_a_poisoned_and_a_repeated_update_harm_nobody(line: Line) -> None:
    line.fault("poison_update")
    line.act("text", text="poisoned")
    line.fault("duplicate_update")
    line.act("text", text="twice")
    line.act("text", text="last")
    seen: list[Any] = []

    async def handle(_session: AsyncSession, payload: Mapping[str, Any]) -> None:
        seen.append(payload["message"]["text"])

    async def settled() -> bool:
        rows = await inbox(line.db)
        return bool(rows) and rows[-1].state == InboxState.DONE and "last" in seen

    worker = Worker(line.db, SystemClock(), handle, retry=timedelta(milliseconds=10))
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(stop))
    await line.poll_until(settled)
    stop.set()
    await working
    assert [text for text in seen if text in ("/start", "twice", "last")] == [
        "/start",
        "twice",
        "last",
    ]


async def test_a_webhook_left_behind_is_removed_when_polling(line: Line) -> None:
    await line.channel._ask("setWebhook", {"url": "http://127.0.0.1:9/hook"})
    line.sandbox.world.faults.clear()
    await line.poll_until(partial(line.stored, 1))
    assert line.sandbox.control.log({"method": "deleteWebhook"})


async def test_a_webhook_request_is_kept_once(line: Line) -> None:
    body = json.dumps({"update_id": 5, "message": {"chat": {"id": 9}}}).encode()
    for _ in range(2):
        await line.channel.take(line.db, accept, body)
    (row,) = await inbox(line.db)
    assert (row.key, row.chat_key) == ("5", "tg:9")
    for rubbish in (b"", b"[]", b"{}", b'{"update_id":"x"}'):
        with pytest.raises(ValueError):  # noqa: PT011
            await line.channel.take(line.db, accept, rubbish)


@pytest.mark.parametrize(
    ("update", "key"),
    [
        ({"message": {"chat": {"id": -5}, "from": {"id": 1}}}, "tg:-5"),
        ({"callback_query": {"from": {"id": 1}, "message": {"chat": {"id": -5}}}}, "tg:-5"),
        ({"callback_query": {"from": {"id": 1}}}, "tg:1"),
        ({"my_chat_member": {"chat": {"id": 3}, "from": {"id": 1}}}, "tg:3"),
        ({"inline_query": {"from": {"id": 1}}}, "tg:1"),
        ({"message": "?"}, "tg:update:7"),
        ({"message": {"chat": {}}}, "tg:update:7"),
        ({}, "tg:update:7"),
    ],
)
def test_an_updates_chat_is_found_or_it_stands_alone(update: dict[str, Any], key: str) -> None:
    assert chat_key({"update_id": 7, **update}) == key


async def test_what_is_sent_is_what_is_seen(line: Line) -> None:
    ids = await line.channel.send(TARGET, words("<您好> & 再见", buttons=BUTTONS), None)
    (message,) = line.seen()
    assert message["text"] == "<您好> & 再见"
    assert message["reply_markup"]["inline_keyboard"][0][0]["text"] == "是的"
    assert ids == [message["message_id"]]


async def test_an_edit_changes_the_message_and_its_buttons(line: Line) -> None:
    ids = await line.channel.send(TARGET, words("old", buttons=BUTTONS), None)
    assert await line.channel.send(TARGET, words("new"), ids) == ids
    assert await line.channel.send(TARGET, words("new"), ids) == ids, "no change is no failure"
    (message,) = line.seen()
    assert (message["text"], message.get("reply_markup")) == ("new", None)


async def test_what_cannot_be_edited_is_refused_for_good(line: Line) -> None:
    ids = await line.channel.send(TARGET, words("card"), None)
    assert await line.channel.take_back(TARGET, [(str(ids[0]), SystemClock().now())], "x") == (
        1,
        0,
        0,
    )
    for message in (words("new"), words("长" * 5000), words("x", keyboard="location")):
        with pytest.raises(Refused) as caught:
            await line.channel.send(TARGET, message, ids)
        assert caught.value.final
        assert not caught.value.blocked


async def test_what_was_sent_is_taken_back_as_far_as_telegram_lets(line: Line) -> None:
    vault = line.channel._vault
    assert vault is not None
    await vault.put("kept", b"OggS a voice")
    await vault.put("picture", telegram._png(40, 30))
    now = SystemClock().now()
    old = now - timedelta(hours=49)
    sent = [
        await line.channel.send(TARGET, words("您的经过", buttons=BUTTONS), None),
        await line.channel.send(TARGET, Message((), media=(Media("photo", "", "picture"),)), None),
        await line.channel.send(TARGET, Message((), media=(Media("document", "", "kept"),)), None),
        await line.channel.send(TARGET, Message((), media=(Media("voice", "", "kept"),)), None),
        await line.channel.send(TARGET, Message((), venue=(31.2, 121.5, "店", "路")), None),
    ]
    numbers = [(str(ids[0]), old) for ids in sent]
    for _ in range(2):
        gone = await line.channel.take_back(TARGET, numbers, "已清空")
        assert gone == (0, 3, 2), "a voice and a place stay; done twice it is the same"
    text, photo, document, *_ = line.seen()
    assert (text["text"], text.get("reply_markup")) == ("已清空", None)
    assert photo["caption"] == document["caption"] == "已清空"
    young = [(number, now) for number, _ in numbers]
    for _ in range(2):
        assert await line.channel.take_back(TARGET, young, "x") == (5, 0, 0)
    assert line.seen() == []


async def test_a_flood_puts_off_what_is_taken_back(line: Line) -> None:
    ids = await line.channel.send(TARGET, words("x"), None)
    line.fault("429", method="deleteMessage", seconds=3)
    numbers = [(str(ids[0]), SystemClock().now())]
    with pytest.raises(Refused) as caught:
        await line.channel.take_back(TARGET, numbers, "x")
    assert caught.value.retry_after == timedelta(seconds=3)
    assert await line.channel.take_back(TARGET, numbers, "x") == (1, 0, 0)


async def test_a_kept_file_is_uploaded_where_telegram_forgot_it(line: Line) -> None:
    vault = line.channel._vault
    assert vault is not None
    await vault.put("kept", b"%PDF-1.4 a report")
    files = (
        Media("document", "", "kept", "报告.pdf"),
        Media("document", "forgotten", "kept", "b.pdf"),
    )
    ids = await line.channel.send(TARGET, words("两份", media=files), None)
    first, second, text = line.seen()
    assert [first["document"]["file_name"], second["document"]["file_name"]] == [
        "报告.pdf",
        "b.pdf",
    ]
    assert text["text"] == "两份"
    assert ids == [message["message_id"] for message in (first, second, text)]
    content = await line.channel.download(first["document"]["file_id"], 1000)
    assert content == b"%PDF-1.4 a report"
    with pytest.raises(Refused) as caught:
        await line.channel.download(first["document"]["file_id"], 5)
    assert caught.value.final


async def test_a_picture_that_is_gone_does_not_keep_back_the_words(line: Line) -> None:
    message = words("要紧的话", media=(Media("photo", "gone"),))
    await line.channel.send(TARGET, message, None)
    assert line.texts() == ["要紧的话"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"kind": "429", "seconds": 7}, {"retry_after": timedelta(seconds=7)}),
        ({"kind": "403"}, {"final": True, "blocked": True}),
        ({"kind": "5xx"}, {"final": False, "unknown": False, "down": False}),
        ({"kind": "accepted_timeout", "seconds": 0}, {"unknown": True}),
    ],
)
async def test_an_error_is_told_in_neutral_words(
    line: Line, fault: dict[str, Any], expected: dict[str, Any]
) -> None:
    line.fault(**fault)
    with pytest.raises(Refused) as caught:
        await line.channel.send(TARGET, words("x"), None)
    assert {name: getattr(caught.value, name) for name in expected} == expected


async def test_a_person_who_shut_the_bot_out_and_a_chat_nobody_knows(line: Line) -> None:
    line.act("block")
    with pytest.raises(Refused) as caught:
        await line.channel.send(TARGET, words("x"), None)
    assert (caught.value.blocked, caught.value.final) == (True, True)
    with pytest.raises(Refused) as caught:
        await line.channel.send("tg:-999", words("x"), None)
    assert (caught.value.blocked, caught.value.final) == (True, False)


async def test_no_connection_is_told_from_no_answer(line: Line) -> None:
    async with channel_to("http://127.0.0.1:9", line.sandbox.world.token) as channel:
        with pytest.raises(Refused) as caught:
            await channel.send(TARGET, words("x"), None)
    assert (caught.value.down, caught.value.unknown) == (True, False)

    async def swallow(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(swallow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with channel_to(f"http://127.0.0.1:{port}", line.sandbox.world.token) as channel:
        with pytest.raises(Refused) as caught:
            await channel.send(TARGET, words("x"), None)
    server.close()
    await server.wait_closed()
    assert (caught.value.down, caught.value.unknown) == (False, True)


async def test_a_group_that_moved_is_followed(line: Line) -> None:
    group = line.sandbox.control.group({"title": "某联络点", "members": [PERSON], "bot": True})
    moved = line.sandbox.control.fault({"kind": "migrate", "chat": group["id"]})
    async with line.db.write() as session:
        await owe(session, f"tg:{group['id']}", words("card"), now=SystemClock().now())
    worker = Deliverer(line.db, SystemClock(), {"tg": line.channel.send}, WIDE)
    while await worker.drain_once():
        pass
    assert line.texts(moved["id"]) == ["card"]


async def test_under_flood_control_everything_arrives_in_order(line: Line) -> None:
    line.sandbox.control.flood({"on": True, "limits": {"chat": [2, 1]}})
    clock = SystemClock()
    async with line.db.write() as session:
        for n in range(5):
            await owe(session, TARGET, words(f"{n}"), now=clock.now())
    stop = asyncio.Event()
    running = asyncio.create_task(
        Deliverer(line.db, clock, {"tg": line.channel.send}, WIDE).run(stop)
    )
    async with asyncio.timeout(60):
        while len(line.seen()) < 5:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    stop.set()
    await running
    assert line.texts() == [f"{n}" for n in range(5)]
    assert {row.state for row in await outbox(line.db)} == {OutboxState.SENT}


async def test_after_an_unheard_answer_a_hand_over_comes_again_and_a_notice_does_not(
    line: Line,
) -> None:
    clock = SystemClock()
    for priority, count in ((Priority.HAND_OVER, 2), (Priority.NOTICE, 1)):
        line.fault("accepted_timeout", seconds=0, method="sendMessage")
        async with line.db.write() as session:
            await owe(session, TARGET, words(f"{priority}"), now=clock.now(), priority=priority)
        worker = Deliverer(line.db, clock, {"tg": line.channel.send}, WIDE)
        await worker.drain_once()
        clock.offset += timedelta(minutes=1)
        await worker.drain_once()
        assert line.texts().count(f"{priority}") == count
    assert [row.state for row in await outbox(line.db)] == [OutboxState.SENT, OutboxState.UNKNOWN]
