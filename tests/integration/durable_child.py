"""A process that handles and sends until it is killed; run by test_durable_kill.

Arguments: the database's address, the keyring, and a file that stands for the outside: each line
is what a chat was sent.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.clock import SystemClock
from bot.adapters.crypto import Keyring
from bot.adapters.database import Database
from bot.ports import Message
from bot.services.queue.deliver import Deliverer, Limits, owe
from bot.services.queue.intake import Worker
from bot.texts.catalogue import say
from models.base import install_cipher
from models.delivery import Meta, Priority

LIMITS = Limits(per_second=29_000, chat_per_second=1_000, chat_burst=5_000, group_per_minute=20_000)


async def main(url: str, keyring: str, outside: str) -> None:
    install_cipher(Keyring.open(keyring, create=False))
    db = Database(url)
    clock = SystemClock()
    handle_out = os.open(Path(outside), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    async def handle(session: AsyncSession, payload: Mapping[str, Any]) -> None:
        done = await session.get(Meta, payload["chat"])
        if done is None:
            session.add(Meta(key=payload["chat"], value=[payload["seq"]]))
        else:
            done.value = [*done.value, payload["seq"]]
        await session.flush()
        reply = Message((say(f"{payload['seq']}"),))
        await owe(session, payload["chat"], reply, now=clock.now(), priority=Priority.HAND_OVER)

    async def send(target: str, message: Message, _edit: Sequence[Any] | None, /) -> list[Any]:
        os.write(handle_out, f"{target} {message.parts[0].key}\n".encode())
        await asyncio.sleep(0.002)
        return [1]

    stop = asyncio.Event()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.gather(
        Worker(db, clock, handle).run(stop),
        Deliverer(db, clock, {"chat": send}, LIMITS).run(stop),
    )


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
