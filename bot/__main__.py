"""The command line: ``python -m bot COMMAND``, also installed as ``suda``.

Exit 0 on success, 1 on a failure told in one line on stderr, 2 on wrong usage. Commands are plain
functions (Typer runs nothing of an ``async def``), and import what is heavy only when they run.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import pickle
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from bot.app import House
    from bot.ports import Poster
    from bot.route.register import Desk, Register
    from bot.services.admin.check_up import Finding
    from bot.services.network.import_points import Fate
    from bot.settings import Settings
    from bot.texts.catalogue import Say
    from models.lifecycle import CaseStatus

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
points = typer.Typer(no_args_is_help=True, help="The liaison points as a table.")
staff = typer.Typer(no_args_is_help=True, help="Who works for points and streets.")
case = typer.Typer(no_args_is_help=True, help="Cases for operators; personal data masked.")
sandbox = typer.Typer(help="The stand-in of Telegram; alone, it serves any bot.")
keys = typer.Typer(no_args_is_help=True, help="The keys that seal personal data.")
audit = typer.Typer(no_args_is_help=True, help="Whether what is recorded holds together.")
app.add_typer(points, name="points")
app.add_typer(staff, name="staff")
app.add_typer(case, name="case")
app.add_typer(audit, name="audit")
app.add_typer(keys, name="keys")
app.add_typer(sandbox, name="sandbox")

Db = Annotated[str, typer.Option("--db", help="database address, instead of DATABASE_URL")]
Json = Annotated[bool, typer.Option("--json", help="for machines")]
Hidden = Annotated[str, typer.Option(hidden=True)]

LINES = {
    "new": "cli.points.line_new",
    "changed": "cli.points.line_changed",
    "same": "cli.points.line_same",
    "refused": "cli.points.line_refused",
}
"""How a row's fate is told."""

EXAMPLES = 5
"""Points named of each kind of trouble."""

NEW_OBJECTS = 50_000
"""Made between two looks for garbage. By Python's 700, a tenth of a start is spent looking at what stays."""

PIPE_WIDTH = 300
"""Columns of a line that no person's screen bounds."""


@app.callback()
def root() -> None:
    """诉达 (Suda): tell a dispute, hand it to the right liaison point, hear how it ends."""


def _settings(db: str = "", **over: Any) -> Settings:
    from bot.adapters.logs import quiet
    from bot.settings import load

    if db:
        over["database_url"] = db
    settings = load(**over)
    quiet(settings.log_level)
    return settings


def _until_told(make: Any) -> None:
    """Run ``make(stop)`` and set ``stop`` on SIGINT or SIGTERM."""

    async def go() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, stop.set)
        await make(stop)

    _run(go())


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@app.command()
def run(
    port: Annotated[int, typer.Option(help="the sandbox page's port")] = -1,
    db: Db = "",
    sandbox_url: Hidden = "",
    sandbox_token: Hidden = "",
) -> None:
    """The bot: with BOT_TOKEN on Telegram; without it, the sandbox and the bot together."""
    if sandbox_url:
        from bot.app import serve

        settings = _settings(db, **_in_sandbox(sandbox_url, sandbox_token))
        _until_told(lambda stop: serve(settings, stop, demo=True))
        return
    settings = _settings(db)
    if settings.bot_token.get_secret_value():
        from bot.app import serve

        _until_told(lambda stop: serve(settings, stop))
    else:
        from bot.demo import demonstrate

        chosen = port if port >= 0 else settings.sandbox_port
        _until_told(lambda stop: demonstrate(settings, chosen, stop))


def _in_sandbox(url: str, token: str) -> dict[str, Any]:
    """Settings of a bot whose Bot API server is the sandbox."""
    from bot.demo import ADMIN

    return {"bot_token": token, "api_base_url": url, "admin_ids": (ADMIN,)}


@sandbox.callback(invoke_without_command=True)
def sandbox_alone(
    context: typer.Context,
    port: Annotated[int, typer.Option(help="0 takes any free port")] = -1,
    db: Db = "",
) -> None:
    """The stand-in Bot API server with its phone page alone, for any bot."""
    if context.invoked_subcommand is not None:
        return
    from bot.demo import stand_in

    settings = _settings(db)
    chosen = port if port >= 0 else settings.sandbox_port
    _until_told(lambda stop: stand_in(settings, chosen, stop))


@sandbox.command()
def compare(
    chat: Annotated[int, typer.Option(help="id of a person who has started that bot")],
    live: Annotated[str, typer.Option(help="a bot's token; BOT_TOKEN when left out")] = "",
    json_: Json = False,
    base_url: Hidden = "",
) -> None:
    """Ask Telegram and the stand-in the same; tell where they answer differently. The person gets
    a few messages."""
    from bot.sandbox.compare import OFFICIAL, STEPS, CannotCompare
    from bot.sandbox.compare import compare as ask

    settings = _settings()
    # One of the calls asks for a method that nobody has; the answer says so, no log need.
    logging.getLogger("bot.sandbox").setLevel(logging.CRITICAL)
    token = live or settings.bot_token.get_secret_value()
    if not token:
        raise typer.BadParameter(_say("cli.compare.no_token"), param_hint="--live")
    proxy = settings.proxy_url.get_secret_value() or None
    try:
        found = _run(ask(token, chat, base_url or OFFICIAL, proxy))
    except CannotCompare as error:
        reasons = {
            "network": "cli.compare.network",
            "answer": "cli.compare.answer",
            "token": "cli.compare.token",
            "chat": "cli.compare.chat",
        }
        _fail(_say(reasons[error.why], detail=error.detail))
    if json_:
        _json([asdict(difference) for difference in found])
    else:
        for difference in found:
            typer.echo(_say("cli.compare.difference", **asdict(difference)))
    if found:
        _fail(_say("cli.compare.differ", count=len(found), all=len(STEPS)))
    if not json_:
        typer.echo(_say("cli.compare.same", all=len(STEPS)))


