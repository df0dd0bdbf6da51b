"""An installation on a SQLite file, to which people write, and what each of them then reads."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.law import book, policy
from bot.ports import Attachment, Button, Incoming, Message, Press
from bot.route.region import load_region
from bot.services import accounts, menus
from bot.services.admin.live_classifier import LiveClassifier
from bot.services.admin.live_policy import LivePolicy
from bot.services.hear import hear
from bot.services.network import seed_network
from bot.services.network.load_register import LiveRegister
from bot.services.outreach import copies
from bot.services.tables import Tables
from bot.texts.catalogue import load
from bot.texts.marked import Mark
from models.base import Base, install_cipher
from models.case import Case, CaseKind
from models.delivery import Outbox
from models.lifecycle import Action, CaseStatus
from models.network import Organisation, Staff
from models.party import Account

BOSS, AUNT, TEACHER = "tg:1", "tg:1001", "tg:1002"
GROUP, OTHER_GROUP = "tg:-100200", "tg:-100300"
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@dataclass
class Hands:
    """A clock that is turned by hand."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True)
class Shown:
    """A message as it is read: its text, its buttons, and its place if it replaces another."""

    text: str
    buttons: Mapping[str, Button]
    slot: str


class Office:
    """People act through :meth:`write` and :meth:`tap`; :meth:`read` is what a chat was sent."""

    def __init__(self, db: Database, tables: Tables, clock: Hands) -> None:
        self.db, self.tables, self.clock = db, tables, clock
        self._updates = 0

    async def write(
        self,
        who: str,
        text: str = "",
        *,
        chat: str = "",
        files: tuple[Attachment, ...] = (),
        extra: Mapping[str, Any] | None = None,
        press: Press | None = None,
        marks: tuple[Mark, ...] = (),
    ) -> str:
        """Say or press something; returns the notice shown over a button, or ''."""
        self._updates += 1
        command, argument = "", ""
        if text.startswith("/"):
            head, _, argument = text[1:].partition(" ")
            command, text = head, ""
        heard = Incoming(
            key=f"tg:{self._updates}",
            chat=chat or who,
            account=who,
            name={BOSS: "管理员老周", AUNT: "王阿姨", TEACHER: "李老师"}.get(who, "某某"),
            at=self.clock.at,
            private=not chat,
            text=text,
            marks=marks,
            command=command,
            argument=argument,
            files=files,
            extra=extra or {},
            press=press,
            press_id="p" if press else "",
        )
        self.clock.at += timedelta(seconds=1)
        async with self.db.write() as session:
            toast = await hear(session, self.tables, heard)
        return self.tables.texts.plain(toast) if toast else ""

    async def tap(self, who: str, label: str, *, old: Button | None = None) -> str:
        """Press the newest button whose label has these words (or an older one held on to)."""
        button = old or await self.button(who, label)
        assert button.press is not None, f"{label} opens a link"
        return await self.write(who, press=Press.unpack(button.press.pack()))

    async def button(self, chat: str, label: str) -> Button:
        """The newest button whose label has these words."""
        for shown in reversed(await self.read(chat)):
            for words, button in shown.buttons.items():
                if label in words:
                    return button
        raise AssertionError(f"no button {label} in {await self.read(chat)}")

    async def read(self, chat: str) -> list[Shown]:
        """All that a chat was sent, oldest first."""
        async with self.db.read() as session:
            rows = await session.scalars(
                select(Outbox).where(Outbox.target == chat).order_by(Outbox.id)
            )
            shown = [
                (row.created_at, Message.from_json(row.payload), row.slot)
                for row in rows
                if row.payload
            ]
            for copy in await copies.addressed(session, [chat], self.clock.at):
                shown.append((copy.run_at, Message.from_json(copy.payload), ""))
            shown.sort(key=lambda each: each[0])
            return [self._show(message, slot) for _, message, slot in shown]

    async def last(self, chat: str, back: int = 1) -> Shown:
        """The newest message, or the one ``back`` from the end."""
        return (await self.read(chat))[-back]

    def _show(self, message: Message, slot: str) -> Shown:
        plain = self.tables.texts.plain
        return Shown(
            "\n\n".join(plain(part) for part in message.parts),
            {plain(b.label): b for row in message.buttons for b in row},
            slot,
        )

    @asynccontextmanager
    async def rows(self) -> AsyncIterator[AsyncSession]:
        """The database itself, to set a scene or to look behind it."""
        async with self.db.write() as session:
            yield session

    async def desk(self, name: str) -> Organisation:
        """A member of the network by its name, as it now stands."""
        async with self.db.read() as session:
            return (
                await session.scalars(select(Organisation).where(Organisation.name == name))
            ).one()

    async def appoint(self, who: str = BOSS) -> None:
        """Make somebody an admin, as ADMIN_IDS does."""
        self.tables = replace(self.tables, admins=self.tables.admins | {who})
        await self.write(who, "/admin")

    async def bind(self, name: str, group: str = GROUP) -> None:
        """Bind a group to a desk the way an admin and a staff member do; the teacher is its staff."""
        await self.tap_menu("绑定工作群")
        await self.write(BOSS, name)
        await self.tap(BOSS, name)
        await self.write(TEACHER, f"/start {await self.token()}", chat=group)
        await self.enlist(name)

    async def enlist(self, name: str, *people: str) -> None:
        """Make people the staff of a desk, as an invitation that was approved does."""
        desk = await self.desk(name)
        for who in people or (TEACHER,):
            await self.write(who, "/staff")
            async with self.rows() as session:
                account = await accounts.by_address(session, who)
                assert account is not None
                row = Staff(account_id=account.id, organisation_id=desk.id, joined_at=NOON)
                session.add(row)

    async def token(self) -> str:
        """What the newest bind link carries."""
        return (await self.button(BOSS, "选群并绑定")).link.partition("startgroup=")[2]

    async def tap_menu(self, label: str) -> str:
        """Open the menu anew and choose from it, or from the group where the label stands."""
        await self.write(BOSS, "/admin")
        for group in sorted(menus.GROUPS):
            labels = [self.tables.texts.plain(b.label) for row in menus.rows(group) for b in row]
            if label in labels:
                await self.tap(BOSS, self.tables.texts.plain(menus.label(group)))
        return await self.tap(BOSS, label)

    async def case(self, number: str, *, desk: str = "", **fields: Any) -> None:
        """A case of AUNT's that lies in the triage queue, or waits at a desk."""
        place = await self.desk(desk) if desk else None
        async with self.rows() as session:
            owner = await session.scalar(select(Account).where(Account.address == AUNT))
            if owner is None:
                owner = Account(address=AUNT, created_at=NOON, seen_at=NOON)
                session.add(owner)
                await session.flush()
            row = Case(
                **{
                    "account_id": owner.id,
                    "kind": CaseKind.COMPLAINT,
                    "status": CaseStatus.DRAFT,
                    "number": number,
                    "created_at": self.clock.at,
                    "filed_at": self.clock.at,
                    "object": "prepaid_card",
                    "street_code": (await self.desk("花木街道")).code,
                    "amount_fen": 260_000,
                    "version": 0,
                    "events": [],
                    "evidence": [],
                    **fields,
                }
            )
            row.answers = {
                "story": {"v": "健身房关门不退卡", "by": "person"},
                "name": {"v": "王秀英", "by": "person"},
                "phone": {"v": "13800138000", "by": "person"},
            }
            session.add(row)
            row.apply(Action.FILE, at=self.clock.at)
            if place is None:
                row.apply(Action.QUEUE, at=self.clock.at)
            else:
                row.apply(Action.HAND_OVER, at=self.clock.at)
                row.desk_id = place.id


