"""Check the installation up (体检): what is well, what wants a look, what is broken, and how to mend it."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Protocol

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.engine import Classifier
from bot.law import book, policy
from bot.law.deadlines import missing_years
from bot.route.region import Region, load_region
from bot.services.admin import trial
from bot.services.privacy import retention
from bot.services.tables import SHANGHAI, Tables
from bot.settings import Settings
from bot.texts.catalogue import Catalogue, Say, say
from models.network import Robot
from models.party import Account

MB = 1024 * 1024
Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the check-up; ``mend`` says what to do, None when there is nothing to do.

    ``items`` names all of what the line only counts.
    """

    name: str
    level: Level
    says: Say
    mend: Say | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """When to warn (``check_up.toml``): days, MiB and seconds as the names say."""

    law_checked_days: int
    free_mb_warn: int
    free_mb_fail: int
    telegram_seconds: int
    retention_days: int
    source: str
    checked_on: date


@cache
def limits() -> Limits:
    """The packaged limits. Raises TypeError when a value is missing or unknown."""
    text = files(__package__).joinpath("check_up.toml").read_text("utf-8")
    return Limits(**tomllib.loads(text))


class Store(Protocol):
    """The part of the database that the check-up reads."""

    def read(self) -> AbstractAsyncContextManager[AsyncSession]: ...


def packaged(settings: Settings, texts: Catalogue, today: date) -> list[Finding]:
    """What came with the program: texts, rules, law with its dates, holidays, the region."""
    found = [Finding("texts", "ok", say("cli.doctor.texts", count=len(texts.keys())))]
    found.append(
        _loads(
            "rules",
            lambda: say(
                "cli.doctor.rules",
                version=Classifier.load(tmp_dir=settings.data_dir / "jieba").version,
            ),
        )
    )
    found.append(
        _loads(
            "region",
            lambda: _region(load_region(settings.region)),
        )
    )
    found.append(
        _loads("policy", lambda: say("cli.doctor.policy", day=policy.load().checked_on.isoformat()))
    )
    law = _loads("law", lambda: say("cli.doctor.law", count=len(book.load().statutes)))
    found.append(law)
    if law.level == "ok":
        found += _law_dates(today)
    found.append(_holidays(today))
    return found


def _region(region: Region) -> Say:
    return say("cli.doctor.region", count=len(region.desks), words=region.words.count)


def _loads(name: str, load: Callable[[], Say]) -> Finding:
    try:
        return Finding(name, "ok", load())
    except Exception as error:  # whatever is wrong with the data, the other checks go on
        says = say("cli.doctor.no_load", name=name, error=f"{type(error).__name__}: {error}")
        return Finding(name, "fail", says, say("cli.doctor.mend.no_load"))


def _law_dates(today: date) -> list[Finding]:
    days = limits().law_checked_days
    stale, unsure = book.load().stale(today, days), book.load().to_confirm()
    return [
        Finding(
            "law_dates",
            "warn",
            say("cli.doctor.stale", count=len(stale), days=days),
            say("cli.doctor.mend.stale"),
            tuple(stale),
        )
        if stale
        else Finding("law_dates", "ok", say("cli.doctor.fresh", days=days)),
        Finding(
            "law_to_confirm",
            "warn",
            say("cli.doctor.to_confirm", count=len(unsure)),
            say("cli.doctor.mend.to_confirm"),
            tuple(unsure),
        )
        if unsure
        else Finding("law_to_confirm", "ok", say("cli.doctor.confirmed")),
    ]


def _holidays(today: date) -> Finding:
    """This year's arrangement must be there; the next comes out late in the year."""
    lacking = missing_years(today, (date(today.year + 1, 12, 31) - today).days)
    if not lacking:
        return Finding("holidays", "ok", say("cli.doctor.holidays", year=today.year + 1))
    return Finding(
        "holidays",
        "fail" if today.year in lacking else "warn",
        say("cli.doctor.no_holidays", years=lacking),
        say("cli.doctor.mend.holidays"),
    )


