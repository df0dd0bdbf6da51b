"""Who is complained about (谁被投诉多), for officers of the market authority only: likely names joined, counts by person.

Names are sealed in their cases; they are opened here, for the officer's own area, of so many days and no more cases than the
rule says. Each look is a line of the audit chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.joined_names import Joined, join, packaged
from bot.figures import hot, rules
from bot.figures.hot import Filed
from bot.interview.asides import control
from bot.ports import Incoming, Press
from bot.services.privacy import audit
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.services.warning import area
from bot.services.warning.area import Area
from bot.services.warning.counting import NOT_COUNTED
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind
from models.party import Account
from models.privacy import Act
from models.warning import MerchantAlias

VERB = "wn"
NAME_LENGTH = 60
EQUALS = "=＝"


class Named(NamedTuple):
    """A complaint with the name that it gives: who filed it, what about."""

    name: str
    filed: Filed


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """The list; ``add`` another name of a firm. Who may is looked up here."""
    mine = await area.of(session, tables, account)
    if mine is None or not mine.officer:
        return say("toast.not_staff")
    account.awaiting = None
    if press.question == "add":
        account.awaiting = {"verb": VERB}
        await answer(say("names.ask"), buttons=[[button("names.button.list", VERB)]])
    else:
        await _show(session, tables, account, mine, answer)
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """Another name of a firm, as ``other = name``; or what is wrong with it."""
    mine = await area.of(session, tables, account)
    if mine is None or not mine.officer or control(heard.text) == "cancel":
        account.awaiting = None
        await answer(say("names.left"), buttons=[[button("warning.button.home", "w")]])
        return
    line = heard.text.translate(dict.fromkeys(map(ord, EQUALS), "="))
    other, _, name = (part.strip() for part in line.partition("="))
    if heard.files or not other or not name or max(len(other), len(name)) > NAME_LENGTH:
        await answer(say("names.wrong"), buttons=[[button("names.button.list", VERB)]])
        return
    account.awaiting = None
    row = MerchantAlias(by_id=account.id, made_at=tables.clock.now())
    row.also, row.name = other, name
    session.add(row)
    await session.flush()
    await audit.record(
        session, tables.clock.now(), Act.NAMES, account, f"alias:{row.id}", what="alias"
    )
    await answer(
        say("names.added", other=other, name=name),
        buttons=[[button("names.button.list", VERB)], [button("warning.button.home", "w")]],
    )


async def _show(
    session: AsyncSession, tables: Tables, account: Account, mine: Area, answer: Answer
) -> None:
    rule = rules.load().names
    named = await _named(session, tables, mine)
    joined = join(
        [each.name for each in named],
        {**packaged(), **await _added(session)},
        alike=rule.alike,
        least_alike=rule.least_alike,
        least_branch=rule.least_branch,
    )
    lines = [_line(at, one, named) for at, one in enumerate(joined[: rule.shown], 1)]
    await audit.record(
        session,
        tables.clock.now(),
        Act.NAMES,
        account,
        what="list",
        days=rule.days,
        cases=len(named),
    )
    await answer(
        say("names.head", days=rule.days, cases=len(named)),
        say("names.lines", lines=lines) if lines else say("names.none"),
        say("names.most", most=rule.rows) if len(named) >= rule.rows else None,
        say("names.careful"),
        buttons=[
            [button("names.button.add", VERB, question="add")],
            [button("warning.button.home", "w")],
        ],
    )


def _line(at: int, one: Joined, named: list[Named]) -> Say:
    cases = [named[key].filed for key in one.keys]
    others = [spelling for spelling, _ in one.spellings[1:]]
    said = {
        "at": at,
        "name": one.name,
        "cases": len(cases),
        "people": hot.people(cases),
        "objects": [say(f"object.{code}") for code in sorted({case.object for case in cases})],
    }
    return say("names.line_also", others=others, **said) if others else say("names.line", **said)


async def _named(session: AsyncSession, tables: Tables, mine: Area) -> list[Named]:
    """The newest complaints of the area that name a merchant, no more than the rule says."""
    rule = rules.load().names
    query = (
        select(
            Case.id,
            Case.merchant_sealed,
            Case.object,
            Case.street_code,
            Case.account_id,
            Case.phone_blind,
        )
        .where(
            Case.filed_at >= tables.clock.now() - timedelta(days=rule.days),
            Case.kind == CaseKind.COMPLAINT,
            Case.status.not_in(NOT_COUNTED),
            Case.merchant_sealed.is_not(None),
        )
        .order_by(Case.filed_at.desc())
        .limit(rule.rows)
    )
    if mine.streets is not None:
        query = query.where(Case.street_code.in_(mine.streets))
    found = []
    for key, sealed, kind, street, by, phone in await session.execute(query):
        name = (Case.merchant.open(key, sealed, Case.__tablename__) or "").strip()
        if name:
            found.append(Named(name, Filed(kind, street, by, phone)))
    return found


async def _added(session: AsyncSession) -> Mapping[str, str]:
    rows = await session.scalars(select(MerchantAlias).order_by(MerchantAlias.made_at))
    return {row.also or "": row.name or "" for row in rows}
