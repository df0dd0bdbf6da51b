"""A process that sends answers and notices at the real pace until it is killed; several share one
PostgreSQL server.

Arguments: the database's address, the keyring, and a file that stands for the outside, in which each
line is what a chat was sent and when.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

from bot.adapters.clock import SystemClock
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.ports import Message
from bot.services.queue.deliver import Deliverer, Limits
from models.base import install_cipher

LIMITS = Limits(per_second=29, chat_per_second=1, chat_burst=5, group_per_minute=20)
ROUND_TRIP = 0.03


async def main(url: str, keyring: str, outside: str) -> None:
    install_cipher(Keyring.open(keyring, create=False))
    db = Database(url)
    await db.take_seat()
    clock = SystemClock()
    out = os.open(outside, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def send(target: str, message: Message, _edit: Sequence[Any] | None, /) -> list[Any]:
        os.write(out, f"{target} {message.parts[0].key} {time.time()}\n".encode())
        await asyncio.sleep(ROUND_TRIP)
        return [1]

    stop = asyncio.Event()
    print("ready", flush=True)  # noqa: T201
    await asyncio.gather(
        db.keep_seat(clock.follow, stop), Deliverer(db, clock, {"tg": send}, LIMITS).run(stop)
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
