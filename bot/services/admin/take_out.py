"""Tables by menu (导出): cases, points and staff as files in the admin's own chat, each recorded.

An errand, since it writes files. They lie sealed in the vault for a day. Names and phones are masked and nobody's
words are in them; to take everything out at once wants a second person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Media, Press, Vault
from bot.services.admin import export_cases, second_step
from bot.services.network import export_points, invite_many
from bot.services.network.import_points import COLUMNS
from bot.services.privacy import audit, drop_file, search_audit
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.queue.drain import Store
from bot.services.sending import Answer, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.base import uuid7
from models.delivery import Outbox
from models.party import Account, StepKind
from models.privacy import Act

VERB = "me"
ERRAND = "take_out"
WHATS = ("cases_month", "cases_year", "points", "staff")
"""What may be asked for at once; ``all`` is all of them, cases without a limit of time."""

Cell = str | int | float | None
Write = Callable[[Sequence[str], Iterable[Sequence[Cell]]], Awaitable[bytes]]
"""Makes a workbook of headings and rows."""

Table = tuple[str, Sequence[str], Iterable[Sequence[Cell]]]
"""The file's name without its ending, its headings, its rows."""


async def home(answer: Answer) -> None:
    """What can be taken out."""
    await answer(
        say("take_out.home"),
        buttons=[
            *[[button(f"take_out.what.{what}", VERB, value=what)] for what in WHATS],
            [button("take_out.what.all", VERB, value="all")],
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """One of the tables, or all of them by a second step."""
    if press.value == "all":
        words = say("step.what.export_all")
        await second_step.ask(session, tables, StepKind.EXPORT_ALL, account, None, words, answer)
        return None
    if press.value not in WHATS:
        await home(answer)
        return None
    return await order(session, tables, press.value, account)


async def order(
    session: AsyncSession,
    tables: Tables,
    what: str,
    account: Account,
    second: Account | None = None,
    wanted: Mapping[str, str] | None = None,
) -> Say:
    """Owe the files to the account, once a minute. ``wanted`` narrows the audit's lines."""
    now = tables.clock.now()
    key = f"{ERRAND}:{account.id}:{what}:{now:%Y%m%d%H%M}"
    if await session.scalar(select(Outbox.id).where(Outbox.dedupe_key == key)) is not None:
        return say("take_out.already")
    await owe_errand(
        session,
        ERRAND,
        {
            "account": str(account.id),
            "what": what,
            "key": str(uuid7()),
            "wanted": dict(wanted or {}),
        },
        now=now,
        key=key,
    )
    by = audit.who(second) if second is not None else ""
    await audit.record(session, now, Act.EXPORT, account, f"table:{what}", second=by)
    return say("take_out.coming")


def exporter(db: Store, tables: Tables, vault: Vault, write: Write) -> Errand:
    """The errand ``take_out``; run twice it makes the same files under the same keys."""

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        async with db.read() as session:
            account = await session.get(Account, UUID(payload["account"]))
            if account is None or not account.is_admin:
                return None
            made = await _tables(session, tables, payload["what"], payload["wanted"])
        files: list[Media] = []
        for number, (name, headings, rows) in enumerate(made):
            key = str(uuid5(UUID(payload["key"]), str(number)))
            await vault.put(key, await write(headings, rows))
            day = tables.clock.now().astimezone(SHANGHAI)
            files.append(Media("document", "", key, f"{name}-{day:%Y%m%d}.xlsx"))

        async def finish(session: AsyncSession) -> None:
            receiver = await session.get(Account, account.id)
            for one in files:
                await drop_file.keep_a_day(session, tables, UUID(one.vault_key))
            if receiver is None or not receiver.is_admin:
                return
            await tell(
                session,
                tables,
                receiver.address,
                say("take_out.here", count=len(files)),
                media=files,
                buttons=[[button("admin.button.menu", "m", value="menu")]],
                key=f"{ERRAND}:{payload['key']}",
            )

        return finish

    return work


async def _tables(
    session: AsyncSession, tables: Tables, what: str, wanted: Mapping[str, str]
) -> list[Table]:
    now = tables.clock.now()
    match what:
        case "cases_month":
            return [await _cases(session, tables, now - timedelta(days=30))]
        case "cases_year":
            begins = now.astimezone(SHANGHAI).replace(month=1, day=1, hour=0, minute=0, second=0)
            return [await _cases(session, tables, begins)]
        case "points":
            return [_points(tables)]
        case "staff":
            return [await _staff(session, tables)]
        case "audit":
            headings = _heads(tables, "search.headings")
            lines = await search_audit.rows(session, tables, search_audit.Wanted(**wanted))
            return [(tables.texts.raw("take_out.file.audit"), headings, lines)]
    everything = await _cases(session, tables, None)
    return [everything, _points(tables), await _staff(session, tables)]


async def _cases(session: AsyncSession, tables: Tables, since: datetime | None) -> Table:
    rows = await export_cases.table(session, tables, since=since)
    return tables.texts.raw("take_out.file.cases"), _heads(tables, "cli.case.headings"), rows


def _points(tables: Tables) -> Table:
    return tables.texts.raw("take_out.file.points"), COLUMNS, export_points.rows(tables.register)


async def _staff(session: AsyncSession, tables: Tables) -> Table:
    found = await invite_many.listed(session, tables, reveal=False)
    rows = [
        (
            one["point"],
            one["name"],
            one["street"],
            one["who"],
            tables.texts.plain(say(f"take_out.state.{one['state']}", day=one["until"])),
            one["since"],
        )
        for one in found
    ]
    return tables.texts.raw("take_out.file.staff"), _heads(tables, "cli.staff.columns"), rows


def _heads(tables: Tables, key: str) -> list[str]:
    return tables.texts.raw(key).split("|")