@app.command()
def chat(
    as_: Annotated[str, typer.Option("--as", help="consumer, staff:POINT or admin")] = "consumer",
    name: Annotated[str, typer.Option(help="the person's name")] = "",
    db: Db = "",
) -> None:
    """Talk in the terminal, with no network: one line is one thing the person does."""
    from bot import app as house
    from bot.texts.catalogue import load as texts
    from bot.texts.catalogue import say

    role, _, desk = as_.partition(":")
    if role not in {"consumer", "staff", "admin"} or (role == "staff") != bool(desk):
        raise typer.BadParameter("consumer, staff:POINT or admin", param_hint="--as")
    try:
        _run(
            house.chat(_settings(db), role, name or texts().plain(say(f"demo.person.{role}")), desk)
        )
    except LookupError as error:
        _fail(f"no such desk: {error}")


@app.command()
def classify(
    _lines: Annotated[bool, typer.Option("--lines", help="one text a line (always so)")] = True,
    db: Db = "",
) -> None:
    """Read texts from stdin, one a line; print one JSON object a line."""
    from bot.classify.engine import Classifier

    classifier = Classifier.load(tmp_dir=_settings(db).data_dir / "jieba")
    for line in sys.stdin:
        typer.echo(json.dumps(classifier.classify(line.rstrip("\n")).to_json(), ensure_ascii=False))


@app.command()
def evaluate(
    file: Path,
    errors: Annotated[Path | None, typer.Option(help="write the misses here")] = None,
    json_: Json = False,
    db: Db = "",
) -> None:
    """Measure the classifier on a labelled CSV (columns text, accept; optional fraud, nature)."""
    from bot.adapters import sheets
    from bot.classify.engine import Classifier
    from bot.classify.evaluate import evaluate as measure

    sheet = sheets.read(file)
    classifier = Classifier.load(tmp_dir=_settings(db).data_dir / "jieba")
    try:
        report = measure((line.cells for line in sheet.lines), classifier)
    except ValueError as error:
        _fail(str(error))
    figures = report.to_json()
    if json_:
        _json(figures)
    else:
        typer.echo(_say("cli.evaluate.figures", **figures))
        for accepted, decided, count in figures["confusions"]:
            typer.echo(
                _say("cli.evaluate.confusion", accepted=accepted, decided=decided, count=count)
            )
    if errors is not None:
        headings = [*sheet.headings, "decided"]
        sheets.write(
            errors, headings, ([row.get(h, "") for h in headings] for row in report.errors)
        )


@app.command()
def nearest(
    lat: Annotated[float | None, typer.Option()] = None,
    lon: Annotated[float | None, typer.Option()] = None,
    address: Annotated[str, typer.Option(help="a place in words")] = "",
    object_: Annotated[str, typer.Option("--object", help="a code of the taxonomy")] = "",
    k: Annotated[int, typer.Option("-k")] = 3,
    at: Annotated[str, typer.Option(help="ISO time")] = "",
    all_: Annotated[bool, typer.Option("--all", help="ignore eligibility")] = False,
    db: Db = "",
) -> None:
    """The nearest eligible points, as JSON."""
    from bot.adapters.clock import SystemClock
    from bot.route.region import load_region
    from bot.services.network.load_register import gazetteer
    from bot.services.network.look_up import nearest_points
    from bot.texts.catalogue import load as texts

    settings = _settings(db)
    register = _run(_register(settings))
    places = gazetteer(register, load_region(settings.region).words)
    try:
        moment = datetime.fromisoformat(at) if at else SystemClock().now()
        found = nearest_points(
            register, places, texts(), lat, lon, address, object_, k, moment, all_
        )
    except ValueError as error:
        _fail(str(error))
    _json(found)


async def _register(settings: Settings) -> Register:
    """The database's register; the packaged one while there is no database. Changes nothing."""
    return (await _numbered_register(settings))[0]


async def _numbered_register(settings: Settings) -> tuple[Register, int]:
    """The same, with the number by which a change of it is known."""
    from sqlalchemy.exc import DBAPIError

    from bot.adapters.database import Database, explain
    from bot.route.region import load_region
    from bot.route.register import Register
    from bot.services.network.load_register import load, version

    packaged = load_region(settings.region).desks
    file = _database_file(settings)
    if file is not None and not file.exists():
        return Register(packaged), 0
    database = Database(settings.database_url)
    try:
        async with database.read() as session:
            return await load(session, packaged), await version(session)
    except DBAPIError as error:
        raise explain(error, database.url) from error
    finally:
        await database.close()


