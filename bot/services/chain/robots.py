"""Word to a street's or office's own group robot (群机器人转发): number, kind and street, nothing else.

Each word is an errand of the outbox: kept, tried again, held to the vendor's pace for each robot over all
processes. The first failure and the first success after it are told to the admins.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.resources import files
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Robots
from bot.services import accounts
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.queue.drain import Store, insert_new
from bot.services.sending import button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.delivery import RateSlot, Refused
from models.network import Organisation, Robot

ERRAND = "robot"
KINDS = ("new", "late", "group", "danger")
"""What can be forwarded: a new case, one overdue, a group event, words of danger."""

HIDDEN = frozenset({"danger"})
"""Of these not even the matter's kind is told."""


@dataclass(frozen=True, slots=True)
class Pace:
    """One robot's: the time between two messages, and how long a vendor refuses after too many."""

    each: timedelta
    pause: timedelta
    over: tuple[str, ...]


@cache
def paces() -> Mapping[str, Pace]:
    """By vendor. Raises KeyError on a broken file."""
    table = tomllib.loads(files(__package__).joinpath("robots.toml").read_text("utf-8"))
    return {
        vendor: Pace(
            timedelta(seconds=max(60 / row["per_minute"], 1 / row["per_second"])),
            timedelta(seconds=row["pause"]),
            tuple(f"{vendor}: {code}" for code in row["over"]),
        )
        for vendor, row in table.items()
        if isinstance(row, dict)
    }


async def forward(
    session: AsyncSession,
    tables: Tables,
    what: str,
    case: Case | None,
    desk: Organisation | None,
    key: str,
) -> None:
    """Owe the word to every robot of the desk and of what is above it that wants this kind; ``key`` is unique
    to the event."""
    if desk is None or not tables.robots:
        return
    above = [desk]
    while above[-1].parent_id is not None and len(above) < 5:
        above.append(await session.get_one(Organisation, above[-1].parent_id))
    bound = await session.scalars(
        select(Robot).where(Robot.organisation_id.in_([one.id for one in above]))
    )
    for robot in bound:
        if what in robot.kinds:
            await _owe(session, tables, robot, word(tables, what, case), f"{key}:{robot.id}", case)


def word(tables: Tables, what: str, case: Case | None) -> Say:
    """What a robot says: the number, the kind of case and the street. No object, no sum, no name."""
    street = tables.register.get(case.street_code) if case and case.street_code else None
    return say(
        f"robot.says.{what}",
        number=(case.number if case else None) or say("human.not_filed"),
        kind=say(f"kind.{case.kind}") if case and what not in HIDDEN else "",
        street=street.name if street else say("robot.no_street"),
    )


async def test(session: AsyncSession, tables: Tables, robot: Robot, key: str) -> None:
    """Owe a word that only tries the robot out."""
    await _owe(session, tables, robot, say("robot.says.test"), key, None)


async def _owe(
    session: AsyncSession, tables: Tables, robot: Robot, said: Say, key: str, case: Case | None
) -> None:
    await owe_errand(
        session,
        ERRAND,
        {"robot": str(robot.id), "said": said.to_json()},
        now=tables.clock.now(),
        key=f"{ERRAND}:{key}",
        ordering=f"{ERRAND}:{robot.name}",
        case_id=case.id if case is not None else None,
    )


def forwarder(db: Store, tables: Tables, robots: Robots) -> Errand:
    """The errand ``robot``."""

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        key = UUID(payload["robot"])
        async with db.write() as session:
            robot = await session.get(Robot, key)
            name = robot.name if robot is not None else ""
            pace = paces().get(tables.robots.get(name, ""))
            if robot is not None and pace is not None:
                await _take_turn(session, tables, name, pace)
        if not name:
            return None  # unbound meanwhile
        try:
            await robots.send(name, tables.texts.plain(Say.from_json(payload["said"])))
        except Refused as refusal:
            async with db.write() as session:
                await _failed(session, tables, key, refusal)
                if pace is not None and refusal.reason in pace.over:
                    await _wait(session, tables, name, pace.pause)
            if pace is not None and refusal.reason in pace.over:
                raise Refused(refusal.reason, retry_after=pace.pause) from None
            raise

        async def finish(session: AsyncSession) -> None:
            await _went(session, tables, key)

        return finish

    return work


async def _take_turn(session: AsyncSession, tables: Tables, name: str, pace: Pace) -> None:
    """The next turn of a robot, shared by all processes. Raises Refused when it is not now."""
    slot = await _slot(session, tables, name)
    now = tables.clock.now()
    if slot.tat > now:
        raise Refused("pace", retry_after=slot.tat - now)
    slot.tat = now + pace.each


async def _wait(session: AsyncSession, tables: Tables, name: str, pause: timedelta) -> None:
    (await _slot(session, tables, name)).tat = tables.clock.now() + pause


async def _slot(session: AsyncSession, tables: Tables, name: str) -> RateSlot:
    key = f"{ERRAND}:{name}"
    await insert_new(session, RateSlot, [{"key": key, "tat": tables.clock.now()}], ["key"])
    return await session.get_one(RateSlot, key, with_for_update=True)


async def _failed(session: AsyncSession, tables: Tables, key: UUID, refusal: Refused) -> None:
    robot = await session.get(Robot, key, with_for_update=True)
    if robot is None:
        return
    robot.error = refusal.reason[:200]
    if robot.failing_since is None:
        robot.failing_since = tables.clock.now()
        await _tell_admins(session, tables, robot, "robot.failing", refusal.reason)


async def _went(session: AsyncSession, tables: Tables, key: UUID) -> None:
    robot = await session.get(Robot, key, with_for_update=True)
    if robot is None:
        return
    robot.sent_at = tables.clock.now()
    if robot.failing_since is not None:
        robot.failing_since, robot.error = None, ""
        await _tell_admins(session, tables, robot, "robot.well_again", "")


async def _tell_admins(
    session: AsyncSession, tables: Tables, robot: Robot, text: str, why: str
) -> None:
    desk = await session.get_one(Organisation, robot.organisation_id)
    for admin in await accounts.admins(session):
        await tell(
            session,
            tables,
            admin.address,
            say(text, name=robot.name, desk=desk.name, why=why),
            buttons=[[button("robot.button.see", "mv", question="see", value=robot.id.hex)]],
        )
