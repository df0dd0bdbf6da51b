"""Erase cases and people (删除): rows, files, what waits to be sent, and the messages that were sent.

Everything that points at a case is found by the tables themselves, so that a new table is erased too. The
rows go in the caller's transaction; files and messages are errands, which a restart goes on with. What was
erased stays as counts and fingerprints in an Erasure; its end is told with what could not be taken back.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Gone
from bot.services.books import write_up
from bot.services.privacy import audit
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.sending import button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.base import Base, cipher
from models.case import Case
from models.delivery import Inbox, InboxState, Outbox, OutboxState, Priority, Timer
from models.lifecycle import Action
from models.outreach import Delivery, SignUp
from models.party import Account
from models.privacy import Act, Consent, Erasure, Rule

ERRAND = "unsend"
CHUNK = 10
"""Messages that one errand takes back."""

SPACE = timedelta(seconds=15)
"""Between two errands of one chat: an edit counts into a chat's pace (Bot API: 20 a minute in a group)."""


BY_HER = frozenset({Rule.ASKED, Rule.WITHDRAWN})


async def erase(
    session: AsyncSession,
    tables: Tables,
    cases: Sequence[Case],
    rule: Rule,
    by: Account | str,
    *,
    person: Account | None = None,
    report_to: str = "",
) -> Erasure:
    """Erase ``cases``, which nobody works on any more; with ``person``, all else that is hers as well.

    ``report_to`` is the chat that hears how far it is, and the end of it.
    """
    now = tables.clock.now()
    ids = [case.id for case in cases]
    done = Erasure(rule=rule, asked_at=now, cases=len(ids), rows=0, files=0, accounts=0)
    done.hashes = [cipher().blind(f"case:{key}").hex() for key in ids]
    done.waiting = done.deleted = done.emptied = done.left = 0
    done.report_to = report_to or None
    session.add(done)
    await session.flush()
    saw = await _saw(session, cases) if rule in BY_HER else {}
    # What was done with them stays counted, without them.
    await write_up.write_up(session, tables, ids)
    await _take_back(session, tables, done, _about(ids, person))
    await session.execute(delete(Timer).where(Timer.about_id.in_(ids)))
    for case in cases:
        session.expunge(case)
    await _remove(session, tables, done, Base.metadata.tables["case_file"], ids)
    if person is not None:
        await _forget(session, tables, done, person)
    await audit.record(
        session,
        now,
        Act.ERASE,
        by,
        f"erasure:{done.id}",
        rule=rule.value,
        cases=done.cases,
        rows=done.rows,
        files=done.files,
        messages=done.waiting,
    )
    for address, numbers in saw.items():
        await tell(session, tables, address, say("erase.told_staff", numbers=numbers))
    await _ended(session, tables, done)
    return done


async def _saw(session: AsyncSession, cases: Sequence[Case]) -> dict[str, list[str]]:
    """Who has read which of these cases, so that copies of their own are erased too (PIPL art. 47)."""
    saw: dict[str, list[str]] = {}
    for case in cases:
        for key in {e.by_id for e in case.events if e.action is Action.VIEW and e.by_id}:
            reader = await session.get_one(Account, key)
            saw.setdefault(reader.address, []).append(case.number or "")
    return saw


def _about(ids: Sequence[uuid.UUID], person: Account | None) -> ColumnElement[bool]:
    about: ColumnElement[bool] = Outbox.case_id.in_(ids)
    if person is not None:
        about = or_(about, Outbox.target == person.address)
    return and_(about, Outbox.kind != ERRAND)


async def _take_back(
    session: AsyncSession, tables: Tables, done: Erasure, about: ColumnElement[bool]
) -> None:
    """What waits is not sent; what was sent is taken back by errands, the newest first."""
    sent: dict[str, dict[str, datetime]] = {}
    rows = await session.scalars(select(Outbox).where(about).order_by(Outbox.id))
    for row in rows.all():
        if row.state is OutboxState.LEASED:
            # On its way just now: nobody knows yet what the channel will call it.
            done.left += row.kind == "message"
            row.payload = None
            continue
        if row.kind == "message":
            for number in row.message_ids or ():
                at = row.sent_at or row.created_at
                sent.setdefault(row.target, {}).setdefault(str(number), at)
        await session.delete(row)
    await session.flush()
    now = tables.clock.now()
    for target, messages in sent.items():
        newest = list(reversed(messages.items()))
        for place, first in enumerate(range(0, len(newest), CHUNK)):
            chunk = [[key, at.isoformat()] for key, at in newest[first : first + CHUNK]]
            await owe_errand(
                session,
                ERRAND,
                {"erasure": str(done.id), "chat": target, "messages": chunk},
                now=now,
                key=f"unsend:{done.id}:{target}:{place}",
                target=target,
                # Tried until it is done or refused for good, like a hand-over.
                priority=Priority.HAND_OVER,
                ordering=f"unsend:{target}",
                run_at=now + place * SPACE,
            )
            done.waiting += len(chunk)


