"""Bind group robots (绑定群机器人): which organisation gets which word by which robot of the operator's file."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.chain import robots
from bot.services.network import bind_desk
from bot.services.network.bind_desk import stop
from bot.services.privacy import audit
from bot.services.sending import Answer, button, minute_words
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.network import Organisation, Robot
from models.party import Account
from models.privacy import Act

VERB = "mv"


async def home(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """The robots of the file and what they are bound to."""
    account.awaiting = None
    bound = await _bound(session)
    if not tables.robots:
        await answer(say("robot.none"), buttons=[[button("admin.button.menu", "m", value="menu")]])
        return
    await answer(
        say("robot.home", count=len(tables.robots), bound=len(bound)),
        say("robot.lines", lines=[_line(robot, desk) for robot, desk in bound]) if bound else None,
        buttons=[
            *[
                [
                    button(
                        say("robot.button.one", name=robot.name, desk=desk.name),
                        VERB,
                        question="see",
                        value=robot.id.hex,
                    )
                ]
                for robot, desk in bound
            ],
            *[
                [
                    button(
                        say("robot.button.bind", name=name, vendor=say(f"robot.vendor.{vendor}")),
                        VERB,
                        question="bind",
                        value=name,
                    )
                ]
                for name, vendor in tables.robots.items()
                if len(name.encode()) <= 40
            ],
            [button("admin.button.menu", "m", value="menu")],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """``bind`` a name, its ``desk``; ``see`` one, turn a ``kind`` on or off, ``test`` it, ``off`` with it."""
    waiting = account.awaiting or {}
    account.awaiting = None
    now = tables.clock.now()
    if press.question == "bind" and press.value in tables.robots:
        account.awaiting = {"verb": VERB, "name": press.value}
        await answer(say("robot.ask_desk", name=press.value), buttons=[[stop()]])
        return None
    if press.question == "desk" and waiting.get("name") in tables.robots:
        desk = await bind_desk.by_serial(session, press.value)
        if desk is None:
            return say("bind.no_such_desk")
        made = await _make(session, tables, desk, str(waiting["name"]))
        await audit.record(session, now, Act.ROBOT, account, f"desk:{desk.code}", what="bound")
        await _see(session, tables, made, answer)
        return None
    which, _, kind = press.value.partition(".")
    robot = await session.get(Robot, UUID(which)) if len(which) == 32 else None
    if robot is None:
        await home(session, tables, account, answer)
        return None
    bound_to = await session.get_one(Organisation, robot.organisation_id)
    about = f"desk:{bound_to.code}"
    match press.question:
        case "kind" if kind in robots.KINDS:
            there = [one for one in robot.kinds if one != kind]
            robot.kinds = there if kind in robot.kinds else [*there, kind]
            what = f"kinds:{','.join(robot.kinds)}"
            await audit.record(session, now, Act.ROBOT, account, about, what=what)
        case "test":
            await robots.test(session, tables, robot, f"test:{robot.id}:{now:%Y%m%d%H%M%S}")
            return say("robot.toast.test")
        case "off":
            await session.delete(robot)
            await session.flush()
            await audit.record(session, now, Act.ROBOT, account, about, what="unbound")
            await home(session, tables, account, answer)
            return say("robot.toast.off")
    await _see(session, tables, robot, answer)
    return None


async def typed(session: AsyncSession, tables: Tables, text: str, answer: Answer) -> None:
    """The name of an organisation."""
    await bind_desk.offer_matches(
        session, tables, text, lambda desk: Press(VERB, "", "desk", 0, str(desk.serial)), answer
    )


async def _make(session: AsyncSession, tables: Tables, desk: Organisation, name: str) -> Robot:
    """The robot bound to the desk; a second time it is the same. All kinds, until some are turned off."""
    found: Robot | None = await session.scalar(
        select(Robot).where(Robot.organisation_id == desk.id, Robot.name == name)
    )
    if found is not None:
        return found
    robot = Robot(
        organisation_id=desk.id, name=name, kinds=list(robots.KINDS), made_at=tables.clock.now()
    )
    robot.error = ""
    session.add(robot)
    await session.flush()
    return robot


async def _see(session: AsyncSession, tables: Tables, robot: Robot, answer: Answer) -> None:
    desk = await session.get_one(Organisation, robot.organisation_id)
    vendor = tables.robots.get(robot.name, "")
    await answer(
        say(
            "robot.one",
            name=robot.name,
            desk=desk.name,
            vendor=say(f"robot.vendor.{vendor}") if vendor else say("robot.not_in_file"),
        ),
        _stands(robot),
        say("robot.only"),
        buttons=[
            *[
                [
                    button(
                        say(
                            "robot.button.on" if kind in robot.kinds else "robot.button.not_on",
                            kind=say(f"robot.kind.{kind}"),
                        ),
                        VERB,
                        question="kind",
                        value=f"{robot.id.hex}.{kind}",
                    )
                ]
                for kind in robots.KINDS
            ],
            [button("robot.button.test", VERB, question="test", value=robot.id.hex)],
            [button("robot.button.off", VERB, question="off", value=robot.id.hex)],
            [button("robot.button.home", VERB)],
        ],
    )


def _stands(robot: Robot) -> Say:
    if robot.failing_since is not None:
        return say("robot.fails", since=minute_words(robot.failing_since), why=robot.error)
    if robot.sent_at is not None:
        return say("robot.well", at=minute_words(robot.sent_at))
    return say("robot.untried")


def _line(robot: Robot, desk: Organisation) -> Say:
    return say("robot.line", name=robot.name, desk=desk.name, stands=_stands(robot))


async def _bound(session: AsyncSession) -> list[tuple[Robot, Organisation]]:
    found = await session.execute(
        select(Robot, Organisation)
        .join(Organisation, Organisation.id == Robot.organisation_id)
        .order_by(Organisation.serial, Robot.name)
    )
    return [(robot, desk) for robot, desk in found]
