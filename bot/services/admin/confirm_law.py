"""Confirm the law (核对法条): an admin who has opened the source says that a row stands as written.

What rests on one copy shows 待核对 until then. Every confirmation, and every one taken back, is a new
version that holds all of them: of which row, by whom, when.
"""

from __future__ import annotations

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.law import book
from bot.law.book import Row
from bot.ports import Press
from bot.services.admin.live_law import KIND, active, confirmed
from bot.services.network.bind_desk import number
from bot.services.privacy import audit
from bot.services.sending import Answer, button
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.party import Account
from models.privacy import Act
from models.revision import Revision

VERB = "ml"
PER_PAGE = 8


async def listing(session: AsyncSession, answer: Answer, page: int = 0) -> None:
    """What is still to be confirmed, then what has been."""
    kept = confirmed(await active(session))
    rows = sorted(book.rows_to_confirm(), key=lambda row: row.name in kept)
    page = min(max(page, 0), max(len(rows) - 1, 0) // PER_PAGE)
    shown = rows[page * PER_PAGE : (page + 1) * PER_PAGE]
    turns = [
        button(key, VERB, question="list", value=str(to))
        for key, to in (("choose.page_back", page - 1), ("choose.page_on", page + 1))
        if 0 <= to * PER_PAGE < len(rows)
    ]
    await answer(
        say("confirm.head", count=sum(row.name not in kept for row in rows), done=len(kept)),
        buttons=[
            *[
                [
                    button(
                        say(
                            "confirm.row_done" if row.name in kept else "confirm.row",
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
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button: ``list`` a page, open a ``row``, confirm it (``yes``) or take that back
    (``no``)."""
    row = next((row for row in book.rows_to_confirm() if row.name == press.value), None)
    if press.question not in {"row", "yes", "no"} or row is None:
        await listing(session, answer, number(press.value))
        return None
    kept = confirmed(await active(session))
    if press.question == "row":
        await _show(row, kept.get(row.name), answer)
        return None
    if press.question == "yes":
        today = tables.clock.now().astimezone(SHANGHAI).date()
        kept[row.name] = {"by": account.name or "", "on": today.isoformat()}
    else:
        kept.pop(row.name, None)
    await _save(session, tables, account, kept, row, press.question)
    await listing(session, answer)
    return say("confirm.done" if press.question == "yes" else "confirm.undone")


async def _show(row: Row, done: dict[str, str] | None, answer: Answer) -> None:
    await answer(
        say("confirm.card", title=_title(row), says=row.says, source=row.source),
        say("confirm.by", who=done["by"], on=done["on"])
        if done
        else say("confirm.ask", checked=row.checked_on.isoformat()),
        buttons=[
            [
                button("confirm.button.no", VERB, question="no", value=row.name)
                if done
                else button("confirm.button.yes", VERB, question="yes", value=row.name)
            ],
            [button("confirm.button.list", VERB, question="list", value="0")],
        ],
    )


def _title(row: Row) -> str | Say:
    kind, _, code = row.name.partition(".")
    return say(f"object.{code}") if kind == "doors" and row.title == code else row.title


async def _save(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    kept: dict[str, dict[str, str]],
    row: Row,
    what: str,
) -> None:
    last = await session.scalar(select(func.max(Revision.version)).where(Revision.kind == KIND))
    await session.execute(
        update(Revision).where(Revision.kind == KIND, Revision.active).values(active=False)
    )
    now = tables.clock.now()
    version = (last or 0) + 1
    session.add(
        Revision(
            kind=KIND,
            version=version,
            body={"confirmed": kept},
            author=str(account.id),
            reason=f"{what} {row.name}",
            created_at=now,
            active=True,
        )
    )
    await audit.record(
        session, now, Act.LAW, account, f"law:{row.name}", what=what, version=version
    )