def _database_file(settings: Settings) -> Path | None:
    """The file of a SQLite database; None on PostgreSQL."""
    from bot.adapters.database import driver_url

    url = driver_url(settings.database_url)
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


@points.command("import")
def import_points(
    file: Path,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="tell, and change nothing")] = False,
    json_: Json = False,
    db: Db = "",
) -> None:
    """Add and change points from a CSV or XLSX, by their codes: all rows, or none."""
    from bot.adapters import sheets
    from bot.services.network.import_points import judge
    from bot.texts.catalogue import load as texts

    settings = _settings(db)
    headings, lines = sheets.stream(file)
    register, number = _run(_numbered_register(settings))
    counts: Counter[str] = Counter()
    # What is to be written waits on disk: it may be long, and is written only if all of it is good.
    with _progress(file.name) as tick, TemporaryFile() as kept:
        told = _Told(dry_run, json_)
        rows = ((line.number, line.cells) for line in lines)
        for fate in judge(headings, rows, register, texts()):
            counts[fate.what] += 1
            told(fate)
            if fate.desk is not None:
                pickle.dump((fate.desk, fate.what != "same"), kept)
            tick()
        told.end()
        if kept.tell() and not dry_run and not counts["refused"]:
            kept.seek(0)
            _run(_write_points(settings, _unpickled(kept), file.name, number))
    if not json_:
        _show_total(counts, dry_run)
    if counts["refused"]:
        _fail(_say("cli.points.refused", count=counts["refused"]))


def _unpickled(kept: IO[bytes]) -> Iterator[tuple[Desk, bool]]:
    with suppress(EOFError):
        while True:
            yield pickle.load(kept)  # noqa: S301  # our own, written a moment ago


async def _write_points(
    settings: Settings, desks: Iterable[tuple[Desk, bool]], source: str, number: int
) -> None:
    """All of it or nothing, on the register that it was judged by (its ``number``)."""
    from bot.app import open_house
    from bot.services.network.import_points import write
    from bot.services.network.load_register import version

    async with open_house(settings, demo=False) as house, house.db.write() as session:
        if await version(session) != number:
            _fail(_say("cli.points.moved"))
        await write(session, desks, source, house.clock.now())


@contextmanager
def _progress(what: str) -> Iterator[Callable[[], None]]:
    """A line on the terminal that counts the calls of what it gives; nothing in a pipe."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(what, total=None)
        yield lambda: bar.advance(task)


class _Told:
    """Prints the fates as they come: lines for people, one JSON list for machines."""

    def __init__(self, dry_run: bool, json_: bool) -> None:
        self.dry_run, self.json = dry_run, json_
        self.count = 0

    def __call__(self, fate: Fate) -> None:
        if self.json:
            item = json.dumps(_fate_json(fate), ensure_ascii=False, indent=2)
            typer.echo(("," if self.count else "[") + "\n" + item, nl=False)
        elif fate.what != "same" or self.dry_run:
            line = _say(
                LINES[fate.what],
                line=fate.line,
                code=fate.code,
                name=fate.name,
                changed=list(fate.changed),
                why=[_say(why) for why in fate.because],
            )
            typer.echo(line.rstrip())
        self.count += 1

    def end(self) -> None:
        if self.json:
            typer.echo("\n]" if self.count else "[]")


def _show_total(counts: Counter[str], dry_run: bool) -> None:
    total = {what: counts[what] for what in LINES}
    typer.echo(_say("cli.points.total", rows=sum(counts.values()), **total))
    if dry_run:
        typer.echo(_say("cli.points.dry"))
    elif not counts["refused"]:
        written = counts["new"] + counts["changed"]
        typer.echo(
            _say("cli.points.written", count=written) if written else _say("cli.points.nothing")
        )


def _fate_json(fate: Fate) -> dict[str, Any]:
    return {
        "line": fate.line,
        "code": fate.code,
        "name": fate.name,
        "fate": fate.what,
        "changed": list(fate.changed),
        "because": [_say(why) for why in fate.because],
    }


@points.command("export")
def export_points(file: Path, db: Db = "") -> None:
    """Write every point to a CSV or XLSX that ``points import`` reads back."""
    from bot.adapters import sheets
    from bot.app import open_house
    from bot.services.network import export_points as export
    from bot.services.network.import_points import COLUMNS

    settings = _settings(db)

    async def go() -> Register:
        async with open_house(settings, demo=False) as house:
            return house.tables.register

    register = _run(go())
    sheets.write(file, COLUMNS, export.rows(register))
    typer.echo(_say("cli.points.exported", count=len(register.points), file=file))


Bot = Annotated[str, typer.Option("--bot", help="the bot's username, when it never ran here")]


@points.command("check")
def check_points(json_: Json = False, db: Db = "") -> None:
    """What is missing, doubtful or stale in the register, and what to do about it."""
    from bot.services.network.check_points import Quality
    from bot.services.network.check_points import check as look

    async def go() -> tuple[list[Quality], dict[str, str]]:
        async with _existing_house(db) as house, house.db.read() as session:
            names = {desk.code: desk.name for desk in house.tables.register.points}
            return await look(session, house.tables), names

    found, names = _run(go())
    if json_:
        _json(
            [
                {
                    "kind": kind.kind,
                    "says": _say(kind.says),
                    "mend": _say(kind.mend),
                    "codes": list(kind.codes),
                }
                for kind in found
            ]
        )
        return
    for kind in found:
        typer.echo(_say("cli.check.kind", says=kind.says, mend=kind.mend))
        some = [f"{code} {names.get(code, '')}" for code in kind.codes[:EXAMPLES]]
        typer.echo(_say("cli.check.examples", names=some))
    if not found:
        typer.echo(_say("cli.check.well"))


@points.command("poster")
def make_poster(
    code: str,
    out: Annotated[Path, typer.Option("--out", help="a .pdf or .png")],
    bot: Bot = "",
    db: Db = "",
) -> None:
    """A point's printable poster, with the QR code that opens the bot there."""
    from bot.adapters import fonts, posters
    from bot.services.network.poster import compose

    settings = _settings(db)
    draw = {".pdf": posters.poster_pdf, ".png": posters.poster_png}.get(out.suffix.lower())
    if draw is None:
        _fail(_say("cli.poster.suffix", file=out.name))
    font = fonts.find_font(settings.font_file)

    async def go() -> Poster | None:
        async with _house_named(db, bot) as house:
            desk = house.tables.register.get(code)
            return compose(house.tables, desk) if desk is not None else None

    poster = _run(go())
    if poster is None:
        _fail(_say("cli.poster.no_such", code=code))
    out.write_bytes(draw(poster, font))
    typer.echo(_say("cli.poster.made", file=out))


