"""Check the law (核对法条、电话和收件范围): an admin who has opened the source says that a row stands as written.

What rests on one copy shows 待核对 until then; what was checked long ago is overdue, and the admins are told of it
once a week. Every check, and every one taken back, is a new version that holds all of them: of which row, by whom, when.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from bot.law import book
from bot.law.book import Row
from bot.ports import Button, Press
from bot.services import accounts
from bot.services.admin import change_limits, check_up, live_policy, looked_through, revisions
from bot.services.admin.live_law import KIND, confirmed
from bot.services.network.bind_desk import number
from bot.services.privacy import audit
from bot.services.queue.timers import arm
from bot.services.sending import Answer, button, tell
from bot.services.staff import edit_templates, templates
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.delivery import Timer, TimerState
from models.party import Account
from models.privacy import Act

VERB = "ml"
PER_PAGE = 8
LISTS = ("list", "old", "all")
"""To be confirmed and what has been; overdue; everything."""

TIMER = "checks_due"
TABLES_OF_LAW = uuid.UUID(int=2)
"""What the weekly timer is about."""

Kept = Mapping[str, Mapping[str, str]]


async def listing(
    session: AsyncSession, tables: Tables, answer: Answer, which: str = "list", page: int = 0
) -> None:
    """A list of rows: what is still to be confirmed first, or what is overdue, or all."""
    kept = confirmed(await revisions.active(session, KIND))
    unsure = book.rows_to_confirm()
    old = overdue(tables, kept)
    rows = {"list": _open_first(unsure, kept), "old": old, "all": book.rows()}[which]
    page = min(max(page, 0), max(len(rows) - 1, 0) // PER_PAGE)
    shown = rows[page * PER_PAGE : (page + 1) * PER_PAGE]
    turns = [
        button(key, VERB, question=which, value=str(to))
        for key, to in (("choose.page_back", page - 1), ("choose.page_on", page + 1))
        if 0 <= to * PER_PAGE < len(rows)
    ]
    left = sum(row.name not in kept for row in unsure)
    counts = {"list": left, "old": len(old), "all": len(book.rows())}
    await answer(
        say("confirm.head", count=left, done=len(kept)),
        say("confirm.head_old", count=len(old), days=check_up.limits().law_checked_days)
        if which == "old"
        else None,
        buttons=[
            *[
                [
                    button(
                        say(
                            "confirm.row_done"
                            if row.name in kept or row.status == "verified"
                            else "confirm.row",
                            title=_title(row),
                        ),
                        VERB,
                        question="row",
                        value=row.name,
                    )
                ]
                for row in shown
            ],
            turns,
            [
                button(
                    say(f"confirm.button.to_{other}", count=counts[other]),
                    VERB,
                    question=other,
                    value="0",
                )
                for other in LISTS
                if other != which
            ],
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


def overdue(tables: Tables, kept: Kept) -> list[Row]:
    """The rows that nobody has checked for too long, the longest first."""
    since = accounts.today(tables) - timedelta(days=check_up.limits().law_checked_days)
    return sorted(
        (row for row in book.rows() if _checked_on(row, kept) < since),
        key=lambda row: _checked_on(row, kept),
    )


async def _tables_overdue(
    session: AsyncSession, tables: Tables, since: date
) -> list[tuple[Button, date]]:
    """The way to each table of our own that nobody has looked through since, and when somebody last did."""
    ways = (
        (
            live_policy.KIND,
            tables.limits.packaged.checked_on,
            "limits.button.home",
            change_limits.VERB,
        ),
        (templates.KIND, templates.source()[1], "admin.button.templates", edit_templates.VERB),
    )
    looks = [
        (button(label, verb), looked_through.last(await revisions.active(session, kind), packaged))
        for kind, packaged, label, verb in ways
    ]
    return [(way, look.on) for way, look in looks if look.on < since]


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button: a page of a list, open a ``row``, confirm it (``yes``) or take that back
    (``no``)."""
    row = next((row for row in book.rows() if row.name == press.value), None)
    if press.question not in {"row", "yes", "no"} or row is None:
        which = press.question if press.question in LISTS else "list"
        await listing(session, tables, answer, which, number(press.value))
        return None
    kept = confirmed(await revisions.active(session, KIND))
    if press.question == "row":
        await _show(row, kept.get(row.name), answer)
        return None
    if press.question == "yes":
        kept[row.name] = {"by": account.name or "", "on": accounts.today(tables).isoformat()}
    else:
        kept.pop(row.name, None)
    await _save(session, tables, account, kept, row, press.question)
    await listing(session, tables, answer)
    return say("confirm.done" if press.question == "yes" else "confirm.undone")


