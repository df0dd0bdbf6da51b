"""The composition root: the only module that knows every room.

What serves HTTP is imported where it is begun: a bot that polls needs none of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import structlog
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    Update,
)
from telegram.error import TelegramError
from telegram.ext import Application, ApplicationBuilder

from bot.adapters import (
    anchors,
    charts,
    clamd,
    documents,
    fonts,
    geocode,
    inspect_files,
    migrate,
    posters,
    robots,
    sheets,
    workbook,
)
from bot.adapters.clock import SystemClock
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.adapters.files import SealedFiles
from bot.adapters.lock import only_one
from bot.adapters.telegram import ALLOWED_UPDATES, TelegramChannel, build_bot
from bot.figures.plots import Page, Picture
from bot.law import book, policy
from bot.ports import Clock, Document, Incoming, Inspect, Message, Poster
from bot.route.region import load_region
from bot.services import accounts, menus
from bot.services.admin import confirm_law, digest, edit_rules, live_policy, suggest_words, take_out
from bot.services.admin.administer import first_admin_link, keep_bot_name
from bot.services.admin.live_classifier import LiveClassifier
from bot.services.admin.live_policy import LivePolicy
from bot.services.books import export_report, write_up
from bot.services.chain import hand_over, refer, remind
from bot.services.chain import robots as forwarded
from bot.services.chain.overdue import overdue
from bot.services.consumer import codes, drafts, help_first, locate
from bot.services.consumer.fetch_evidence import dropper, fetcher
from bot.services.consumer.keep_evidence import ALBUM_PAUSE
from bot.services.hear import hear
from bot.services.mediation import advance, fast_refund
from bot.services.mediation import documents as papers
from bot.services.network import leave, load_register, poster, seed_network
from bot.services.network.load_register import LiveRegister
from bot.services.outreach import (
    attendance,
    copies,
    inspect_file,
    notice_file,
    recall,
    release,
    repeat,
    second_person,
)
from bot.services.privacy import anchor, audit, drop_file, erase, export_own, retention
from bot.services.queue.deliver import Deliverer, Errand, Limits, still_owed, sweep_outbox
from bot.services.queue.drain import Drain
from bot.services.queue.intake import Handle, Worker, accept, sweep_inbox
from bot.services.queue.read_own import take_own
from bot.services.queue.set_times_right import set_times_right
from bot.services.queue.timers import Fire, Scanner
from bot.services.queue.undeliverable import moved, undeliverable, unhandled
from bot.services.tables import Tables
from bot.services.warning import watch_bursts
from bot.settings import Settings
from bot.texts import catalogue
from bot.texts.catalogue import say
from handlers import terminal
from handlers.consumer import private as consumer
from handlers.render import render
from handlers.staff import group as staff
from handlers.unit import UNIT, Unit, on_error
from models.base import install_cipher
from models.delivery import Timer, TimerState

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 3600
JUMP_SECONDS = 5
DRAIN_SECONDS = 15


def make_tables(
    settings: Settings,
    clock: Clock,
    *,
    demo: bool,
    bot_name: str = "",
    admins: frozenset[str] = frozenset(),
) -> Tables:
    """Load every packaged table once."""
    return Tables(
        clock=clock,
        texts=catalogue.load(),
        classifier=LiveClassifier(settings.data_dir / "jieba"),
        network=LiveRegister(load_region(settings.region)),
        law=book.load(),
        limits=LivePolicy(policy.load()),
        demo=demo,
        bot_name=bot_name,
        operator=settings.operator_name,
        basis=settings.cross_border_basis,
        sends_per_second=settings.send_per_second,
        geocodes=bool(settings.geocoder),
        robots={name: one.vendor for name, one in robots.load(settings.robots_file).items()},
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
    first: bool = True,
) -> AsyncIterator[House]:
    """Migrate (SQLite), open keys and database, seed the network; closes the database at the end.

    ``first``: may make the key of a database that holds nothing yet.

    Raises DatabaseProblem; KeyringMissing when there is a database but no key.
    """
    clock = clock or SystemClock()
    db = Database(settings.database_url)
    if db.sqlite:
        await asyncio.to_thread(migrate.upgrade, settings.database_url)
    try:
        await db.probe(migrate.head())
        # A lost key must not be replaced in silence: what the old one sealed would never open again.
        keyring = Keyring.open(settings.key_file, create=first and not await accounts.anyone(db))
        install_cipher(keyring)
        tables = await asyncio.to_thread(
            make_tables, settings, clock, demo=demo, bot_name=bot_name, admins=admins
        )
        async with db.write() as session:
            await seed_network.seed(session, tables)
        await tables.network.refresh(db)
        await tables.classifier.refresh(db)
        await tables.limits.refresh(db)
        yield House(
            settings,
            db,
            clock,
            keyring,
            SealedFiles(settings.data_dir / "evidence", keyring),
            tables,
        )
    finally:
        await db.close()


async def serve(
    settings: Settings,
    stop: asyncio.Event,
    *,
    demo: bool = False,
    clock: SystemClock | None = None,
    takes_in: bool = True,
) -> None:
    """The bot on the Bot API at ``settings.api_base_url``, until ``stop``; then it drains.

    With ``takes_in`` False, one more worker on PostgreSQL: it handles and sends what others took in.
    Raises TokenRefused, DatabaseProblem, KeyringError, AlreadyRunning, ServerGone.
    """
    token = settings.bot_token.get_secret_value()
    bot = build_bot(token, settings.api_base_url, settings.proxy_url.get_secret_value())
    admins = frozenset({f"tg:{number}" for number in settings.admin_ids})
    async with (
        contextlib.AsyncExitStack() as held,
        open_house(settings, demo=demo, clock=clock, admins=admins, first=takes_in) as house,
    ):
        if house.db.sqlite:
            held.enter_context(only_one(settings.data_dir))
        await house.db.take_seat()
        texts = house.tables.texts
        channel = TelegramChannel(
            bot, lambda message, private: render(message, texts, private), house.clock, house.vault
        )
        drains: dict[str, Drain[Any]] = {}
        operators = asyncio.create_task(
            _vital(_show_operators(house, channel, drains, takes_in, stop), stop)
        )
        try:
            # Read before anything is taken in: it takes as long as some short lives of the process, and
            # an update that outlives none of them would be set aside.
            reading = asyncio.create_task(house.tables.classifier.ready())
            connected = await channel.connect(stop)
            await reading
            if connected:
                await _work(house, channel, drains, takes_in, stop)
        finally:
            stop.set()
            await operators


async def _work(
    house: House,
    channel: TelegramChannel,
    drains: dict[str, Drain[Any]],
    takes_in: bool,
    stop: asyncio.Event,
) -> None:
    """Take in, handle and send until ``stop``; then send what is owed. Fills ``drains``."""
    house.tables = tables = replace(house.tables, bot_name=channel.bot.username)
    application = build_application(channel.bot)
    await application.initialize()
    worker = Worker(
        house.db,
        house.clock,
        handler(application, channel, tables),
        on_dead=lambda session, row: unhandled(session, tables, row),
    )
    geocoder = geocode.build(house.settings)
    groups = robots.HttpRobots(robots.load(house.settings.robots_file), house.clock.now)
    deliverer = Deliverer(
        house.db,
        house.clock,
        {"tg": channel.send, codes.PAPER: _to_nobody},
        _limits(house.settings),
        errands={
            "fetch": fetcher(
                tables,
                channel.download,
                _inspector(house),
                house.vault,
                house.settings.max_file_mb * 1024 * 1024,
            ),
            locate.ERRAND: locate.locator(tables, geocoder),
            **_thinking(house.db, tables),
            **_printing(house, tables),
            forwarded.ERRAND: forwarded.forwarder(house.db, tables, groups),
            notice_file.ERRAND: inspect_file.looker(
                tables,
                channel.download,
                _inspector(house),
                house.vault,
                house.tables.policy.file_mb * 1024 * 1024,
            ),
            erase.ERRAND: erase.unsender(tables, channel.take_back),
            recall.ERRAND: recall.taker_back(tables, channel.take_back),
            **_kept(house, tables),
        },
        on_dead=lambda session, row, refusal: undeliverable(session, tables, row, refusal),
        on_moved=moved,
    )
    drains |= {"updates": worker, "messages": deliverer}
    house.db.listen(live_policy.KIND, tables.limits.look)
    house.db.listen(load_register.VERSION, tables.network.look)
    draining = asyncio.Event()
    work = [
        house.db.keep_seat(house.clock.follow, stop),
        worker.run(stop),
        sweep(house, stop),
        Scanner(house.db, house.clock, fires(tables)).run(stop),
        tables.classifier.follow(house.db, stop),
        tables.network.follow(house.db, stop),
        tables.limits.follow(house.db, stop),
    ]
    if takes_in:
        await _say_hello(house, channel, tables)
        work.append(
            _listen(house, channel, stop)
            if house.settings.webhook_url
            else channel.poll(house.db, accept, stop)
        )
    working = [asyncio.create_task(_vital(each, stop)) for each in work]
    sending = [
        asyncio.create_task(_vital(each, stop))
        for each in (deliverer.run(draining), house.db.courier.run(draining))
    ]
    try:
        await stop.wait()
        await asyncio.gather(*working)
        if house.db.sqlite or await house.db.living() == {house.db.seat}:
            await _send_what_is_owed(house)
    finally:
        stop.set()
        draining.set()
        await asyncio.gather(*working, return_exceptions=True)
        await asyncio.gather(*sending)
        if geocoder is not None:
            await geocoder.close()
        await groups.close()
        await application.shutdown()


async def _vital(work: Awaitable[None], stop: asyncio.Event) -> None:
    """What the whole cannot do without: when it fails, everything is told to stop."""
    try:
        await work
    except BaseException:
        stop.set()
        raise


async def _send_what_is_owed(house: House) -> None:
    """After a told stop, let the answers go out; what takes longer waits for the next start."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while True:
                async with house.db.read() as session:
                    if not await still_owed(session, house.clock.now() + ALBUM_PAUSE):
                        return
                await asyncio.sleep(0.05)