@staff.command("list")
def list_staff(
    reveal: Annotated[bool, typer.Option("--reveal", help="unmask names")] = False,
    json_: Json = False,
    db: Db = "",
) -> None:
    """Who works where, who is on leave, and who is invited."""
    from bot.services.network.invite_many import listed

    async def go() -> list[dict[str, Any]]:
        async with _existing_house(db) as house, house.db.write() as session:
            return await listed(session, house.tables, reveal, _operator())

    found = _run(go())
    if json_:
        _json(found)
        return
    if not found:
        typer.echo(_say("cli.staff.none"))
        return
    states = {"here": "cli.staff.here", "away": "cli.staff.away", "invited": "cli.staff.pending"}
    _table(
        _say("cli.staff.columns").split("|"),
        [
            (
                row["point"],
                row["name"],
                row["street"],
                row["who"],
                _say(states[row["state"]], day=row["until"]),
                row["since"],
            )
            for row in found
        ],
    )


@staff.command("import")
def import_staff(
    file: Path,
    out: Annotated[Path, typer.Option("--out", help="a folder for the sheets")],
    bot: Bot = "",
    db: Db = "",
) -> None:
    """Invite everybody of a CSV or XLSX (columns point, name): a printable sheet a street, or nothing."""
    from bot.adapters import fonts, posters, sheets
    from bot.services.network.invite_many import COLUMNS, invite_all

    settings = _settings(db)
    font = fonts.find_font(settings.font_file)
    headings, lines = sheets.stream(file)
    if not set(COLUMNS) <= set(headings):
        _fail(_say("cli.staff.headings"))
    rows = [(line.number, line.cells) for line in lines]
    out.mkdir(parents=True, exist_ok=True)

    async def go() -> tuple[int, list[Say]]:
        async with _house_named(db, bot) as house, house.db.write() as session:
            made, wrong = await invite_all(session, house.tables, rows)
            if wrong:
                await session.rollback()
            # Written before the commit: an invitation that nobody can read is worth nothing.
            for street, sheet in made.items():
                (out / f"{street}.pdf").write_bytes(posters.sheet_pdf(sheet, font))
            return len(made), wrong

    files, wrong = _run(go())
    for why in wrong:
        typer.echo(_say(why))
    if wrong:
        _fail(_say("cli.staff.refused", count=len(wrong)))
    typer.echo(_say("cli.staff.made", count=len(rows), files=files, folder=out))


@asynccontextmanager
async def _house_named(db: str, bot: str) -> AsyncIterator[House]:
    """The house, with the bot's name for its links: as said, else as it was when it last ran."""
    from dataclasses import replace

    from bot.services.admin.administer import bot_name

    async with _existing_house(db) as house:
        async with house.db.read() as session:
            name = bot.removeprefix("@") or await bot_name(session)
        house.tables = replace(house.tables, bot_name=name)
        yield house


Status = Annotated[str, typer.Option(help="only cases in this status")]
Phone = Annotated[str, typer.Option(help="only cases of this phone number")]
Since = Annotated[str, typer.Option(help="only cases filed since this ISO date or time (Shanghai)")]