async def plan(session: AsyncSession, tables: Tables) -> None:
    """Let the weekly look fall due on Monday."""
    await arm(session, TABLES_OF_LAW, TIMER, _monday(tables))


async def report(session: AsyncSession, tables: Tables, _timer: Timer) -> datetime | TimerState:
    """A timer: tell every admin what is overdue of the law, the limits and the texts that staff send, nothing when
    nothing is or in the demonstration; then wait for the next week."""
    days = check_up.limits().law_checked_days
    old = overdue(tables, confirmed(await revisions.active(session, KIND)))
    tabled = await _tables_overdue(session, tables, accounts.today(tables) - timedelta(days=days))
    if (old or tabled) and not tables.demo:
        titles = [say("confirm.weekly_line", title=_title(row)) for row in old[:3]]
        law = [button("confirm.button.see_old", VERB, question="old", value="0")]
        for admin in await accounts.admins(session):
            await tell(
                session,
                tables,
                admin.address,
                say("confirm.weekly", days=days),
                say("confirm.weekly_law", count=len(old), titles=titles) if old else None,
                *(
                    say("confirm.weekly_table", table=way.label, on=on.isoformat())
                    for way, on in tabled
                ),
                buttons=[
                    *([law] if old else []),
                    *([way] for way, _ in tabled),
                ],
                key=f"{TIMER}:{accounts.today(tables)}:{admin.id}",
            )
    return _monday(tables)


def _monday(tables: Tables) -> datetime:
    """The next Monday at the hour of the audit's anchor, so that all that is told of a morning comes together."""
    local = tables.clock.now().astimezone(SHANGHAI)
    hour = tables.policy.anchor_at
    due = local.replace(hour=hour.hour, minute=hour.minute, second=0, microsecond=0)
    due += timedelta(days=-due.weekday() % 7)
    return due if due > local else due + timedelta(days=7)


async def _show(row: Row, done: Mapping[str, str] | None, answer: Answer) -> None:
    await answer(
        say("confirm.card", title=_title(row), says=row.says, source=row.source),
        say("confirm.effective", on=row.effective.isoformat()) if row.effective else None,
        say("confirm.by", who=done["by"], on=done["on"])
        if done
        else say(
            "confirm.ask" if row.status == "to_confirm" else "confirm.ask_again",
            checked=row.checked_on.isoformat(),
        ),
        buttons=[
            [
                button("confirm.button.no", VERB, question="no", value=row.name)
                if done
                else button("confirm.button.yes", VERB, question="yes", value=row.name)
            ],
            [button("confirm.button.list", VERB, question="list", value="0")],
        ],
    )


def _open_first(rows: Sequence[Row], kept: Kept) -> list[Row]:
    return sorted(rows, key=lambda row: row.name in kept)


def _checked_on(row: Row, kept: Kept) -> date:
    done = kept.get(row.name)
    return date.fromisoformat(done["on"]) if done else row.checked_on


def _title(row: Row) -> str | Say:
    kind, _, code = row.name.partition(".")
    if row.title != code or kind not in {"doors", "fraud"}:
        return row.title
    return say(f"object.{code}") if kind == "doors" else say(f"fraud.{code}")


async def _save(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    kept: dict[str, dict[str, str]],
    row: Row,
    what: str,
) -> None:
    now = tables.clock.now()
    saved = await revisions.keep(
        session, now, KIND, {"confirmed": kept}, account, f"{what} {row.name}"
    )
    await audit.record(
        session, now, Act.LAW, account, f"law:{row.name}", what=what, version=saved.version
    )
