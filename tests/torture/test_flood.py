"""10,000 messages in a minute by one person, by the real limits; ``MESSAGES`` in the environment is how many."""

from __future__ import annotations

import os
from pathlib import Path

from tests.attack.siege import besieged
from tests.attack.test_flood import flood

MESSAGES = int(os.environ.get("MESSAGES", "10000"))


async def test_ten_thousand_messages_in_a_minute(tmp_path: Path) -> None:
    async with besieged(tmp_path) as siege:
        await flood(siege.office, "tg:5002", MESSAGES)