def photo() -> tuple[Attachment, ...]:
    """A picture, sent."""
    return (Attachment("photo", "file", "unique"),)


@asynccontextmanager
async def opened(folder: Path, *, demo: bool = False) -> AsyncIterator[Office]:
    """A fresh installation with the network seeded, in the state of ``demo`` or not."""
    if not _copied(folder):
        await _furnish(Path(_EMPTY.name))
        _copied(folder)
    install_cipher(Keyring.open(folder / "keys.json"))
    clock = Hands()
    db = Database(f"sqlite:///{folder / 'suda.db'}")
    try:
        yield Office(db, tables_of(clock, demo), clock)
    finally:
        await db.close()
        install_cipher(None)


_EMPTY = TemporaryDirectory()
"""What a first start leaves behind; goes with the process."""


def _copied(folder: Path) -> bool:
    """To make one takes longer than most tests, to copy it does not. Whether there was one."""
    shutil.copytree(_EMPTY.name, folder, dirs_exist_ok=True)
    return (folder / "suda.db").exists()


async def _furnish(folder: Path) -> None:
    url = f"sqlite:///{folder / 'suda.db'}"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    engine.dispose()
    install_cipher(Keyring.open(folder / "keys.json"))
    db = Database(url)
    async with db.write() as session:
        await seed_network.seed(session, tables_of(Hands(), demo=False))
    await db.close()


def tables_of(clock: Hands, demo: bool) -> Tables:
    """What every use case may look up, of the packaged network."""
    return Tables(
        clock=clock,
        texts=load(),
        classifier=LiveClassifier(),
        network=LiveRegister(load_region("pudong")),
        law=book.load(),
        limits=LivePolicy(policy.load()),
        demo=demo,
        bot_name="suda_bot",
    )