@case.command("list")
def list_cases(
    status: Status = "", since: Since = "", phone: Phone = "", json_: Json = False, db: Db = ""
) -> None:
    """Filed cases, newest first."""
    from bot.facts.phones import parse_phone
    from bot.services.admin.export_cases import find

    number = parse_phone(phone) if phone else ""
    if number is None:
        raise typer.BadParameter(_say("cli.case.bad_phone"), param_hint="--phone")
    wanted = _status(status), _since(since), number

    async def go() -> list[dict[str, Any]]:
        async with _existing_house(db) as house, house.db.read() as session:
            return await find(session, *wanted)

    found = _run(go())
    if json_:
        _json(found)
        return
    if not found:
        typer.echo(_say("cli.case.none"))
        return
    _table(
        _say("cli.case.columns").split("|"),
        [
            (
                row["number"],
                row["filed_at"][:16].replace("T", " "),
                _say(f"status.{row['status']}"),
                _say(f"object.{row['object']}"),
                row["desk"] or _say("cli.case.nobody"),
            )
            for row in found
        ],
    )


@case.command("show")
def show_case(
    number: str,
    reveal: Annotated[bool, typer.Option("--reveal", help="unmask personal data")] = False,
    json_: Json = False,
    db: Db = "",
) -> None:
    """One case: what was told, where it went and why, and everything that happened since."""
    from bot.services.admin.export_cases import show

    async def go() -> dict[str, Any] | None:
        async with _existing_house(db) as house, house.db.write() as session:
            return await show(session, house.tables, number, reveal, _operator())

    found = _run(go())
    if found is None:
        _fail(_say("cli.case.not_found", number=number))
    if json_:
        _json(found)
        return
    typer.echo(
        _say(
            "cli.case.head",
            number=found["number"],
            status=_say(f"status.{found['status']}"),
            kind=_say(f"kind.{found['kind']}"),
            object=_say(f"object.{found['object']}"),
        )
    )
    typer.echo(_say("cli.case.held", desk=found["desk"] or _say("cli.case.nobody")))
    for row in found["answers"]:
        typer.echo(_say("cli.case.answer", label=row["label"], value=row["value"]))
    for text in found["route"]:
        typer.echo(_say("cli.case.because", text=text))
    for row in found["evidence"]:
        kind = _say(f"file_kind.{row['kind']}")
        typer.echo(
            _say(
                "cli.case.evidence",
                number=row["number"],
                kind=kind,
                bytes=row["bytes"],
                name=row["name"],
            )
        )
    for row in found["events"]:
        at = row["at"][:16].replace("T", " ")
        typer.echo(_say("cli.case.step", at=at, says=row["says"]))
    typer.echo(_say("cli.case.revealed" if reveal else "cli.case.masked"), err=True)


@case.command("export")
def export_cases(file: Path, status: Status = "", since: Since = "", db: Db = "") -> None:
    """Write filed cases to an XLSX or CSV: names and phones masked, nobody's words."""
    from bot.adapters import sheets
    from bot.services.admin import export_cases as export

    wanted = _status(status), _since(since)

    async def go() -> list[export.Row]:
        async with _existing_house(db) as house, house.db.write() as session:
            return await export.rows(session, house.tables, _operator(), *wanted)

    rows = _run(go())
    sheets.write(file, _say("cli.case.headings").split("|"), rows)
    typer.echo(_say("cli.case.exported", count=len(rows), file=file))


def _operator() -> str:
    """Whoever types here, as the audit chain names him."""
    import getpass

    return f"operator:{getpass.getuser()}"[:160]


def _existing_house(db: str) -> AbstractAsyncContextManager[House]:
    """The house of a database that is there, with the keyring that is there: a mistyped address or
    a lost key is told, not replaced by an empty one."""
    from bot.adapters.crypto import Keyring
    from bot.app import open_house

    settings = _settings(db)
    file = _database_file(settings)
    if file is not None and not file.exists():
        _fail(_say("cli.no_database", where=file))
    Keyring.open(settings.key_file, create=False)
    return open_house(settings, demo=False)


def _status(name: str) -> CaseStatus | None:
    from models.lifecycle import CaseStatus

    filed = [status for status in CaseStatus if status not in ("draft", "discarded")]
    if not name:
        return None
    if name not in filed:
        known = _say("cli.bad_status", known=[status.value for status in filed])
        raise typer.BadParameter(known, param_hint="--status")
    return CaseStatus(name)


def _since(text: str) -> datetime | None:
    """A time; without a zone it is Shanghai's."""
    from bot.services.tables import SHANGHAI

    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(_say("cli.bad_time"), param_hint="--since") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


@app.command()
def report(
    period: Annotated[str, typer.Option(help="2026-10, 2026q4, 2026 or 20261001-20261115")],
    desk: Annotated[
        str, typer.Option(help="code of a desk; all of the network when left out")
    ] = "",
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="write a workbook here")] = None,
    db: Db = "",
) -> None:
    """The figures of a period: what came in, was taken and solved, money returned, times; no personal data."""
    from bot.adapters.workbook import workbook
    from bot.figures import periods
    from bot.figures.plots import Page
    from bot.services.books import count, fill_workbook, words, write_up
    from bot.services.books.area import whose
    from bot.texts.catalogue import say

    span = periods.read(period)
    if span is None:
        raise typer.BadParameter(_say("cli.report.bad_period"), param_hint="--period")

    async def go() -> tuple[list[Say], list[Page]] | None:
        async with _existing_house(db) as house:
            left = 1
            while left:
                async with house.db.write() as session:
                    left = await write_up.catch_up(session, house.tables)
            async with house.db.read() as session:
                place = await whose(session, desk)
                if place is None:
                    return None
                now = await count.total(session, span, place, times=True)
                before = await count.total(session, span.before(), place)
                pages = (
                    await fill_workbook.pages(session, house.tables, place, span) if xlsx else []
                )
                told = [
                    say("report.head", name=place.name, period=words.period_words(span)),
                    *words.figures(now, before, house.tables.policy),
                ]
                return told, pages

    found = _run(go())
    if found is None:
        _fail(_say("cli.report.no_desk", code=desk))
    lines, pages = found
    for line in lines:
        typer.echo(_say(line))
    if xlsx is not None:
        xlsx.write_bytes(workbook(pages))
        typer.echo(_say("cli.report.written", file=xlsx))


