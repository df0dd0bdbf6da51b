"""The audit chain (审计链): one line for each sensitive act, each sealed together with the one before.

Who can write the database but has no key cannot forge a line, change one, or take one out of the middle.
That the last ones were cut off shows against an anchor (:mod:`bot.services.privacy.anchor`).
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services.queue.drain import insert_new
from bot.texts.catalogue import Say, say
from models.base import cipher
from models.case import Case
from models.delivery import Meta
from models.party import Account
from models.privacy import Act, Audit

HEAD = "audit_head"
"""The Meta row that holds how far the chain is; locked, so that lines follow one another."""

BOT = "bot"
"""Who acts when nobody pressed anything."""

START = bytes(32)


class Anchor(NamedTuple):
    """How far the chain was at a time: the number of its last line and the beginning of its mac, in hex."""

    at: str
    seq: int
    mac: str


class Checked(NamedTuple):
    """How many lines and anchors were looked at, and what is wrong."""

    lines: int
    anchors: int
    wrong: tuple[Say, ...]


def who(account: Account) -> str:
    """An account as the chain names it."""
    return f"account:{account.id}"


def what(case: Case) -> str:
    """A case as the chain names it."""
    return f"case:{case.id}"


async def record(
    session: AsyncSession,
    at: datetime,
    act: Act,
    by: Account | str,
    about: Case | Account | str = "",
    **details: str | int,
) -> None:
    """Add a line. ``details`` are codes and counts: nothing of a person's may stand there."""
    head = await session.get(Meta, HEAD, with_for_update=True, populate_existing=True)
    if head is None:
        start = {"key": HEAD, "value": {"seq": 0, "mac": START.hex()}}
        await insert_new(session, Meta, [start], ["key"])
        head = await session.get_one(Meta, HEAD, with_for_update=True)
    seq, prev = int(head.value["seq"]) + 1, bytes.fromhex(head.value["mac"])
    line = Audit(
        seq=seq,
        at=at.astimezone(UTC),
        act=act.value,
        by=by if isinstance(by, str) else who(by),
        about=_named(about),
        details=details,
        prev=prev,
    )
    line.mac = _mac(line)
    session.add(line)
    head.value = {"seq": seq, "mac": line.mac.hex()}
    await session.flush()


def _named(about: Case | Account | str) -> str:
    if isinstance(about, Case):
        return what(about)
    return who(about) if isinstance(about, Account) else about


def _mac(line: Audit) -> bytes:
    """The seal of a line: over canonical JSON of all of it, the mac of the line before included."""
    body: Mapping[str, Any] = {
        "seq": line.seq,
        "at": line.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "act": line.act,
        "by": line.by,
        "about": line.about,
        "details": line.details,
        "prev": line.prev.hex(),
    }
    return cipher().sign(json.dumps(body, sort_keys=True, ensure_ascii=True, separators=(",", ":")))


async def head(session: AsyncSession) -> tuple[int, str]:
    """The number of the last line and its mac in hex; (0, …) while there is none."""
    row = await session.get(Meta, HEAD)
    return (int(row.value["seq"]), str(row.value["mac"])) if row is not None else (0, START.hex())


async def verify(session: AsyncSession, anchors: Iterable[Anchor] = ()) -> Checked:
    """Go along the chain from its first line to its head, and hold it against the anchors."""
    wrong: list[Say] = []
    macs: dict[int, str] = {}
    seq, prev = 0, START
    lines = await session.stream_scalars(select(Audit).order_by(Audit.seq))
    async for line in lines:
        if line.seq != seq + 1:
            wrong.append(say("cli.audit.missing", first=seq + 1, last=line.seq - 1))
        elif not hmac.compare_digest(line.prev, prev):
            wrong.append(say("cli.audit.order", seq=line.seq))
        if not hmac.compare_digest(line.mac, _mac(line)):
            wrong.append(say("cli.audit.changed", seq=line.seq))
        seq, prev = line.seq, line.mac
        macs[seq] = line.mac.hex()
    if (seq, prev.hex()) != await head(session):
        wrong.append(say("cli.audit.cut", seq=seq))
    count = 0
    for anchor in anchors:
        count += 1
        if not macs.get(anchor.seq, "").startswith(anchor.mac) or not anchor.mac:
            wrong.append(say("cli.audit.anchor_wrong", at=anchor.at, seq=anchor.seq))
    return Checked(len(macs), count, tuple(wrong))
