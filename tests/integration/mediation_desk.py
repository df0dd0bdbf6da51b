"""A street's desk with two of its staff, a point that pays in advance, and a case of AUNT's to work on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.app import fires
from bot.ports import Message, Press
from bot.route.register import Desk
from bot.services.chain import hand_over
from bot.services.network.import_points import write
from bot.services.queue.timers import Scanner
from models.case import Case
from models.delivery import Outbox
from models.mediation import AdvancePayment, Settlement
from tests.integration.admin_office import AUNT, GROUP, TEACHER, Office, opened

STREET, POINT = "潍坊新村街道", "试点商场联络点"
COLLEAGUE, STRANGER = "tg:1003", "tg:1004"
NUMBER = "PD-1"


@asynccontextmanager
async def staffed(folder: Path) -> AsyncIterator[Office]:
    """The desk; TEACHER and COLLEAGUE are staff of the point, whose cards go to the street's group."""
    async with opened(folder) as office:
        office.tables = replace(office.tables, operator="某某中心", basis="consent")
        await office.appoint()
        await office.bind(STREET)
        street = await office.desk(STREET)
        point = Desk(
            "T9", POINT, "point", street.code, type="mall", address="东方路1号", lat=31.22,
            lon=121.53, precision="surveyed", street_code=street.code, fast_return_minutes=15,
            prepay_fen=500_00,
        )  # fmt: skip
        async with office.rows() as session:
            await write(session, [(point, True)], "a test", office.clock.now())
        await office.tables.network.refresh(office.db)
        await office.enlist(POINT, TEACHER, COLLEAGUE)
        await office.write(STRANGER, "/help")
        await office.write(AUNT, "/help")
        yield office


async def waits(office: Office, number: str = NUMBER) -> None:
    """A case of hers at the point, its card in the group."""
    await office.case(number, desk=POINT, amount_fen=320_00, object="apparel")
    async with office.rows() as session:
        case = await of(session, number)
        case.answers = {
            **case.answers,
            "claim": {"v": {"want": "refund", "text": ""}, "by": "person"},
        }
        desk = await hand_over.desk_of(session, case)
        assert desk is not None
        await hand_over.send_card(session, office.tables, case, desk)


async def taken(office: Office, number: str = NUMBER) -> None:
    """The same, taken by TEACHER."""
    await waits(office, number)
    await office.write(TEACHER, chat=GROUP, press=await press_of(office, "st", number))


async def press_of(office: Office, verb: str, number: str = NUMBER, *more: str) -> Press:
    async with office.rows() as session:
        case = await of(session, number)
        question, value = (*more, "", "")[:2]
        return Press(verb, case.token, question, case.version, value)


async def of(session: AsyncSession, number: str = NUMBER) -> Case:
    return (await session.scalars(select(Case).where(Case.number == number))).one()


async def agreed(office: Office, due: str = "3 天内", under: str = "联络点") -> None:
    """An agreement on 320 yuan, filled in step by step."""
    await office.write(TEACHER, press=await press_of(office, "szg", NUMBER, "open"))
    await office.write(TEACHER, "320")
    for label in ("原路退回", "没有别的", "不用做什么", due, "到场签字", under, "确认，告诉消费者"):
        await office.tap(TEACHER, label)


async def asks_advance(office: Office, yuan: str) -> None:
    """A payment in advance, asked for with every proof."""
    await office.write(TEACHER, press=await press_of(office, "szp", NUMBER, "open"))
    await office.write(TEACHER, yuan)
    for label in (
        "☐ 买东西",
        "☐ 付款记录",
        "☐ 东西或照片",
        "☐ 商家该赔",
        "勾好了",
        "商家不肯赔",
        "✅ 确认",
    ):
        await office.tap(TEACHER, label)


async def fire(office: Office) -> None:
    """Whatever falls due by now."""
    scanner = Scanner(office.db, office.clock, fires(office.tables))
    while await scanner.drain_once():
        pass


async def settlements(office: Office) -> Sequence[Settlement]:
    async with office.rows() as session:
        return (await session.scalars(select(Settlement).order_by(Settlement.number))).all()


async def payments(office: Office) -> Sequence[AdvancePayment]:
    async with office.rows() as session:
        return (await session.scalars(select(AdvancePayment).order_by(AdvancePayment.id))).all()


async def presses(office: Office, chat: str, messages: int) -> list[Press]:
    """What can be pressed in the newest messages of a chat, those long answered too."""
    newest = select(Outbox).where(Outbox.target == chat).order_by(Outbox.id.desc()).limit(messages)
    async with office.rows() as session:
        payloads = [row.payload for row in await session.scalars(newest) if row.payload]
    rows = [row for payload in payloads for row in Message.from_json(payload).buttons]
    return [button.press for row in rows for button in row if button.press is not None]
