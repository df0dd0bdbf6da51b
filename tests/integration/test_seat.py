"""On PostgreSQL a process learns whether it is the only one, and a dead one's seat is free at once."""

from __future__ import annotations

from bot.adapters.database import Database
from tests.torture.postgres import postgresql


async def test_the_first_is_alone_the_second_is_not_and_a_seat_is_left_free() -> None:
    with postgresql() as (url, _):
        first, second, third = Database(url), Database(url), Database(url)
        await first.take_seat()
        await second.take_seat()
        assert (first.alone, second.alone) == (True, False)
        await first.close()
        await second.close()
        await third.take_seat()
        assert third.alone
        await third.close()
