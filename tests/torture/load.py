"""Taps that arrive when they arrive (an open loop), on a bot with many conversations open.

The bot's own intake, worker and sender run here; what goes out is swallowed by the request object of
python-telegram-bot, since over HTTP the stand-in would be what is measured. An answer's time runs from
when the tap was due, not from when this process found time for it.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import inspect, select

from bot.bench.durable import Shop, tap_of
from bot.ports import Press
from bot.services.queue.deliver import Limits
from bot.settings import Settings
from models.base import uuid7
from models.case import Case, new_token
from models.party import Account

FIRST = 100_000
STORY = "我在川沙的美力健身房办了年卡，花了3980元，上个月店关门了，还剩三千块没退"
BATCH = 500


@dataclass(frozen=True, slots=True)
class Load:
    """Times in seconds; ``growth`` in MiB: resident memory at the end less that at half time."""

    taps: int
    answered: int
    median: float
    p99: float
    slowest: float
    memory: float
    growth: float

    def __str__(self) -> str:
        return (
            f"{self.taps} taps, {self.answered} answered; an answer after {self.median * 1e3:.0f} ms"
            f" (median), {self.p99 * 1e3:.0f} ms (p99), {self.slowest * 1e3:.0f} ms (slowest);"
            f" memory {self.memory:.0f} MiB, in the second half {self.growth:+.1f} MiB"
        )


def real_pace() -> Limits:
    """The send budget as the settings have it."""
    settings = Settings()
    return Limits(
        per_second=settings.send_per_second,
        chat_per_second=settings.chat_per_second,
        chat_burst=settings.chat_burst,
        group_per_minute=settings.group_per_minute,
    )


async def open_conversations(shop: Shop, many: int) -> list[tuple[int, str]]:
    """One person comes as far as a question with buttons; ``many`` others stand where she stands.

    Their chats, and what a button of theirs carries.
    """
    chat = FIRST - 1
    await shop.steps([chat], ["/start", STORY, "同意"])
    offered = _buttons(shop.said[-1].params)
    press = next(each for each in offered if each.verb == "a")
    async with shop.house.db.read() as session:
        account = (
            await session.scalars(select(Account).where(Account.address == f"tg:{chat}"))
        ).one()
        case = (await session.scalars(select(Case).where(Case.account_id == account.id))).one()
    taps = []
    for first in range(0, many, BATCH):
        async with shop.house.db.write() as session:
            for number in range(first, min(first + BATCH, many)):
                owner = _twin(account, address=f"tg:{FIRST + number}", name=account.name)
                token = new_token()
                session.add(owner)
                await session.flush()
                session.add(
                    _twin(
                        case,
                        token=token,
                        account_id=owner.id,
                        answers=case.answers,
                        decision=case.decision,
                    )
                )
                mine = Press(press.verb, token, press.question, press.version, press.value)
                taps.append((FIRST + number, mine.pack()))
    return taps


def _twin(row: Any, **own: Any) -> Any:
    """Another row with the same plain columns; sealed ones are sealed anew."""
    plain = {
        column.key: getattr(row, column.key)
        for column in inspect(type(row)).column_attrs
        if column.key != "id" and not column.key.endswith("_sealed")
    }
    twin = type(row)(id=uuid7(), **(plain | {k: v for k, v in own.items() if k in plain}))
    for name, value in own.items():
        if name not in plain:
            setattr(twin, name, value)
    return twin


def _buttons(params: Mapping[str, Any]) -> list[Press]:
    rows = params["reply_markup"]["inline_keyboard"]
    return [Press.unpack(button["callback_data"]) for row in rows for button in row]


async def tap(shop: Shop, taps: Sequence[tuple[int, str]], per_second: float) -> Load:
    """Each of ``taps`` once, one every ``1 / per_second`` seconds whatever happens."""
    due: dict[int, float] = {}
    took: dict[int, float] = {}
    all_answered = asyncio.Event()

    def heard(chat: int, _values: Mapping[str, Any]) -> None:
        if chat in due and chat not in took:
            took[chat] = time.perf_counter() - due[chat]
            if len(took) == len(taps):
                all_answered.set()

    shop.request.heard = heard
    stop = asyncio.Event()
    loops = [asyncio.create_task(drain.run(stop)) for drain in (shop.worker, shop.deliverer)]
    half = 0.0
    begun = time.perf_counter()
    at = 0
    while at < len(taps):
        now = time.perf_counter()
        batch = []
        while at < len(taps) and begun + at / per_second <= now:
            chat, data = taps[at]
            due[chat] = begun + at / per_second
            batch.append(tap_of(next(shop.numbers), chat, data))
            at += 1
        if batch:
            await shop.take_in(batch)
        if not half and at >= len(taps) / 2:
            half = resident()
        shop.said.clear()
        await asyncio.sleep(max(0.0, begun + at / per_second - time.perf_counter()))
    try:
        async with asyncio.timeout(60):
            await all_answered.wait()
    finally:
        stop.set()
        await asyncio.gather(*loops)
    times = sorted(took.values())
    end = resident()
    return Load(
        taps=len(taps),
        answered=len(times),
        median=statistics.median(times),
        p99=times[int(len(times) * 0.99)],
        slowest=times[-1],
        memory=end,
        growth=end - half,
    )


def resident() -> float:
    """Resident memory of this process in MiB."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20
