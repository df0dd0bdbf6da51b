"""预警, for staff of a street and above and for admins: bursts of the last month, names of firms, releases."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming, Press
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.services.warning import alert, area, complained, counting, release, watch_bursts
from bot.texts.catalogue import Say, say
from models.party import Account
from models.warning import Burst

VERB = "w"
DAYS = 30
SHOWN = 10


async def home(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer
) -> Say | None:
    """The bursts of the area, each with the way to an alert; for officers, names and releases."""
    account.awaiting = None
    mine = await area.of(session, tables, account)
    if mine is None:
        return say("toast.not_staff")
    found = await session.scalars(
        select(Burst)
        .where(Burst.found_at >= tables.clock.now() - timedelta(days=DAYS))
        .order_by(Burst.found_at.desc(), Burst.chance)
    )
    rows = [row for row in found if mine.sees(row.street_code)][:SHOWN]
    names = await counting.streets(session)
    await answer(
        say("warning.home"),
        say("warning.bursts", days=DAYS, lines=[watch_bursts.line(row, names) for row in rows])
        if rows
        else say("warning.quiet", days=DAYS),
        buttons=[
            *(watch_bursts.alert_button(row, names) for row in rows if watch_bursts.may_alert(row)),
            *(
                [
                    [button("warning.button.names", complained.VERB)],
                    [button("warning.button.release", release.VERB)],
                ]
                if mine.officer
                else []
            ),
            [button("hot.button.home", "lh")],
            [button("admin.button.menu", "m", value="menu")]
            if account.is_admin
            else [button("staff.button.home", "j")],
        ],
    )
    return None


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """Any button whose verb begins with ``w``."""
    match press.verb:
        case alert.VERB:
            return await alert.pressed(session, tables, account, answer, press)
        case complained.VERB:
            return await complained.pressed(session, tables, account, answer, press)
        case release.VERB:
            return await release.pressed(session, tables, account, answer, press)
    return await home(session, tables, account, answer)


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """A line that an officer was asked for; False leaves it to others."""
    match str((account.awaiting or {}).get("verb", "")):
        case complained.VERB:
            await complained.typed(session, tables, heard, account, answer)
        case release.VERB:
            await release.typed(session, tables, heard, account, answer)
        case _:
            return False
    return True