def disk(folder: Path) -> Finding:
    """Space where the data lie (or will lie)."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(there).free // MB
    if free >= limits().free_mb_warn:
        return Finding("disk", "ok", say("cli.doctor.disk", mb=free))
    level: Level = "fail" if free < limits().free_mb_fail else "warn"
    return Finding("disk", level, say("cli.doctor.disk", mb=free), say("cli.doctor.mend.disk"))


def key_file(path: Path, needed: bool, open_it: Callable[[], str]) -> Finding:
    """The keyring: ``open_it`` gives its fingerprint or raises one sentence. It need not be there
    before there is a database."""
    if not path.exists() and not needed:
        return Finding("key_file", "warn", say("cli.doctor.no_key_yet"))
    try:
        return Finding("key_file", "ok", say("cli.doctor.key_file", fingerprint=open_it()))
    except Exception as error:  # the adapter's own kinds are unknown here; each says what it is
        return Finding(
            "key_file",
            "fail",
            say("cli.doctor.key_wrong", error=str(error)),
            say("cli.doctor.mend.key_file", path=str(path)),
        )


def schema(found: str, head: str, differences: list[Any]) -> Finding:
    """The database's revision beside the program's, and its tables beside the models."""
    if found != head:
        return Finding(
            "migrations",
            "fail",
            say("cli.doctor.behind", found=found or "-", head=head),
            say("cli.doctor.mend.behind"),
        )
    if differences:
        return Finding(
            "migrations",
            "fail",
            say("cli.doctor.differs", count=len(differences)),
            say("cli.doctor.mend.differs"),
        )
    return Finding("migrations", "ok", say("cli.doctor.migrations", head=head))


async def inside(db: Store, tables: Tables, sealed: bool) -> list[Finding]:
    """What the rows tell: whether the key fits them (``sealed``), and what keeps it in trial mode."""
    async with db.read() as session:
        key = [await _key_fits(session)] if sealed else []
        return [
            *key,
            await _retention(session, tables.clock.now()),
            _trial(await trial.missing(session, tables)),
            *await _robots_failing(session),
        ]


async def _retention(session: AsyncSession, now: datetime) -> Finding:
    """When what has been kept long enough was last erased; a running bot does it every hour."""
    ran = await retention.last(session)
    if ran is None:
        return Finding("retention", "ok", say("cli.doctor.no_retention"))
    days = limits().retention_days
    at = ran.at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    if now - ran.at > timedelta(days=days):
        says = say("cli.doctor.retention_old", days=days, at=at)
        return Finding("retention", "warn", says, say("cli.doctor.mend.retention"))
    return Finding("retention", "ok", say("cli.doctor.retention", at=at, cases=ran.cases))


def robots(settings: Settings, count: Callable[[], int]) -> Finding:
    """The file of group robots: ``count`` reads it, or raises one sentence that holds no secret."""
    path = settings.robots_file
    if path is None:
        return Finding("robots", "ok", say("cli.doctor.no_robots"))
    try:
        number = count()
    except Exception as error:  # the adapter's own kind is unknown here
        says = say("cli.doctor.robots_wrong", error=str(error))
        return Finding("robots", "fail", says, say("cli.doctor.mend.robots"))
    if path.stat().st_mode & 0o077:
        says = say("cli.doctor.robots_open", file=path.name)
        return Finding("robots", "warn", says, say("cli.doctor.mend.robots_open"))
    return Finding("robots", "ok", say("cli.doctor.robots", count=number))


async def _robots_failing(session: AsyncSession) -> list[Finding]:
    """Robots that the last word did not go through."""
    names = await session.scalars(select(Robot.name).where(Robot.failing_since.is_not(None)))
    failing = sorted(set(names))
    if not failing:
        return []
    says = say("cli.doctor.robots_failing", names=failing)
    return [Finding("robots_sent", "warn", says, say("cli.doctor.mend.robots"))]


def old_keys(names: Sequence[str]) -> list[Finding]:
    """Keys that were to be replaced and are still there."""
    if not names:
        return []
    says = say("cli.doctor.keys_old", keys=list(names))
    return [Finding("old_keys", "warn", says, say("cli.doctor.mend.keys_old"))]


def before_rows(settings: Settings) -> Finding:
    """Trial mode as long as there is no database: only what the settings say is known."""
    there = {"operator": settings.operator_name, "basis": settings.cross_border_basis}
    keys = ("operator", "staffed_street", "basis")
    return _trial(tuple(key for key in keys if not there.get(key)))


def _trial(lacking: tuple[str, ...]) -> Finding:
    if not lacking:
        return Finding("trial", "ok", say("cli.doctor.live"))
    reasons = [say(f"trial.missing.{key}") for key in lacking]
    says = say("cli.doctor.trial", lacking=reasons)
    return Finding("trial", "warn", says, say("cli.doctor.mend.trial"))


async def _key_fits(session: AsyncSession) -> Finding:
    """Whether the keyring opens the newest account's name."""
    account = await session.scalar(
        select(Account).where(Account.name_sealed.is_not(None)).order_by(Account.id.desc()).limit(1)
    )
    try:
        opened = account is not None and account.name is not None
    except Exception:  # the cipher's own kind of error: wrong key, or changed bytes
        return Finding(
            "key_fits", "fail", say("cli.doctor.key_misfits"), say("cli.doctor.mend.key_misfits")
        )
    return Finding(
        "key_fits", "ok", say("cli.doctor.key_fits" if opened else "cli.doctor.key_untried")
    )


def basis(settings: Settings) -> Finding:
    """Ground for personal data leaving the country (PIPL art. 36-38)."""
    if settings.cross_border_basis:
        return Finding("basis", "ok", say("cli.doctor.basis", basis=settings.cross_border_basis))
    return Finding("basis", "warn", say("cli.doctor.no_basis"), say("cli.doctor.mend.basis"))


async def telegram(settings: Settings, who: Callable[[], Awaitable[str]]) -> Finding:
    """Token and way to Telegram: ``who`` is getMe; raises PermissionError on a refused token,
    OSError when nothing was reached."""
    if not settings.bot_token.get_secret_value():
        return Finding("telegram", "warn", say("cli.doctor.no_token"), say("cli.doctor.mend.token"))
    try:
        return Finding("telegram", "ok", say("cli.doctor.telegram", name=await who()))
    except PermissionError:
        says, mend = say("cli.doctor.token_refused"), say("cli.doctor.mend.token")
    except OSError as error:
        says = say("cli.doctor.unreachable", server=settings.api_base_url, error=str(error))
        mend = say("cli.doctor.mend.unreachable")
    return Finding("telegram", "fail", says, mend)


def today(moment: datetime) -> date:
    """The date in Shanghai of an aware time."""
    return moment.astimezone(SHANGHAI).date()