async def _to_nobody(_target: str, _message: Message, _edit_ids: Sequence[Any] | None) -> list[Any]:
    """Who filed at the desk and has linked no account reads nothing here; the desk tells her."""
    return []


def _limits(settings: Settings) -> Limits:
    return Limits(
        per_second=settings.send_per_second,
        chat_per_second=settings.chat_per_second,
        chat_burst=settings.chat_burst,
        group_per_minute=settings.group_per_minute,
    )


def fires(tables: Tables) -> dict[str, Fire]:
    """What each kind of timer does when it falls due."""

    def bound(
        fire: Callable[[AsyncSession, Tables, Timer], Awaitable[datetime | TimerState]],
    ) -> Fire:
        return lambda session, timer: fire(session, tables, timer)

    return {
        second_person.ALONE: bound(second_person.alone),
        copies.SPREAD: bound(release.spread),
        copies.PROGRESS: bound(release.progress),
        release.DUE: bound(release.due),
        release.NIGHT: bound(release.night),
        release.AGAIN: bound(repeat.again),
        recall.TIMER: bound(recall.step),
        attendance.REMIND: bound(attendance.remind),
        attendance.OVER: bound(attendance.over),
        attendance.FORGET: bound(attendance.forget),
        leave.TIMER: bound(leave.turn),
        anchor.TIMER: bound(anchor.drop),
        confirm_law.TIMER: bound(confirm_law.report),
        digest.TIMER: bound(digest.send),
        drop_file.TIMER: bound(drop_file.forget),
        refer.TIMER: bound(refer.overdue),
        fast_refund.TIMER: bound(fast_refund.tick),
        advance.TIMER: bound(advance.overdue),
        watch_bursts.TIMER: bound(watch_bursts.look),
        **dict.fromkeys(remind.WAITS, bound(overdue)),
    }


