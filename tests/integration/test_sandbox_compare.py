"""The comparison with the live server finds nothing between twins and something between others."""

from __future__ import annotations

from bot.sandbox.compare import STEPS, compare
from tests.integration.sandbox_helpers import AUNT, running


async def test_twins_differ_in_nothing() -> None:
    async with running() as phone:
        await phone.act("start")
        assert await compare(phone.world.token, AUNT, phone.sandbox.url) == []


async def test_another_answer_is_found() -> None:
    async with running() as phone:
        found = await compare(phone.world.token, AUNT, phone.sandbox.url)
    assert 0 < len(found) < len(STEPS)
    assert found[0].method == "sendMessage"
    assert found[0].live["description"] == (
        "Forbidden: bot can't initiate conversation with a user"
    )
