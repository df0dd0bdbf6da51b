"""A report as files (导出): a workbook with charts, or pictures; made outside the transaction, and sent to who asked.

The figures are those of the chat: the same counts, broken down every way. The files lie sealed in the vault for a day.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures import periods
from bot.figures.periods import Period
from bot.figures.plots import Page, Picture
from bot.ports import Media, Press, Vault
from bot.services import accounts
from bot.services.books import area, draw_pictures, fill_workbook, words, write_up
from bot.services.mediation import ledger
from bot.services.network.bind_desk import by_serial
from bot.services.privacy import audit, drop_file
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.queue.drain import Store
from bot.services.sending import tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.base import uuid7
from models.network import Organisation
from models.party import Account
from models.privacy import Act

ERRAND = "books"
XLSX, PICTURES, ADVANCES = "xlsx", "pictures", "advances"

Draw = Callable[[Picture], Awaitable[bytes]]
Bind = Callable[[Sequence[Page]], Awaitable[bytes]]


async def order(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    what: str,
    desk: Organisation,
    period: Period,
) -> None:
    """Owe the ``xlsx`` or the ``pictures`` of a desk's figures; whether she may see them, the caller knows."""
    await _order(session, tables, account, what, str(desk.serial), period.code)
    if what == XLSX:
        now = tables.clock.now()
        await audit.record(session, now, Act.EXPORT, account, f"desk:{desk.code}", report=1)


async def order_advances(
    session: AsyncSession, tables: Tables, account: Account, press: Press
) -> Say | None:
    """The ledger of payments in advance as a workbook: the month or the open ones that a button named."""
    if await ledger.seen_by(session, account) is None:
        return say("books.not_staff")
    await _order(session, tables, account, ADVANCES, "", press.value)
    await audit.record(session, tables.clock.now(), Act.EXPORT, account, ADVANCES, report=1)
    return say("report.toast.xlsx")


async def _order(
    session: AsyncSession, tables: Tables, account: Account, what: str, serial: str, when: str
) -> None:
    """A second tap within the same minute makes nothing twice."""
    now = tables.clock.now()
    await owe_errand(
        session,
        ERRAND,
        {
            "account": account.address,
            "what": what,
            "serial": serial,
            "when": when,
            "key": str(uuid7()),
        },
        now=now,
        key=f"{ERRAND}:{account.id}:{what}:{serial}:{when}:{now:%Y%m%d%H%M}",
        ordering=ERRAND,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """What goes into the files, what they are called (without their ending), and what is said with them."""

    made: Sequence[Picture] | Sequence[Page]
    name: str
    told: Say


def maker(db: Store, tables: Tables, draw: Draw, bind: Bind, vault: Vault) -> Errand:
    """The errand ``books``; run twice it makes the same files under the same keys. ``draw`` and ``bind`` raise
    RuntimeError when they cannot."""

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        async with db.write() as session:
            await write_up.catch_up(session, tables)
        async with db.read() as session:
            wanted = await _gather(session, tables, payload)
        if wanted is None:
            return None
        files: list[Media] = []
        problem = ""
        try:
            if payload["what"] == PICTURES:
                contents = [await draw(one) for one in wanted.made if not isinstance(one, Page)]
                kind, ending = "photo", "png"
            else:
                pages = [one for one in wanted.made if isinstance(one, Page)]
                contents, kind, ending = [await bind(pages)], "document", "xlsx"
            for number, content in enumerate(contents):
                key = str(uuid5(UUID(payload["key"]), str(number)))
                await vault.put(key, content)
                files.append(Media(kind, "", key, f"{wanted.name}-{number + 1}.{ending}"))
        except RuntimeError as error:
            problem = str(error)
        return partial(
            _send,
            tables=tables,
            payload=payload,
            told=say("report.failed", why=problem) if problem else wanted.told,
            files=files,
        )

    return work


async def _gather(
    session: AsyncSession, tables: Tables, payload: Mapping[str, Any]
) -> Wanted | None:
    """The figures, if the account may still see them."""
    account = await accounts.by_address(session, str(payload["account"]))
    if account is None:
        return None
    when = str(payload["when"])
    if payload["what"] == ADVANCES:
        pages = await fill_workbook.advances(session, tables, account, when)
        return Wanted(pages, f"{ADVANCES}-{when}", say("ledger.here")) if pages else None
    desk, period = await by_serial(session, str(payload["serial"])), periods.read(when)
    if desk is None or period is None:
        return None
    if not await area.may_see(session, tables, account, desk):
        return None
    named = {"name": desk.name, "period": words.period_words(period)}
    name = f"{desk.code}-{period.code}"
    if payload["what"] == PICTURES:
        pictures = await draw_pictures.pictures(session, tables, desk, period)
        return Wanted(pictures, name, say("report.here_pictures", **named))
    pages = await fill_workbook.pages(session, tables, desk, period)
    return Wanted(pages, name, say("report.here_xlsx", **named))


async def _send(
    session: AsyncSession,
    *,
    tables: Tables,
    payload: Mapping[str, Any],
    told: Say,
    files: Sequence[Media],
) -> None:
    for one in files:
        await drop_file.keep_a_day(session, tables, UUID(one.vault_key))
    key = f"{ERRAND}:{payload['key']}"
    await tell(session, tables, str(payload["account"]), told, media=files, key=key)
