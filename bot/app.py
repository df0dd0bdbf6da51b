"""The composition root: the only module that knows every room."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO


from bot.adapters import migrate
from bot.adapters.clock import SystemClock
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.adapters.files import SealedFiles
from bot.classify.engine import Classifier
from bot.facts.places import Committee, Gazetteer, Street
from bot.law import book, policy
from bot.ports import Clock, Incoming
from bot.route.register import Register, load_network
from bot.services import hand_over, seed_network
from bot.services.hear import hear
from bot.services.read_own import take_own
from bot.services.tables import Tables
from bot.settings import Settings
from bot.texts import catalogue
from handlers import terminal
from models.base import install_cipher



def make_tables(
    settings: Settings, clock: Clock, *, demo: bool, bot_name: str = "", admins: frozenset[str] = frozenset()
) -> Tables:
    """Load every packaged table once."""
    desks = load_network(settings.region)
    return Tables(
        clock=clock,
        texts=catalogue.load(),
        classifier=Classifier.load(tmp_dir=settings.data_dir / "jieba"),
        gazetteer=Gazetteer(
            [Street(d.code, d.name, d.lat, d.lon) for d in desks if d.level == "street"],
            [
                Committee(d.code, d.name, d.street_code, "")
                for d in desks
                if d.type in {"committee", "zone"}
            ],
        ),
        law=book.load(),
        policy=policy.load(),
        register=Register(desks),
        demo=demo,
        bot_name=bot_name,
        operator=settings.operator_name,
        basis=settings.cross_border_basis,
        admins=admins | {f"tg:{number}" for number in settings.admin_ids},
    )


@dataclass(slots=True)
class House:
    """An opened database with its keys, files and tables."""

    settings: Settings
    db: Database
    clock: SystemClock
    keyring: Keyring
    vault: SealedFiles
    tables: Tables


@asynccontextmanager
async def open_house(
    settings: Settings,
    *,
    demo: bool,
    clock: SystemClock | None = None,
    bot_name: str = "",
    admins: frozenset[str] = frozenset(),
) -> AsyncIterator[House]:
    """Migrate (SQLite), open keys and database, seed the network; closes the database at the end.

    Raises DatabaseProblem, KeyringProblem.
    """
    clock = clock or SystemClock()
    keyring = Keyring.open(settings.key_file)
    install_cipher(keyring)
    db = Database(settings.database_url)
    if db.sqlite:
        await asyncio.to_thread(migrate.upgrade, settings.database_url)
    try:
        await db.probe(migrate.head())
        tables = await asyncio.to_thread(
            make_tables, settings, clock, demo=demo, bot_name=bot_name, admins=admins
        )
        async with db.write() as session:
            await seed_network.seed(session, tables)
        yield House(
            settings, db, clock, keyring, SealedFiles(settings.data_dir / "evidence", keyring), tables
        )
    finally:
        await db.close()


async def chat(
    settings: Settings,
    role: str,
    name: str,
    desk: str,
    source: TextIO = sys.stdin,
    out: TextIO = sys.stdout,
) -> None:
    """The terminal channel. Raises LookupError when the staff's desk is unknown."""
    async with open_house(settings, demo=True) as house:
        tables = house.tables
        code = _desk_code(tables, desk) if role == "staff" else ""
        who = terminal.person(role, name, code)
        screen = terminal.Screen(who, tables.texts, house.clock.now, out)
        if role == "admin":
            await _make_admin(house, who)
        if code:
            await _join_desk(house, code, who.group)
        await _show_own(house, screen)
        for line in terminal.lines(source):
            heard = screen.read(line)
            if isinstance(heard, Incoming):
                async with house.db.write() as session:
                    notice = await hear(session, tables, heard)
                if notice is not None:
                    screen.notice(tables.texts.plain(notice))
            elif heard:
                screen.notice(heard)
            await _show_own(house, screen)


async def _show_own(house: House, screen: terminal.Screen) -> None:
    async with house.db.write() as session:
        due = await take_own(session, house.clock, screen.who.chats)
    for target, message in due:
        screen.show(target, message)


def _desk_code(tables: Tables, name: str) -> str:
    found = tables.register.get(name)
    named = tables.register.named(name)
    if found is None and len(named) != 1:
        raise LookupError(name)
    return (found or named[0]).code


async def _join_desk(house: House, code: str, group: str) -> None:
    async with house.db.write() as session:
        desk = await hand_over.by_code(session, code)
        if desk is not None and (desk.chat is None or desk.simulated):
            desk.chat, desk.simulated = group, True


async def _make_admin(house: House, who: terminal.Person) -> None:
    from bot.services import accounts

    heard = Incoming(
        key="", chat=who.account, account=who.account, name=who.name, at=house.clock.now()
    )
    async with house.db.write() as session:
        account = await accounts.meet(session, house.tables, heard)
        account.is_admin = True