@app.command()
def migrate(db: Db = "") -> None:
    """Bring the database to the newest schema."""
    from bot.adapters import migrate as schema

    settings = _settings(db)
    schema.upgrade(settings.database_url)
    typer.echo(schema.current(settings.database_url))


@app.command()
def backup(folder: Path, db: Db = "") -> None:
    """Copy the SQLite database into a folder while the bot runs. The key file is not in it."""
    from bot.adapters.clock import SystemClock
    from bot.services.admin.backup import backup as copy

    settings = _settings(db)
    made = copy(settings.database_url, folder, SystemClock().now())
    typer.echo(_say("cli.backup.made", file=made))
    evidence = settings.data_dir / "evidence"
    typer.echo(_say("cli.backup.no_key", file=settings.key_file, folder=evidence), err=True)


@app.command()
def restore(file: Path, db: Db = "") -> None:
    """Put a backup in the database's place; the old one is kept beside it. Stop the bot first."""
    from bot.adapters.clock import SystemClock
    from bot.services.admin.backup import restore as put_back

    settings = _settings(db)
    aside = put_back(file, settings.database_url, SystemClock().now())
    typer.echo(_say("cli.backup.restored", file=_database_file(settings)))
    if aside is not None:
        typer.echo(_say("cli.backup.aside", file=aside))
    typer.echo(_say("cli.backup.key", file=settings.key_file), err=True)


@keys.command("rotate")
def rotate_keys(
    keep_old: Annotated[
        bool, typer.Option("--keep-old", help="leave old keys in the file")
    ] = False,
    db: Db = "",
) -> None:
    """A new key, and everything sealed anew with it while the bot runs; goes on where it was stopped."""
    from bot.adapters.crypto import FOLLOW_SECONDS, Keyring, prefix
    from bot.services.privacy import audit as chain
    from bot.services.privacy.rotate_keys import Resealed, in_use, reseal
    from models.privacy import Act

    file = _settings(db).key_file

    async def unfinished(house: House) -> list[str]:
        return [
            old for old in house.keyring.old if await in_use(house.db, house.vault, prefix(old))
        ]

    async def note(house: House, act: Act, key: str) -> None:
        async with house.db.write() as session:
            await chain.record(session, house.clock.now(), act, _operator(), f"key:{key}")

    async def go() -> tuple[str, Resealed, list[str], list[str]]:
        async with _existing_house(db) as house:
            if not await unfinished(house):
                made = Keyring.rotate(file).active
                house.keyring.follow(at_once=True)
                await note(house, Act.KEY_NEW, made)
            begins = prefix(house.keyring.active)
            with _progress(_say("cli.keys.resealing")) as tick:
                first = await reseal(house.db, house.vault, begins, tick)
                # By then every process seals with the new key; what they sealed meanwhile is left.
                await asyncio.sleep(2 * FOLLOW_SECONDS)
                second = await reseal(house.db, house.vault, begins, tick)
            used = await unfinished(house)
            dropped = [] if keep_old else [old for old in house.keyring.old if old not in used]
            for old in dropped:
                Keyring.drop(file, old)
                await note(house, Act.KEY_DROPPED, old)
            total = Resealed(first.rows + second.rows, first.files + second.files)
            return house.keyring.active, total, dropped, used

    active, total, dropped, used = _run(go())
    typer.echo(_say("cli.keys.done", key=active, rows=total.rows, files=total.files))
    if dropped:
        typer.echo(_say("cli.keys.dropped", keys=dropped))
    typer.echo(_say("cli.keys.save", file=file), err=True)
    if used:
        _fail(_say("cli.keys.used", keys=used))


@audit.command("verify")
def verify(json_: Json = False, db: Db = "") -> None:
    """Check the audit chain with its anchors, and every case's events against the lifecycle."""
    from bot.adapters import anchors
    from bot.services.privacy import audit as chain
    from bot.services.privacy.verify_events import Verified
    from bot.services.privacy.verify_events import verify as check

    folder = _settings(db).data_dir

    async def go() -> tuple[chain.Checked, Verified]:
        async with _existing_house(db) as house, house.db.read() as session:
            kept = [chain.Anchor(*line) for line in anchors.read(folder)]
            return await chain.verify(session, kept), await check(session)

    links, found = _run(go())
    wrong = [_say(what) for what in (*links.wrong, *found.wrong)]
    counts = {
        "lines": links.lines,
        "anchors": links.anchors,
        "cases": found.cases,
        "events": found.events,
    }
    if json_:
        _json({**counts, "wrong": wrong})
    else:
        for line in wrong:
            typer.echo(line)
    if wrong:
        _fail(_say("cli.audit.wrong", count=len(wrong), **counts))
    if not json_:
        typer.echo(_say("cli.audit.well", **counts))