async def _remove(
    session: AsyncSession,
    tables: Tables,
    done: Erasure,
    table: Table,
    keys: Sequence[uuid.UUID],
) -> None:
    """Rows by their ids, and before them whatever cannot be without them; other rows that only point
    at them let go. Files that a row names are dropped."""
    if not keys:
        return
    for other, column, on_delete in pointing_at(table):
        if column.nullable and on_delete != "CASCADE":
            await session.execute(update(other).where(column.in_(keys)).values({column: None}))
        elif "id" not in other.c:
            await session.execute(delete(other).where(column.in_(keys)))
        else:
            found = await session.scalars(select(other.c.id).where(column.in_(keys)))
            await _remove(session, tables, done, other, found.all())
    if "vault_key" in table.c:
        kept = await session.execute(
            select(table.c.id, table.c.vault_key).where(table.c.id.in_(keys))
        )
        for key, vault_key in kept.all():
            shared = vault_key and await session.scalar(
                select(table.c.id)
                .where(table.c.vault_key == vault_key, table.c.id.not_in(keys))
                .limit(1)
            )
            if shared is None or not vault_key:
                # Not fetched yet: it will lie under the row's own id.
                await owe_drop(session, tables, vault_key or str(key))
                done.files += 1
    await session.execute(delete(table).where(table.c.id.in_(keys)))
    done.rows += len(keys)


def pointing_at(table: Table) -> list[tuple[Table, Any, str | None]]:
    """Every (table, column, ON DELETE) with a foreign key to the table's id, itself included."""
    return [
        (other, column, key.ondelete)
        for other in Base.metadata.sorted_tables
        for column in other.c
        for key in column.foreign_keys
        if key.column.table is table
    ]


async def owe_drop(session: AsyncSession, tables: Tables, vault_key: str) -> None:
    """Owe the erasing of a file."""
    now = tables.clock.now()
    await owe_errand(session, "drop", {"key": vault_key}, now=now, key=f"drop:{vault_key}")


async def _forget(session: AsyncSession, tables: Tables, done: Erasure, person: Account) -> None:
    """The account itself; where it has other work here (staff, admin, an open case) only what it does
    not need for that."""
    await session.execute(
        delete(Inbox).where(Inbox.chat_key == person.address, Inbox.state == InboxState.DEAD)
    )
    accounts_ = Base.metadata.tables["account"]
    await session.execute(
        delete(Consent).where(Consent.account_id == person.id, Consent.case_id.is_(None))
    )
    person.awaiting = person.helped = None
    await session.execute(delete(SignUp).where(SignUp.account_id == person.id))
    person.point_code = person.street_code = person.topics = ""
    person.by_cases = False
    person.consented_at, person.consent_version = None, ""
    needed = person.is_admin
    for other, column, _ in pointing_at(accounts_):
        if other is not Base.metadata.tables["event"]:
            found = await session.scalar(
                select(column).select_from(other).where(column == person.id).limit(1)
            )
            needed = needed or found is not None
    if needed:
        await session.flush()
        return
    await session.execute(delete(Delivery).where(Delivery.account_id == person.id))
    await session.flush()
    session.expunge(person)
    await _remove(session, tables, done, accounts_, [person.id])
    done.accounts += 1


def unsender(
    tables: Tables,
    take_back: Callable[[str, Sequence[tuple[str, datetime]], str], Awaitable[Gone]],
) -> Errand:
    """The errand ``unsend``: ``take_back(chat, messages with their times, text in place of old ones)``.
    Run twice, what is gone counts as deleted."""

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        messages = [(number, datetime.fromisoformat(at)) for number, at in payload["messages"]]
        text = tables.texts.plain(say("erase.emptied"))
        gone = await take_back(str(payload["chat"]), messages, text)

        async def finish(session: AsyncSession) -> None:
            await _count(session, tables, payload, gone)

        return finish

    return work


async def gave_up(session: AsyncSession, tables: Tables, row: Outbox) -> None:
    """The chat is closed to the bot: its messages stay, and that is told."""
    payload = row.payload
    if payload is not None:
        await _count(session, tables, payload, Gone(0, 0, len(payload["messages"])))


async def _count(
    session: AsyncSession, tables: Tables, payload: Mapping[str, Any], gone: Gone
) -> None:
    done = await session.get(Erasure, uuid.UUID(payload["erasure"]), with_for_update=True)
    if done is None:
        return
    done.waiting -= len(payload["messages"])
    done.deleted += gone.deleted
    done.emptied += gone.emptied
    done.left += gone.left
    await _ended(session, tables, done)


async def _ended(session: AsyncSession, tables: Tables, done: Erasure) -> None:
    """Say how far it is, in one message that is edited; at the end the proof is closed."""
    counts: dict[str, Any] = {
        "files": done.files,
        "deleted": done.deleted,
        "emptied": done.emptied,
        "left": done.left,
        "waiting": done.waiting,
    }
    report_to = done.report_to
    over = done.waiting <= 0 and done.done_at is None
    if over:
        done.done_at = tables.clock.now()
        await audit.record(
            session,
            done.done_at,
            Act.ERASED,
            audit.BOT,
            f"erasure:{done.id}",
            deleted=done.deleted,
            emptied=done.emptied,
            left=done.left,
        )
        done.report_to = None
    if report_to:
        await tell(
            session,
            tables,
            report_to,
            say("erase.done", **counts) if over else say("erase.going_on", **counts),
            say("erase.left", left=done.left) if over and done.left else None,
            say("erase.own_side") if over else None,
            buttons=[[button("button.menu", "go", value="menu")]] if over else (),
            slot=_slot(done),
        )


def _slot(done: Erasure) -> str:
    return f"erase:{done.id}"


def lines(cases: Iterable[Case]) -> list[Say]:
    """Cases by their numbers, and how they stand."""
    return [
        say("erase.held_line", number=case.number or "", status=say(f"status.{case.status}"))
        for case in cases
    ]


def fingerprints(cases: Iterable[Case]) -> str:
    """Eight digits that change when the cases are others: what was previewed is what is erased."""
    text = ",".join(sorted(f"{case.id}:{case.status}" for case in cases))
    return cipher().blind(text).hex()[:8]