def _thinking(db: Database, tables: Tables) -> dict[str, Errand]:
    """Errands that reach nothing outside: they only take too long for the event loop."""
    return {
        edit_rules.ERRAND: edit_rules.checker(db, tables),
        suggest_words.ERRAND: suggest_words.suggester(db, tables),
    }


def _kept(house: House, tables: Tables) -> dict[str, Errand]:
    """Errands about what lies in our own files."""

    async def keep(line: audit.Anchor) -> None:
        await asyncio.to_thread(anchors.keep, house.settings.data_dir, line)

    return {
        "drop": dropper(house.vault),
        anchor.ERRAND: anchor.keeper(keep),
        export_own.ERRAND: export_own.exporter(house.db, tables, house.vault),
        take_out.ERRAND: take_out.exporter(house.db, tables, house.vault, _workbook),
    }


async def _workbook(headings: Sequence[str], rows: Iterable[Sequence[sheets.Cell]]) -> bytes:
    """A table as the bytes of an XLSX, made in a thread."""

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "table.xlsx"
            sheets.write(file, headings, rows)
            return file.read_bytes()

    return await asyncio.to_thread(make)


def _inspector(house: House) -> Inspect:
    policy, address = house.tables.policy, house.settings.clamd
    scan = clamd.scanner(address) if address else None
    return inspect_files.inspector(
        policy.evidence_types, policy.picture_megapixels * 1_000_000, scan
    )


