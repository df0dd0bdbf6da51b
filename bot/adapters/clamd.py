"""A virus scanner of the operator's (clamd), asked over its own protocol; off unless CLAMD names one.

INSTREAM (clamd(8)): pieces with their length in four bytes before each, an empty one at the end.
"""

from __future__ import annotations

import asyncio
import struct

from bot.adapters.inspect_files import Scan
from models.delivery import Refused

PIECE = 64 * 1024
SECONDS = 60


def scanner(address: str) -> Scan:
    """``address``: ``host:port``, or the path of a socket."""

    async def scan(content: bytes) -> bool:
        try:
            async with asyncio.timeout(SECONDS):
                reply = await _ask(address, content)
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            # Nothing unscanned is shown: it is asked again later.
            raise Refused(f"the virus scanner did not answer: {type(error).__name__}") from error
        if reply.endswith("FOUND"):
            return True
        if reply.endswith("OK"):
            return False
        raise Refused("the virus scanner could not tell")

    return scan


async def _ask(address: str, content: bytes) -> str:
    host, _, port = address.rpartition(":")
    reader, writer = await (
        asyncio.open_connection(host, int(port)) if host else asyncio.open_unix_connection(address)
    )
    try:
        writer.write(b"zINSTREAM\0")
        for at in range(0, len(content), PIECE):
            piece = content[at : at + PIECE]
            writer.write(struct.pack("!L", len(piece)) + piece)
            await writer.drain()
        writer.write(struct.pack("!L", 0))
        await writer.drain()
        return (await reader.readuntil(b"\0")).rstrip(b"\0").decode("utf-8", "replace").strip()
    finally:
        writer.close()
