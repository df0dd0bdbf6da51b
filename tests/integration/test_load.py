"""Taps that come when they come: every one is answered, and nothing piles up."""

from __future__ import annotations

from bot.bench.durable import open_shop
from bot.settings import Settings
from tests.torture.load import open_conversations, real_pace, tap

OPEN = 200
TAPS = 60
PER_SECOND = 25
GROWTH = 8.0


async def test_taps_at_25_a_second_under_the_send_budget_are_all_answered() -> None:
    async with open_shop(Settings(), real_pace()) as shop:
        load = await tap(shop, (await open_conversations(shop, OPEN))[:TAPS], PER_SECOND)
    assert load.answered == TAPS
    assert load.growth <= GROWTH, str(load)
