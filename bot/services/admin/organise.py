"""Offices (市场监管所): set up a new one, name it anew, say which streets it is over; live in every process.

Streets themselves come with the region; a street without an office lies under the bureau.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Press
from bot.services.network.bind_desk import LONGEST, by_serial, number, stop
from bot.services.network.load_register import changed
from bot.services.privacy import audit
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.network import Bureau, Level, Office, Organisation, Street
from models.party import Account
from models.privacy import Act

VERB = "mz"
PER_PAGE = 12
SHORTEST = 3


async def home(session: AsyncSession, account: Account, answer: Answer) -> None:
    """The offices there are, and the way to a new one."""
    account.awaiting = None
    offices = await _offices(session)
    await answer(
        say("organise.home", count=len(offices)) if offices else say("organise.none"),
        buttons=[
            *[
                [button(say("bind.desk_plain", name=one.name), VERB, None, "see", str(one.serial))]
                for one in offices
            ],
            [button("organise.button.new", VERB, question="new")],
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """``new``, ``see`` an office, ``name`` it anew, its ``streets`` by pages, ``turn`` one of them."""
    account.awaiting = None
    if press.question == "new":
        account.awaiting = {"verb": VERB}
        await answer(say("organise.ask_name", most=LONGEST), buttons=[[stop()]])
        return None
    serial, _, street = press.value.partition(".")
    office = await by_serial(session, serial)
    if not isinstance(office, Office):
        await home(session, account, answer)
        return None
    match press.question:
        case "name":
            account.awaiting = {"verb": VERB, "office": office.serial}
            await answer(say("organise.ask_rename", name=office.name), buttons=[[stop()]])
        case "streets":
            await _streets(session, office, answer, number(street), press.version)
        case "turn":
            page = await _turn(session, tables, office, street, account)
            await _streets(session, office, answer, page, press.version)
        case _:
            await _see(session, office, answer)
    return None


async def typed(
    session: AsyncSession, tables: Tables, text: str, account: Account, answer: Answer
) -> None:
    """The name of a new office, or a new name."""
    name = "".join(text.split())
    if not SHORTEST <= len(name) <= LONGEST:
        await answer(say("organise.wrong_name", least=SHORTEST, most=LONGEST), buttons=[[stop()]])
        return
    if await session.scalar(select(Organisation.id).where(Organisation.name == name)) is not None:
        await answer(say("organise.taken", name=name), buttons=[[stop()]])
        return
    waiting = account.awaiting or {}
    account.awaiting = None
    office = await by_serial(session, str(waiting.get("office", "")))
    if isinstance(office, Office):
        office.name, what = name, "renamed"
    else:
        bureau = await session.scalar(select(Bureau.id).limit(1))
        last = await session.scalar(select(func.max(Organisation.serial))) or 0
        office = Office(
            code=f"office-{last + 1}", name=name, parent_id=bureau, serial=last + 1, simulated=False
        )
        session.add(office)
        what = "founded"
    await session.flush()
    await _changed(session, tables, account, office, what)
    await _see(session, office, answer)


async def _see(session: AsyncSession, office: Office, answer: Answer) -> None:
    below = await session.scalars(
        select(Street.name).where(Street.parent_id == office.id).order_by(Street.serial)
    )
    names = below.all()
    serial = str(office.serial)
    await answer(
        say("organise.one", name=office.name, streets=names)
        if names
        else say("organise.no_streets", name=office.name),
        say("organise.no_chat") if office.chat is None else None,
        buttons=[
            [button("organise.button.streets", VERB, question="streets", value=f"{serial}.0")],
            [button("organise.button.name", VERB, question="name", value=serial)],
            [
                button("bind.button.bind", "mb", question="desk", value=serial),
                button("bind.button.invite", "j", question="desk", value=serial),
            ],
            [button("organise.button.home", VERB)],
        ],
    )


async def _streets(
    session: AsyncSession, office: Office, answer: Answer, page: int, opened: int
) -> None:
    """Every street with a mark at those of the office; where another office is over one, it says so."""
    streets = (await session.scalars(select(Street).order_by(Street.serial))).all()
    offices = {one.id: one.name for one in await _offices(session)}
    last = max(0, (len(streets) - 1) // PER_PAGE)
    page = min(max(page, 0), last)

    def one(street: Street) -> Button:
        mine = street.parent_id == office.id
        other = offices.get(street.parent_id, "") if street.parent_id and not mine else ""
        key = "organise.mine" if mine else "organise.others" if other else "organise.free"
        label = say(key, name=street.name, office=other)
        return button(label, VERB, None, "turn", f"{office.serial}.{street.serial}", opened)

    shown = streets[page * PER_PAGE : (page + 1) * PER_PAGE]
    turns = [
        button(key, VERB, None, "streets", f"{office.serial}.{to}", opened)
        for key, to in (("choose.page_back", page - 1), ("choose.page_on", page + 1))
        if 0 <= to <= last
    ]
    await answer(
        say("organise.which", name=office.name),
        buttons=[
            *[[one(street) for street in shown[at : at + 2]] for at in range(0, len(shown), 2)],
            turns,
            [button("organise.button.done", VERB, question="see", value=str(office.serial))],
        ],
        slot=f"{VERB}:{office.serial}",
    )


async def _turn(
    session: AsyncSession, tables: Tables, office: Office, serial: str, account: Account
) -> int:
    """Put a street under the office, or back under the bureau; the page it stands on."""
    street = await by_serial(session, serial)
    if not isinstance(street, Street):
        return 0
    if street.parent_id == office.id:
        street.parent_id = office.parent_id
        what = f"without:{street.code}"
    else:
        street.parent_id = office.id
        what = f"with:{street.code}"
    await session.flush()
    await _changed(session, tables, account, office, what)
    before = select(func.count()).select_from(Street).where(Street.serial < street.serial)
    return (await session.scalar(before) or 0) // PER_PAGE


async def _changed(
    session: AsyncSession, tables: Tables, account: Account, office: Office, what: str
) -> None:
    await changed(session)
    now = tables.clock.now()
    await audit.record(session, now, Act.NETWORK, account, f"desk:{office.code}", what=what)


async def _offices(session: AsyncSession) -> Sequence[Organisation]:
    wanted = select(Organisation).where(Organisation.level == Level.OFFICE)
    return (await session.scalars(wanted.order_by(Organisation.serial))).all()
