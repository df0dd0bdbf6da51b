"""Trial mode (试运行): until an operator answers for it, the bot keeps nothing and says so."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import accounts
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.delivery import Meta
from models.network import Organisation, Street
from models.party import Account

OPERATOR = "operator"
"""The Meta row that holds the operator's name, once set in chat."""

DOORS = ("110", "12315", "12345")


async def missing(session: AsyncSession, tables: Tables) -> tuple[str, ...]:
    """What still stands between the trial and the real thing; empty means live.

    ``operator`` (运营单位): nobody is named as answering for the data (PIPL art. 17);
    ``staffed_street``: no street's or town's staff can take a case;
    ``basis``: no ground for sending personal data abroad is named (PIPL art. 38).
    A demonstration is always live: nothing leaves the machine.
    """
    if tables.demo:
        return ()
    there = {
        "operator": bool(await operator(session, tables)),
        "staffed_street": bool(await staffed_streets(session, tables)),
        "basis": bool(tables.basis),
    }
    return tuple(key for key, is_there in there.items() if not is_there)


async def operator(session: AsyncSession, tables: Tables) -> str:
    """The operator's name from the settings, else as set in chat, else ''."""
    if tables.operator:
        return tables.operator
    row = await session.get(Meta, OPERATOR)
    return str(row.value) if row is not None else ""


async def name_operator(session: AsyncSession, name: str) -> None:
    """Keep the operator's name; a name in the settings still goes before it."""
    row = await session.get(Meta, OPERATOR)
    if row is None:
        session.add(Meta(key=OPERATOR, value=name))
    else:
        row.value = name


async def staffed_streets(session: AsyncSession, tables: Tables) -> int:
    """How many streets and towns have a work group and staff who are there."""
    codes = await accounts.staffed(session, accounts.today(tables))
    found = await session.scalar(
        select(func.count())
        .select_from(Street)
        .where(Organisation.code.in_(codes), Organisation.confirmed_at.is_not(None))
    )
    return found or 0


async def card(tables: Tables, account: Account, answer: Answer) -> None:
    """What a consumer is told instead of an interview: not official, not registered, where to turn.

    Nothing of hers is kept, her name included.
    """
    account.name = None
    lines = [tables.law.hotline(code) for code in DOORS]
    await answer(
        say("trial.card"),
        say(
            "trial.doors",
            lines=[say("trial.door", number=h.number, name=h.name, takes=h.takes) for h in lines],
        ),
        buttons=[
            [button("button.emergency", "go", value="emergency")],
            [button("button.hotlines", "go", value="hotlines")],
        ],
    )