def _printing(house: House, tables: Tables) -> dict[str, Errand]:
    """The errands that draw posters and papers, in a thread, with the font that is there."""

    async def draw(wanted: Poster) -> bytes:
        font = fonts.find_font(house.settings.font_file)
        return await asyncio.to_thread(posters.poster_pdf, wanted, font)

    async def make(wanted: Document, form: papers.Form) -> bytes:
        if form == "docx":
            return await asyncio.to_thread(documents.document_docx, wanted)
        font = fonts.find_font(house.settings.font_file)
        return await asyncio.to_thread(documents.document_pdf, wanted, font)

    async def picture(wanted: Picture) -> bytes:
        return await asyncio.to_thread(
            charts.png, wanted, fonts.find_font(house.settings.font_file)
        )

    async def bind(wanted: Sequence[Page]) -> bytes:
        return await asyncio.to_thread(workbook.workbook, wanted)

    return {
        poster.ERRAND: poster.drawer(tables, draw, house.vault),
        export_report.ERRAND: export_report.maker(house.db, tables, picture, bind, house.vault),
        papers.ERRAND: papers.maker(tables, make, house.vault),
    }


async def _listen(house: House, channel: TelegramChannel, stop: asyncio.Event) -> None:
    """Tell Telegram where to send updates, and take them in until ``stop``."""
    from bot.adapters import webhook

    settings = house.settings
    secret = settings.webhook_secret.get_secret_value()

    async def take(body: bytes) -> None:
        await channel.take(house.db, accept, body)

    await channel.bot.set_webhook(
        f"{settings.webhook_url}{webhook.PATH}",
        secret_token=secret,
        allowed_updates=list(ALLOWED_UPDATES),
    )
    app = webhook.build(take, lambda: _ready(house, channel, polling=False), secret)
    await webhook.listen(app, "0.0.0.0", settings.webhook_port, stop)  # noqa: S104


async def _ready(house: House, channel: TelegramChannel, polling: bool) -> None:
    """Raises DatabaseProblem, or NotReady while there is no way to Telegram."""
    from bot.adapters.webhook import NotReady

    await house.db.probe(migrate.head())
    if not channel.reachable(polling):
        raise NotReady("Telegram is not reached")


async def _show_operators(
    house: House,
    channel: TelegramChannel,
    drains: Mapping[str, Drain[Any]],
    takes_in: bool,
    stop: asyncio.Event,
) -> None:
    """Health, readiness and metrics on the loopback port for operators, when there is one."""
    if not house.settings.ops_port:
        await stop.wait()
        return
    from bot.adapters import metrics, webhook

    async def measured() -> bytes:
        counts = {kind: drain.tally for kind, drain in drains.items()}
        return await metrics.render(house.db, house.clock, counts, channel.last_contact)

    polling = takes_in and not house.settings.webhook_url
    app = webhook.build_ops(lambda: _ready(house, channel, polling), measured)
    await webhook.listen(app, "127.0.0.1", house.settings.ops_port, stop)


def build_application(bot: Bot) -> Application[Any, Any, Any, Any, Any, Any]:
    """python-telegram-bot's Application with every handler and no updater: intake is ours."""
    application = ApplicationBuilder().bot(bot).updater(None).build()
    application.add_handlers([*staff.handlers(), *consumer.handlers()])
    application.add_error_handler(on_error)
    return application


def handler(
    application: Application[Any, Any, Any, Any, Any, Any], channel: TelegramChannel, tables: Tables
) -> Handle:
    """What the worker runs for each update: one unit of work, its notice shown after the commit."""

    async def handle(session: AsyncSession, payload: Mapping[str, Any]) -> None:
        update = Update.de_json(dict(payload), application.bot)
        unit = Unit(session, tables)
        UNIT.set(unit)
        await application.process_update(update)
        if unit.failed is not None:
            raise unit.failed
        if update is not None and update.callback_query is not None:
            text = tables.texts.plain(unit.notice) if unit.notice is not None else ""
            answer = partial(channel.answer_press, update.callback_query.id, text)
            _after_commit(session, answer)

    return handle


_answering: set[asyncio.Task[None]] = set()
"""Tasks of presses being answered: the loop itself keeps only weak references."""


