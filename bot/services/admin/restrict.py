"""Ban and mute (封禁、静音): an account's use is cut back for a time, it is told why, and it may appeal once.

Whatever holds, the emergency card, words of danger, the hotlines, how her cases stand and her own data stay open
(反电信网络诈骗法 art. 20; PIPL art. 44-47).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from importlib.resources import files
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview.asides import control
from bot.ports import Button, Incoming
from bot.services import accounts
from bot.services.consumer import help_first
from bot.services.privacy import audit, my_data
from bot.services.sending import Answer, button, minute_words, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.party import Account, Restriction, RestrictionKind
from models.privacy import Act

VERB = "ub"
"""Her button: to appeal."""

OPEN = frozenset({"emergency", "hotlines", "status"})
"""Commands, and values of ``go``, that stay open to whoever is banned."""

OPEN_COMMANDS = OPEN | {my_data.COMMAND, "unsubscribe", "settings"}
OPEN_VERBS = frozenset({VERB, my_data.VERB, "u", "uz", "tp"})

SAYS = frozenset({"tm", "ta", "use", "sm", "sa", "sf"})
"""Buttons by which words go to the other side of a case; shut to whoever is muted."""

SAYING = SAYS | {"talk", "add", "call_back"}
"""What a typed line is awaited for, the same."""


@dataclass(frozen=True, slots=True)
class Rules:
    """``restrict.toml``: codes of reasons, lengths in days."""

    reasons: list[str]
    days: list[int]
    appeal_characters: int
    source: str
    checked_on: date


@cache
def rules() -> Rules:
    """The packaged rules. Raises TypeError when a value is missing or unknown."""
    return Rules(**tomllib.loads(files(__package__).joinpath("restrict.toml").read_text("utf-8")))


async def stands_in_way(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """Whether a restriction keeps this from being heard; then she has been told what still works."""
    if account.restricted_until is None or account.restricted_until <= tables.clock.now():
        return False
    row = await in_force(session, tables, account)
    if row is None:
        return False
    waiting = str((account.awaiting or {}).get("verb", ""))
    if heard.press is not None and heard.press.verb == VERB:
        await _ask(row, account, answer)
        return True
    if heard.private and waiting == VERB and heard.text and not heard.command:
        await _appeal(session, tables, row, account, answer, heard.text)
        return True
    if _is_open(heard, waiting) or (row.kind is RestrictionKind.MUTE and not _says(heard, waiting)):
        return False
    account.awaiting = None
    if not heard.private:
        return True
    decision = tables.classifier.classify(heard.text) if heard.text else None
    if decision is not None:
        await help_first.money(tables, account, answer, decision)
        if decision.danger:
            await help_first.danger(
                session, tables, account, None, answer, decision.danger, [], call=False
            )
            return True
    if heard.press is None:
        await answer(*told(row), buttons=_doors(row))
    return True


async def in_force(session: AsyncSession, tables: Tables, account: Account) -> Restriction | None:
    """What holds for the account now; a ban before a mute."""
    now = tables.clock.now()
    found: Restriction | None = await session.scalar(
        select(Restriction)
        .where(
            Restriction.account_id == account.id,
            Restriction.lifted_at.is_(None),
            Restriction.until > now,
        )
        .order_by(Restriction.kind, Restriction.until.desc())
        .limit(1)
    )
    return found


async def impose(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    kind: RestrictionKind,
    reason: str,
    days: int,
    by: Account,
) -> Restriction:
    """Restrict the account from now, in place of what held before, and tell her."""
    now = tables.clock.now()
    before = await in_force(session, tables, account)
    if before is not None:
        before.lifted_at = now
    row = Restriction(
        account_id=account.id,
        kind=kind,
        reason=reason,
        since=now,
        until=ends(now, days),
        by_id=by.id,
    )
    session.add(row)
    account.restricted_until, account.awaiting = row.until, None
    await audit.record(
        session, now, Act.RESTRICT, by, account, kind=kind.value, reason=reason, days=days
    )
    await session.flush()
    await tell(session, tables, account.address, *told(row), buttons=_doors(row))
    return row


async def lift(
    session: AsyncSession, tables: Tables, row: Restriction, by: Account, how: str = "lifted"
) -> None:
    """End a restriction before its time, and tell her."""
    now = tables.clock.now()
    row.lifted_at = now
    account = await session.get_one(Account, row.account_id)
    account.restricted_until = None
    await audit.record(session, now, Act.RESTRICT, by, account, kind=row.kind.value, how=how)
    await tell(
        session,
        tables,
        account.address,
        say("restrict.lifted"),
        buttons=[[button("button.menu", "go", value="menu")]],
    )


async def answer_appeal(
    session: AsyncSession, tables: Tables, row: Restriction, by: Account, granted: bool
) -> Say | None:
    """The word of an admin on an appeal: of another than who imposed it, while there is another."""
    if row.lifted_at is not None or row.answered_at is not None or row.appealed_at is None:
        return say("restrict.toast.decided")
    if by.id not in {judge.id for judge in await _judges(session, row)}:
        return say("restrict.toast.own")
    now = tables.clock.now()
    row.answered_at = now
    account = await session.get_one(Account, row.account_id)
    await audit.record(
        session, now, Act.APPEAL, by, account, how="granted" if granted else "denied"
    )
    if granted:
        await lift(session, tables, row, by, "appeal")
    else:
        until = minute_words(row.until)
        await tell(session, tables, account.address, say("restrict.denied", until=until))
    return None


def ends(since: datetime, days: int) -> datetime:
    """When a restriction of so many days ends."""
    return since + timedelta(days=days)


def told(row: Restriction) -> tuple[Say, ...]:
    """What she reads of it, as she is told and as an admin sees it before."""
    return (
        say(
            f"restrict.told.{row.kind.value}",
            until=minute_words(row.until),
            reason=say(f"restrict.reason.{row.reason}"),
        ),
        say("restrict.appealed") if row.appealed_at is not None else say("restrict.may_appeal"),
    )


def _doors(row: Restriction) -> list[list[Button]]:
    rows = [
        [button("button.emergency", "go", value="emergency")],
        [button("button.hotlines", "go", value="hotlines")],
        [button("button.status", "go", value="status")],
        [button("mydata.button.home", my_data.VERB, question="home")],
    ]
    if row.appealed_at is None:
        rows.append([button("restrict.button.appeal", VERB)])
    return rows


def _is_open(heard: Incoming, waiting: str) -> bool:
    """What everybody may do, restricted or not."""
    if heard.press is not None:
        press = heard.press
        return press.verb in OPEN_VERBS or (press.verb == "go" and press.value in OPEN)
    if heard.command:
        return heard.command in OPEN_COMMANDS
    return waiting == my_data.VERB or control(heard.text) == my_data.WORD


def _says(heard: Incoming, waiting: str) -> bool:
    """Whether words would go to the other side of a case."""
    if heard.press is not None:
        press = heard.press
        shut = press.verb in SAYS and press.question != "off"
        return shut or (press.verb == "go" and press.value == "human")
    return not heard.command and waiting in SAYING


async def _ask(row: Restriction, account: Account, answer: Answer) -> None:
    if row.appealed_at is not None:
        await answer(*told(row), buttons=_doors(row))
        return
    account.awaiting = {"verb": VERB}
    await answer(say("restrict.ask", most=rules().appeal_characters))


async def _appeal(
    session: AsyncSession,
    tables: Tables,
    row: Restriction,
    account: Account,
    answer: Answer,
    text: str,
) -> None:
    most = rules().appeal_characters
    if len(text) > most:
        await answer(say("restrict.too_long", count=len(text), most=most))
        return
    now = tables.clock.now()
    account.awaiting = None
    row.appeal, row.appealed_at = text, now
    await audit.record(session, now, Act.APPEAL, account, account, how="asked")
    await answer(say("restrict.sent"), buttons=_doors(row))
    for judge in await _judges(session, row):
        await tell(
            session,
            tables,
            judge.address,
            say(
                "restrict.appeal",
                kind=say(f"restrict.kind.{row.kind.value}"),
                reason=say(f"restrict.reason.{row.reason}"),
                until=minute_words(row.until),
                text=text,
            ),
            buttons=[
                [button("restrict.button.grant", "mp", question="grant", value=row.id.hex)],
                [button("restrict.button.deny", "mp", question="deny", value=row.id.hex)],
            ],
        )


async def _judges(session: AsyncSession, row: Restriction) -> list[Account]:
    everyone = [a for a in await accounts.admins(session) if a.id != row.account_id]
    others = [admin for admin in everyone if admin.id != row.by_id]
    return others or everyone


async def by_id(session: AsyncSession, key: UUID) -> Restriction | None:
    """A restriction that a button means, locked."""
    found: Restriction | None = await session.scalar(
        select(Restriction).where(Restriction.id == key).with_for_update()
    )
    return found
