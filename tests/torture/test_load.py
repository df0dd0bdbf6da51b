"""10,000 conversations are open, and taps arrive at their own pace. Run by ``make torture``."""

from __future__ import annotations

import os
import sys
import time

import pytest

from bot.bench.durable import WIDE, open_shop
from bot.settings import Settings
from tests.torture.load import open_conversations, real_pace, tap

OPEN = int(os.environ.get("OPEN", "10000"))
SECONDS = int(os.environ.get("SECONDS", "120"))
PER_SECOND = 25
P99 = 1.0
GROWTH = 8.0
"""MiB that the second half may add: the pages of SQLite's log and the allocator's own ways."""


async def test_taps_at_25_a_second_with_the_send_budget_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with open_shop(Settings(), real_pace()) as shop:
        taps = await open_conversations(shop, OPEN)
        load = await tap(shop, taps[: PER_SECOND * SECONDS], PER_SECOND)
    with capsys.disabled():
        sys.stdout.write(f"\n{OPEN} open, {PER_SECOND}/s, send budget on: {load}\n")
    assert load.answered == load.taps
    assert load.p99 <= P99
    assert load.growth <= GROWTH


async def test_taps_at_half_the_step_rate_with_the_send_budget_off(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with open_shop(Settings(), WIDE) as shop:
        taps = await open_conversations(shop, OPEN)
        begun = time.perf_counter()
        await tap(shop, taps[:200], per_second=1e9)
        rate = 200 / (time.perf_counter() - begun)
        load = await tap(shop, taps[200 : 200 + int(rate / 2 * SECONDS)], rate / 2)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{OPEN} open, {rate / 2:.1f}/s (half of {rate:.1f} steps/s), budget off: {load}\n"
        )
    assert load.answered == load.taps
    assert load.p99 <= P99
    assert load.growth <= GROWTH