def _after_commit(session: AsyncSession, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    def go(_session: object) -> None:
        task = asyncio.get_running_loop().create_task(work())
        _answering.add(task)
        task.add_done_callback(_answering.discard)

    event.listen(session.sync_session, "after_commit", go, once=True)


async def sweep(house: House, stop: asyncio.Event) -> None:
    """Every hour, and when the clock is set back: blank and delete what has been kept long enough, and mend what a
    wrong clock wrote."""
    keep = timedelta(hours=house.settings.keep_payload_hours)
    keep_read = timedelta(days=house.tables.policy.notice_read_days)
    while not stop.is_set():
        try:
            await _book(house, stop)
            async with house.db.write() as session:
                if mended := await set_times_right(session, house.clock.now()):
                    log.warning("rows from the future are due now", count=mended)
                await sweep_inbox(session, house.clock.now(), keep)
                await sweep_outbox(session, house.clock.now(), keep)
                await drafts.sweep(session, house.tables)
                await help_first.sweep(session, house.tables)
            gone = 1
            while gone and not stop.is_set():
                async with house.db.write() as session:
                    gone = await retention.run(session, house.tables)
            gone = 1
            while gone and not stop.is_set():
                async with house.db.write() as session:
                    gone = await copies.forget(session, house.clock.now(), keep, keep_read)
        except DBAPIError as error:
            log.warning("sweep failed, trying again later", error=type(error).__name__)
        await until_due(house.clock, stop, SWEEP_SECONDS)


async def _book(house: House, stop: asyncio.Event) -> None:
    """Write the books up, in commits that hold others up for a moment only."""
    left = 1
    while left and not stop.is_set():
        async with house.db.write() as session:
            left = await write_up.catch_up(session, house.tables, write_up.CHUNK)


async def until_due(clock: Clock, stop: asyncio.Event, seconds: float) -> None:
    """Wait until the clock has gone on so far, or was set back, or until ``stop``."""
    begun = seen = clock.now()
    while not stop.is_set() and (now := clock.now()) - begun < timedelta(seconds=seconds):
        if (back := (seen - now).total_seconds()) > JUMP_SECONDS:
            log.warning("the clock was set back", seconds=round(back))
            return
        seen = now
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 1)


async def _say_hello(house: House, channel: TelegramChannel, tables: Tables) -> None:
    """The command menus, and the first admin's link when there is no admin yet."""
    texts = tables.texts

    def menu(names: Sequence[str]) -> list[BotCommand]:
        return [BotCommand(name, texts.plain(say(f"command.{name}"))) for name in names]

    async with house.db.read() as session:
        bosses = {account.address for account in await accounts.admins(session)} | tables.admins
    scopes: list[tuple[str, BotCommandScope]] = [
        ("private", BotCommandScopeAllPrivateChats()),
        ("group", BotCommandScopeAllGroupChats()),
        *(
            ("admin", BotCommandScopeChat(int(address.removeprefix("tg:"))))
            for address in sorted(bosses)
            if address.startswith("tg:")
        ),
    ]
    for scope_name, scope in scopes:
        with contextlib.suppress(TelegramError):
            await channel.bot.set_my_commands(menu(menus.COMMANDS[scope_name]), scope=scope)
    async with house.db.write() as session:
        await keep_bot_name(session, tables.bot_name)
        await anchor.plan(session, tables)
        await confirm_law.plan(session, tables)
        await digest.plan(session, tables)
        await watch_bursts.plan(session, tables)
    if tables.demo or tables.admins:
        return
    async with house.db.write() as session:
        token = await first_admin_link(session)
    if token:
        print(texts.plain(say("admin.first_link", link=tables.link(f"admin_{token}"))), flush=True)  # noqa: T201


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
        errands = Deliverer(
            house.db,
            house.clock,
            {},
            _limits(settings),
            errands={
                **_thinking(house.db, tables),
                **_printing(house, tables),
                **_kept(house, tables),
            },
        )
        timers = Scanner(house.db, house.clock, fires(tables))
        for line in terminal.lines(source):
            heard = screen.read(line)
            if isinstance(heard, Incoming):
                async with house.db.write() as session:
                    notice = await hear(session, tables, heard)
                if notice is not None:
                    screen.notice(tables.texts.plain(notice))
            elif heard:
                screen.notice(heard)
            for owed in (await errands.claim(1))[0]:
                await errands.work(owed)
                await tables.classifier.refresh(house.db)
            await tables.limits.refresh(house.db)
            while await timers.drain_once():
                pass
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
    heard = Incoming(
        key="", chat=who.account, account=who.account, name=who.name, at=house.clock.now()
    )
    async with house.db.write() as session:
        account = await accounts.meet(session, house.tables, heard)
        account.is_admin = True