@audit.command("search")
def search(
    act: Annotated[str, typer.Option(help="a code of an act: view, export, restrict…")] = "",
    who: Annotated[
        str, typer.Option(help="a case's number, an account's number, a name of staff")
    ] = "",
    since: Annotated[str, typer.Option(help="first day, 2026-11-28")] = "",
    until: Annotated[str, typer.Option(help="last day, 2026-11-28")] = "",
    file: Annotated[Path | None, typer.Option(help="write an XLSX or CSV instead")] = None,
    json_: Json = False,
    db: Db = "",
) -> None:
    """Search the audit chain; that it was searched becomes a line of it."""
    from bot.adapters import sheets
    from bot.services.privacy import search_audit

    async def go() -> list[tuple[int, str, str, str, str, str]]:
        async with _existing_house(db) as house, house.db.write() as session:
            names = await search_audit.named(session, who) if who else [""]
            if len(names) != 1:
                _fail(_say("cli.audit.whom", count=len(names)))
            wanted = search_audit.Wanted(act, names[0], since, until)
            found = await search_audit.rows(session, house.tables, wanted)
            await search_audit.note(session, house.tables, wanted, _operator(), len(found))
            return found

    rows = _run(go())
    headings = _say("search.headings").split("|")
    if file is not None:
        sheets.write(file, headings, rows)
        typer.echo(_say("cli.audit.written", count=len(rows), file=file))
    elif json_:
        keys = ("seq", "at", "act", "by", "about", "details")
        _json([dict(zip(keys, row, strict=True)) for row in rows])
    else:
        _table(headings, [[str(cell) for cell in row] for row in rows])


@app.command()
def worker(
    db: Db = "",
    sandbox_url: Hidden = "",
    sandbox_token: Hidden = "",
) -> None:
    """One more worker on PostgreSQL: handles and sends what ``run`` took in. As many as you like."""
    from bot.app import serve

    over = _in_sandbox(sandbox_url, sandbox_token) if sandbox_url else {}
    settings = _settings(db, **over)
    if _database_file(settings) is not None:
        _fail(_say("cli.worker.sqlite"))
    if not settings.bot_token.get_secret_value():
        _fail(_say("cli.worker.no_token"))
    _until_told(lambda stop: serve(settings, stop, demo=bool(sandbox_url), takes_in=False))


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="one bench; all when left out")] = "",
    json_: Json = False,
    db: Db = "",
) -> None:
    """Measure this machine: classify, nearest, durable, sandbox. Uses a database of its own."""
    from rich.console import Console

    from bot.bench.benches import BENCHES, machine

    if name and name not in BENCHES:
        raise typer.BadParameter(_say("cli.no_bench", name=name, known=list(BENCHES)))
    settings = _settings(db)
    about = machine()
    if not json_:
        typer.echo(_say("cli.bench_on", **about))
    with Console(stderr=True).status(name or "bench"):
        found = [m for key in ([name] if name else BENCHES) for m in BENCHES[key](settings)]
    if json_:
        _json({"machine": about, "measures": [asdict(measure) for measure in found]})
    else:
        _table(
            _say("cli.bench_columns").split("|"),
            [
                (
                    m.bench,
                    m.what,
                    "-" if m.value is None else f"{m.value:,.1f}",
                    m.unit,
                    str(m.rounds),
                    f"{m.times:,.1f}" if m.times is not None else "",
                    m.goal,
                )
                for m in found
            ],
        )


@app.command()
def doctor(json_: Json = False, db: Db = "") -> None:
    """Check settings, key, database, packaged data and the way to Telegram; say how to mend."""
    from bot.services.admin.check_up import Finding
    from bot.settings import SettingsError
    from bot.texts.catalogue import say

    try:
        settings = _settings(db)
    except SettingsError as error:
        says = say("cli.doctor.settings_wrong", error=error)
        found = [Finding("settings", "fail", says, say("cli.doctor.mend.settings"))]
    else:
        found = _examine(settings)
    if json_:
        _json([_finding_json(finding) for finding in found])
    else:
        _show_findings(found)
    failed = sum(finding.level == "fail" for finding in found)
    if failed:
        _fail(_say("cli.doctor.ill", count=failed))
    if not json_:
        typer.echo(_say("cli.doctor.healthy"))


def _examine(settings: Settings) -> list[Finding]:
    from bot.adapters import robots
    from bot.adapters.clock import SystemClock
    from bot.adapters.probe import who_am_i
    from bot.services.admin import check_up
    from bot.texts.catalogue import load as texts
    from bot.texts.catalogue import say

    found = [
        check_up.Finding("settings", "ok", say("cli.doctor.settings", folder=settings.data_dir))
    ]
    found += check_up.packaged(settings, texts(), check_up.today(SystemClock().now()))
    found.append(check_up.disk(settings.data_dir))
    found += _examine_database(settings, whole=all(f.level != "fail" for f in found))
    found.append(check_up.basis(settings))
    found.append(check_up.robots(settings, lambda: len(robots.load(settings.robots_file))))

    def ask() -> Coroutine[Any, Any, str]:
        return who_am_i(
            settings.bot_token.get_secret_value(),
            settings.api_base_url,
            settings.proxy_url.get_secret_value(),
            check_up.limits().telegram_seconds,
        )

    found.append(_run(check_up.telegram(settings, ask)))
    return found


