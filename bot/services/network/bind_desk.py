"""Bind a work group (绑定工作群): a desk becomes staffed when its group opens a one-time link."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from rapidfuzz import fuzz
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Button, Incoming, Press
from bot.services.accounts import admins, desks_of_chat
from bot.services.chain.hand_over import requeue
from bot.services.privacy import audit
from bot.services.sending import Answer, Rows, button, link, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.delivery import Meta
from models.lifecycle import CaseStatus
from models.network import Level, Organisation
from models.party import Account
from models.privacy import Act

VERB = "mb"
PER_PAGE = 12
MATCHES = 3
ALIKE = 75
"""Of 100: how much of a typed name must be found in a desk's name."""

LONGEST = 120
"""Characters in a desk's name (models.network); nothing longer is looked for."""

LEVELS = tuple(Level)


async def choose(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """Open the list of streets and towns; a name may be typed instead."""
    account.awaiting = {"verb": VERB}
    await _list(session, answer, 0, stamp(tables))


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button: ``page``, ``desk`` (make its link) or ``off`` (let its group go)."""
    if press.question == "page":
        await _list(session, answer, number(press.value), press.version)
        return None
    desk = await by_serial(session, press.value)
    if desk is None:
        return say("bind.no_such_desk")
    account.awaiting = None
    if press.question == "off":
        if not desk.chat:
            return say("bind.not_bound")
        await tell(session, tables, desk.chat, say("bind.group_released", name=desk.name))
        await _release(session, tables, desk)
        await _recorded(session, tables, account, desk, "released")
        await answer(say("bind.released", name=desk.name))
        return None
    await _offer(session, tables, desk, account, answer)
    return None


async def typed(session: AsyncSession, tables: Tables, text: str, answer: Answer) -> None:
    """A desk's name, typed: one to three matches to pick from, or asked again."""

    def pick(desk: Organisation) -> Press:
        return Press(VERB, question="desk", value=str(desk.serial))

    await offer_matches(session, tables, text, pick, answer)


async def joined(session: AsyncSession, tables: Tables, heard: Incoming) -> None:
    """The bot was added to a group, or removed (:func:`left`), or ``/start <token>`` came from one.

    The token binds the group to its link's desk; otherwise the group is told why not. A link serves
    one group, once, within its days; a group may serve several desks. The desk's former group, if
    it was another, is let go.
    """
    if heard.extra.get("member"):
        if heard.extra["member"] == "left":
            await left(session, tables, heard)
        return
    answer = Answer(session, tables, heard)
    if not heard.argument:
        desks = await desks_of_chat(session, heard.chat)
        names = [desk.name for desk in desks]
        await answer(say("bind.already", name=names) if names else say("bind.no_link"))
        return
    row = await session.get(Meta, _key(heard.argument), with_for_update=True)
    desk = await session.get(Organisation, uuid.UUID(row.value["desk"])) if row else None
    if row is None or desk is None:
        await answer(say("bind.wrong_link"))
        return
    if row.value["used"]:
        already = desk.chat == heard.chat
        await answer(say("bind.already" if already else "bind.used_link", name=desk.name))
        return
    now = tables.clock.now()
    if now > datetime.fromisoformat(row.value["until"]):
        await answer(say("bind.expired_link", days=tables.policy.bind_link_days))
        return
    row.value = {**row.value, "used": True}
    if desk.chat and desk.chat != heard.chat:
        await tell(session, tables, desk.chat, say("bind.group_released", name=desk.name))
    desk.chat, desk.confirmed_at, desk.simulated = heard.chat, now, False
    await _recorded(session, tables, f"account:{row.value['by']}", desk, "bound")
    await answer(say("bind.group_hello", name=desk.name), say("bind.group_rules"))
    for admin in await admins(session):
        await tell(
            session,
            tables,
            admin.address,
            say(
                "bind.bound",
                name=desk.name,
                group=heard.extra.get("title") or say("bind.some_group"),
                who=heard.name or say("bind.somebody"),
            ),
            buttons=[
                [button("bind.button.invite", "j", question="desk", value=str(desk.serial))],
                [button("admin.button.triage", "m", value="triage")],
                [button("bind.button.release", VERB, question="off", value=str(desk.serial))],
            ],
        )


async def left(session: AsyncSession, tables: Tables, heard: Incoming) -> None:
    """The bot was removed from a group (``extra["member"]`` is ``left``): its desks are unbound,
    cases waiting there go back to be assigned, and the admins are told."""
    for desk in await desks_of_chat(session, heard.chat):
        moved = await _release(session, tables, desk)
        for admin in await admins(session):
            await tell(
                session,
                tables,
                admin.address,
                say("bind.lost", name=desk.name, cases=moved),
                buttons=[
                    [button("bind.button.again", VERB, question="desk", value=str(desk.serial))],
                    [button("admin.button.triage", "m", value="triage")],
                ],
            )


async def street_rows(
    session: AsyncSession,
    page: int,
    pick: Callable[[Organisation], Press],
    turn: Callable[[int], Press],
) -> list[list[Button]]:
    """Buttons for one page of the streets and towns, two a row, and those that turn the page."""
    streets = (
        await session.scalars(
            select(Organisation)
            .where(Organisation.level == Level.STREET)
            .order_by(Organisation.serial)
        )
    ).all()
    shown = streets[page * PER_PAGE : (page + 1) * PER_PAGE]
    rows = [
        [Button(label(desk), pick(desk)) for desk in shown[i : i + 2]]
        for i in range(0, len(shown), 2)
    ]
    turns = []
    if page > 0:
        turns.append(Button(say("bind.button.back"), turn(page - 1)))
    if (page + 1) * PER_PAGE < len(streets):
        turns.append(Button(say("bind.button.more"), turn(page + 1)))
    return [*rows, turns] if turns else rows


def label(desk: Organisation, above: str = "") -> Say:
    """A desk's button: whether it has a group, its name, and where it lies if that is needed."""
    name = say("bind.desk_in", name=desk.name, above=above) if above else desk.name
    return say("bind.desk_staffed" if desk.chat else "bind.desk_unstaffed", name=name)


async def find(session: AsyncSession, tables: Tables, text: str) -> Sequence[Organisation]:
    """The desks whose names, or other names in the register, are most like ``text``; at most three.

    Among equally like names the one nearest in length comes first, then the higher level. A name
    typed in full leaves only the desks of that name.
    """
    wanted = "".join(text.split())
    if not 0 < len(wanted) <= LONGEST:
        return ()
    ranked = []
    for key, code, name, level, serial in await session.execute(
        select(
            Organisation.id,
            Organisation.code,
            Organisation.name,
            Organisation.level,
            Organisation.serial,
        )
    ):
        likeness, longer = min(
            (-fuzz.partial_ratio(wanted, called), abs(len(called) - len(wanted)))
            for called in _names(tables, code, name)
        )
        if -likeness >= ALIKE:
            ranked.append(((likeness, longer, LEVELS.index(level), serial), key))
    ranked.sort()
    full = [key for (likeness, longer, *_), key in ranked if (likeness, longer) == (-100, 0)]
    chosen = full or [key for _, key in ranked]
    return [await session.get_one(Organisation, key) for key in chosen[:MATCHES]]


def _names(tables: Tables, code: str, name: str) -> Iterator[str]:
    """What a desk may be called: its name, alone or after its street's, and its aliases."""
    yield name
    street = tables.register.street_of(code)
    if street is not None and street.code != code:
        yield f"{street.name}{name}"
    registered = tables.register.get(code)
    if registered is not None:
        yield from registered.aliases


async def offer_matches(
    session: AsyncSession,
    tables: Tables,
    text: str,
    pick: Callable[[Organisation], Press],
    answer: Answer,
) -> None:
    """Answer a typed name with its matches; without one, the next line is tried again."""
    found = await find(session, tables, text)
    if not found:
        await answer(say("bind.no_match"), buttons=[[stop()]])
        return
    rows: list[list[Button]] = []
    for desk in found:
        above = await session.get(Organisation, desk.parent_id) if desk.parent_id else None
        inside = above.name if above and desk.level is Level.POINT else ""
        rows.append([Button(label(desk, inside), pick(desk))])
    await answer(say("bind.matches"), buttons=[*rows, [stop()]])


async def by_serial(session: AsyncSession, serial: str) -> Organisation | None:
    """The desk that a button means."""
    found: Organisation | None = await session.scalar(
        select(Organisation).where(Organisation.serial == number(serial))
    )
    return found


def number(value: str) -> int:
    """A button's number; 0 for anything that no button of ours says."""
    return int(value) if value.isdecimal() and len(value) < 9 else 0


def stop() -> Button:
    """Gives up whatever the admin was asked for."""
    return button("admin.button.stop", "m", value="stop")


def stamp(tables: Tables) -> int:
    """When a list was opened, in Unix seconds: its pages replace one another in its own place."""
    return int(tables.clock.now().timestamp())


async def _list(session: AsyncSession, answer: Answer, page: int, opened: int) -> None:
    rows: Rows = await street_rows(
        session,
        page,
        pick=lambda desk: Press(VERB, question="desk", value=str(desk.serial)),
        turn=lambda to: Press(VERB, question="page", version=opened, value=str(to)),
    )
    await answer(say("bind.choose"), buttons=[*rows, [stop()]], slot=f"{VERB}:{opened}")


async def _offer(
    session: AsyncSession, tables: Tables, desk: Organisation, account: Account, answer: Answer
) -> None:
    token = secrets.token_urlsafe(16)
    until = tables.clock.now() + timedelta(days=tables.policy.bind_link_days)
    kept: dict[str, Any] = {
        "desk": str(desk.id),
        "by": str(account.id),
        "until": until.isoformat(),
        "used": False,
    }
    session.add(Meta(key=_key(token), value=kept))
    rows: list[list[Button]] = [[link("bind.button.open", tables.group_link(token))]]
    if desk.chat:
        rows.append([button("bind.button.release", VERB, question="off", value=str(desk.serial))])
    local = until.astimezone(SHANGHAI)
    await answer(
        say(
            "bind.link",
            name=desk.name,
            month=local.month,
            day=local.day,
            days=tables.policy.bind_link_days,
        ),
        say("bind.link_replaces") if desk.chat else None,
        buttons=rows,
    )


async def _release(session: AsyncSession, tables: Tables, desk: Organisation) -> int:
    """Unbind; returns how many waiting cases went back to be assigned."""
    desk.chat, desk.confirmed_at, desk.simulated = None, None, False
    waiting = (
        await session.scalars(
            select(Case).where(Case.desk_id == desk.id, Case.status == CaseStatus.WAITING)
        )
    ).all()
    for case in waiting:
        await requeue(session, tables, case, say("bind.requeued", name=desk.name))
    return len(waiting)


async def _recorded(
    session: AsyncSession, tables: Tables, by: Account | str, desk: Organisation, what: str
) -> None:
    now = tables.clock.now()
    await audit.record(session, now, Act.BIND, by, f"desk:{desk.code}", what=what)


def _key(token: str) -> str:
    return f"bind:{hashlib.sha256(token.encode()).hexdigest()}"
