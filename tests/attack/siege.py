"""An installation under attack: whatever is tried leaves it as it was, so one serves thousands of tries."""

from __future__ import annotations

import io
import logging
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.logs import quiet
from bot.adapters.telegram import sound
from bot.ports import Incoming, Message, Press
from bot.services.consumer import drafts
from bot.services.hear import hear
from bot.texts.catalogue import TURNS_TEXT, Say
from handlers.render import render
from models.case import Case
from models.delivery import Outbox
from models.party import Account
from tests.attack.hostile import MARK
from tests.integration.admin_office import AUNT, OTHER_GROUP, Office, opened

STREET, ELSEWHERE = "花木街道", "川沙新镇"
STORY = "上周三在花木街道的乐动健身用微信办了2600元的年卡，昨天店关门了，我要退钱"
NAME, PHONE = "王秀英", "13800138000"
PERSONAL = ("健身房关门不退卡", STORY, NAME, PHONE)
TAGS = frozenset({"b", "i", "u", "code"})


Scene = Callable[[AsyncSession, Account], Awaitable[None]]


class _Undo(Exception):
    """Takes back everything that was tried."""


@dataclass
class Tried:
    """What one act caused: the notice over a button, and every message owed, to whom."""

    toast: str
    owed: list[tuple[str, Message]]
    plain: str

    def to(self, address: str) -> list[Message]:
        return [message for target, message in self.owed if target == address]


class _Tags(HTMLParser):
    """Raises on what Telegram's HTML mode would refuse (Bot API, HTML style)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, f"<{tag}> in a message"
        assert not attrs, f"<{tag}> with {attrs}"
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another"

    def handle_comment(self, data: str) -> None:
        raise AssertionError("a comment in a message")

    def handle_decl(self, decl: str) -> None:
        raise AssertionError("a declaration in a message")


@dataclass
class Siege:
    """``office`` is the installation; ``log`` is all that any logger wrote, from DEBUG on."""

    office: Office
    log: io.StringIO
    number: int = 10_000
    kept: int = 0
    """The newest row of the outbox before anything is tried."""

    async def attempt(
        self,
        who: str,
        *,
        chat: str = "",
        said: str = "",
        press: Press | None = None,
        name: str = "",
        scene: Scene | None = None,
        **fields: Any,
    ) -> Tried:
        """Do one thing and undo it, ``scene`` included, which is set before."""
        self.number += 1
        clean = sound({"text": said, "name": name, **{k: fields.pop(k) for k in list(fields)}})
        words, called = clean.pop("text"), clean.pop("name")
        command, argument = "", ""
        if words.startswith("/"):
            head, _, argument = words.partition(" ")
            command, words = head[1:].partition("@")[0].lower(), ""
        heard = Incoming(
            **{
                "key": f"tg:{self.number}",
                "chat": chat or who,
                "account": who,
                "name": called,
                "at": self.office.clock.at,
                "private": not chat,
                "text": words,
                "command": command,
                "argument": argument.strip(),
                "press": press,
                "press_id": "p" if press else "",
                **clean,
            }
        )
        tried: list[Tried] = []
        try:
            async with self.office.db.write() as session:
                if scene is not None:
                    account = (
                        await session.scalars(select(Account).where(Account.address == who))
                    ).one()
                    await scene(session, account)
                before = await session.scalar(text("SELECT max(rowid) FROM outbox")) or 0
                toast = await hear(session, self.office.tables, heard)
                await session.flush()
                tried.append(await self._read(session, before, toast))
                raise _Undo
        except _Undo:
            return tried[0]

    async def _read(self, session: AsyncSession, before: int, toast: Any) -> Tried:
        found = await session.scalars(
            select(Outbox).where(text("outbox.rowid > :before")).params(before=before)
        )
        texts = self.office.tables.texts
        owed, plain = [], []
        for row in found:
            if row.kind != "message":
                continue
            message = Message.from_json(row.payload)
            judge(message, texts, private=not row.target.startswith("tg:-"))
            plain += [texts.plain(part) for part in message.parts]
            plain += [texts.plain(b.label) for line in message.buttons for b in line]
            owed.append((row.target, message))
        said = texts.plain(toast) if toast is not None else ""
        return Tried(said, owed, "\n".join([*plain, said]))

    async def press(
        self,
        who: str,
        verb: str,
        number: str,
        value: str = "",
        *,
        chat: str = "",
        question: str = "",
    ) -> str:
        """Press for good a button about the case of this number."""
        token = (await self.tokens())[number]
        made = Press(verb, token, question, 0, value)
        return await self.office.write(who, press=made, chat=chat)

    def say(self, key: str, **args: Any) -> str:
        """One of our sentences."""
        return self.office.tables.texts.plain(Say(key, args))

    async def tokens(self) -> dict[str, str]:
        """Case tokens by number."""
        async with self.office.db.read() as session:
            rows = await session.execute(select(Case.number, Case.token))
            return {number or "": token for number, token in rows}

    async def draft(self) -> Case | None:
        async with self.office.db.read() as session:
            account = await session.scalar(select(Account).where(Account.address == AUNT))
            assert account is not None
            return await drafts.current(session, account)

    async def count(self, table: type[Any]) -> int:
        async with self.office.db.read() as session:
            return await session.scalar(select(func.count()).select_from(table)) or 0


def judge(message: Message, texts: Any, *, private: bool) -> None:
    """Whether Telegram would take it, and nobody's words can pass for ours."""
    for call in render(message, texts, private):
        shown = call.params.get("text")
        if shown is None:
            continue
        parser = _Tags()
        parser.feed(shown)
        parser.close()
        assert not parser.open, f"left open: {parser.open}"
        bare = re.sub("<[^>]+>", "", shown)
        assert bare.strip(), "an empty message"
        assert not TURNS_TEXT.search(bare), "letters that turn the text around"
        for row in call.params.get("reply_markup", {}).get("inline_keyboard", ()):
            for each in row:
                assert each["text"].strip(), "a button without a label"
                assert not TURNS_TEXT.search(each["text"])
                assert len(each.get("callback_data", "").encode()) <= 64


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, set up as the product sets it up, at its most talkative."""
    kept = io.StringIO()
    handler = logging.StreamHandler(kept)
    root = logging.getLogger()
    level, configured = root.level, structlog.get_config()
    names = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    root.addHandler(handler)
    try:
        with redirect_stderr(kept):
            quiet("DEBUG")
            root.setLevel("DEBUG")
            yield kept
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        for name, was in names.items():
            logging.getLogger(name).setLevel(was)
        structlog.configure(**configured)
        assert sys.stderr is not kept


@asynccontextmanager
async def besieged(folder: Path) -> AsyncIterator[Siege]:
    """A live installation: an admin, two streets with their groups and staff, and a consumer."""
    with listening() as log:
        async with opened(folder) as office:
            office.tables = replace(office.tables, operator="浦东某单位", basis="单独同意")
            await office.appoint()
            await office.bind(STREET)
            await office.bind(ELSEWHERE, OTHER_GROUP)
            await office.tables.classifier.ready()
            yield Siege(office, log)
        leaks = [line for line in log.getvalue().splitlines() if MARK in line]
        assert not leaks, f"a log line carries what a person wrote: {leaks[:3]}"
