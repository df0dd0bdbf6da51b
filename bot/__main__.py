"""The command line: ``python -m bot COMMAND``, also installed as ``suda``.

Exit 0 on success, 1 on a failure told in one line on stderr, 2 on wrong usage. Commands are plain
functions (Typer runs nothing of an ``async def``), and import what is heavy only when they run.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Db = Annotated[str, typer.Option("--db", help="database address, instead of DATABASE_URL")]
Hidden = Annotated[str, typer.Option(hidden=True)]


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
        from bot.demo import ADMIN

        settings = _settings(
            db, bot_token=sandbox_token, api_base_url=sandbox_url, admin_ids=(ADMIN,)
        )
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


@app.command()
def sandbox(port: Annotated[int, typer.Option(help="0 takes any free port")] = -1) -> None:
    """The stand-in Bot API server with its phone page alone, for any bot."""
    from bot.demo import stand_in

    settings = _settings()
    chosen = port if port >= 0 else settings.sandbox_port
    _until_told(lambda stop: stand_in(settings, chosen, stop))


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
        _run(house.chat(_settings(db), role, name or texts().plain(say(f"demo.person.{role}")), desk))
    except LookupError as error:
        _fail(f"no such desk: {error}")


@app.command()
def classify(
    _lines: Annotated[bool, typer.Option("--lines", help="one text a line (always so)")] = True,
) -> None:
    """Read texts from stdin, one a line; print one JSON object a line."""
    from bot.classify.engine import Classifier

    classifier = Classifier.load(tmp_dir=_settings().data_dir / "jieba")
    for line in sys.stdin:
        typer.echo(json.dumps(classifier.classify(line.rstrip("\n")).to_json(), ensure_ascii=False))


@app.command()
def evaluate(
    file: Path, errors: Annotated[Path | None, typer.Option(help="write the misses here")] = None
) -> None:
    """Measure the classifier on a labelled CSV (columns text, accept; optional fraud, nature)."""
    from bot.classify.engine import Classifier
    from bot.classify.evaluate import evaluate as measure
    from bot.classify.evaluate import read_rows, write_errors

    classifier = Classifier.load(tmp_dir=_settings().data_dir / "jieba")
    report = measure(read_rows(file), classifier)
    typer.echo(report.to_text())
    if errors is not None:
        write_errors(report, errors)


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
    from bot.app import make_tables
    from bot.services.look_up import nearest_points

    tables = make_tables(_settings(db), SystemClock(), demo=False)
    try:
        moment = datetime.fromisoformat(at) if at else tables.clock.now()
        found = nearest_points(tables, lat, lon, address, object_, k, moment, all_)
    except ValueError as error:
        _fail(str(error))
    typer.echo(json.dumps(found, ensure_ascii=False, indent=2))


@app.command()
def migrate(db: Db = "") -> None:
    """Bring the database to the newest schema."""
    from bot.adapters import migrate as schema

    settings = _settings(db)
    schema.upgrade(settings.database_url)
    typer.echo(schema.current(settings.database_url))


def _fail(problem: str) -> NoReturn:
    typer.echo(problem, err=True)
    raise typer.Exit(1)


def main() -> None:
    """The entry point: known troubles end in one line."""
    from bot.adapters.crypto import KeyringError
    from bot.adapters.database import DatabaseProblem
    from bot.adapters.telegram import TokenRefused
    from bot.settings import SettingsError

    try:
        app()
    except (KeyringError, DatabaseProblem, TokenRefused, SettingsError, OSError) as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