def _examine_database(settings: Settings, whole: bool) -> list[Finding]:
    """Key file, database, schema, and the rows when all of that and the packaged data are well."""
    from bot.adapters import migrate as schema
    from bot.adapters.clock import SystemClock
    from bot.adapters.crypto import Keyring
    from bot.adapters.database import Database, DatabaseProblem
    from bot.app import make_tables
    from bot.services.admin import check_up
    from bot.texts.catalogue import say
    from models.base import install_cipher

    olds: list[str] = []

    def open_key() -> str:
        keyring = Keyring.open(settings.key_file, create=False)
        install_cipher(keyring)
        olds[:] = keyring.old
        return keyring.fingerprint

    async def look_inside() -> list[Finding]:
        database = Database(settings.database_url)
        try:
            await database.probe()
            if not sound:
                return []
            tables = make_tables(settings, SystemClock(), demo=False)
            return await check_up.inside(database, tables, sealed=key.level == "ok")
        finally:
            await database.close()

    key = check_up.key_file(settings.key_file, False, open_key)
    try:
        file = _database_file(settings)
        if file is not None and not file.exists():
            says = say("cli.doctor.no_database", file=file)
            missing = check_up.Finding("database", "warn", says)
            return [key, missing, check_up.before_rows(settings)]
        key = check_up.key_file(settings.key_file, True, open_key)
        revision, head = schema.current(settings.database_url), schema.head()
        differences = schema.check(settings.database_url) if revision == head else []
        structure = check_up.schema(revision, head, differences)
        sound = whole and structure.level == "ok"
        inside = _run(look_inside())
    except DatabaseProblem as error:
        says = say("cli.doctor.database_wrong", error=error)
        wrong = check_up.Finding("database", "fail", says, say("cli.doctor.mend.database"))
        return [key, wrong]
    well = check_up.Finding("database", "ok", say("cli.doctor.database"))
    return [key, *check_up.old_keys(olds), well, structure, *inside]


def _show_findings(found: list[Finding]) -> None:
    lines = {"ok": "cli.doctor.ok", "warn": "cli.doctor.warn", "fail": "cli.doctor.fail"}
    for finding in found:
        typer.echo(_say(lines[finding.level], says=finding.says))
        if finding.mend is not None:
            typer.echo(_say("cli.doctor.line_mend", mend=finding.mend))


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "level": finding.level,
        "says": _say(finding.says),
        "items": list(finding.items),
        "mend": _say(finding.mend) if finding.mend is not None else None,
    }


def _say(what: str | Say, /, **args: Any) -> str:
    """A text by its key, or a Say, as plain characters."""
    from bot.texts.catalogue import Say
    from bot.texts.catalogue import load as texts

    return texts().plain(what if isinstance(what, Say) else Say(what, args))


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns; whoever reads it from a pipe gets every row on one line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    table = Table(*headings, box=None, pad_edge=False)
    for row in rows:
        # Text: square brackets in data are no markup.
        table.add_row(*(Text(cell) for cell in row))
    console.print(table, width=None if console.is_terminal else PIPE_WIDTH, no_wrap=True)


def _json(value: object) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _fail(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(1)


def _told(error: Exception) -> str | None:
    """A known trouble as one line; None for what is a defect."""
    from sqlalchemy.exc import DBAPIError

    from bot.adapters.courier import ServerGone
    from bot.adapters.crypto import KeyringError, SealBroken
    from bot.adapters.database import DatabaseProblem
    from bot.adapters.fonts import FontMissing
    from bot.adapters.lock import AlreadyRunning
    from bot.adapters.robots import RobotsProblem
    from bot.adapters.sheets import SheetProblem
    from bot.adapters.telegram import TokenRefused
    from bot.services.admin.backup import BackupFailed
    from bot.services.network.import_points import NotAPointList
    from bot.services.network.poster import NoPoster
    from bot.settings import SettingsError

    match error:
        case SheetProblem() | NotAPointList() | NoPoster():
            return _say(error.why)
        case SealBroken():
            return _say("cli.doctor.key_misfits")
        case DBAPIError():
            return _say("cli.doctor.database_wrong", error=error.orig)
        case (
            AlreadyRunning()
            | ServerGone()
            | KeyringError()
            | DatabaseProblem()
            | TokenRefused()
            | SettingsError()
            | BackupFailed()
            | FontMissing()
            | RobotsProblem()
        ):
            return str(error)
        case OSError():
            return str(error)
        case ModuleNotFoundError(name="psycopg" | "procrastinate"):
            return _say("cli.no_driver")
    return None


def main() -> None:
    """The entry point: known troubles end in one line."""
    gc.set_threshold(NEW_OBJECTS)
    try:
        app()
    except Exception as error:
        problem = _told(error)
        if problem is None:
            raise
        typer.echo(problem, err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
