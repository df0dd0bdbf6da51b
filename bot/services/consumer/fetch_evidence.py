"""Fetch an evidence file from its channel, inspect it, and keep it in the sealed vault, outside any
transaction. What is not fit to keep is set aside (隔离): nobody opens it, and both sides are told."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Inspect, Inspected, Unfit, Vault
from bot.services.consumer import keep_evidence
from bot.services.queue.deliver import Errand, Finish
from bot.services.sending import button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, Evidence
from models.party import Account

Download = Callable[[str, int], Awaitable[bytes]]
"""(file id, most bytes) -> content; raises Refused."""


def fetcher(
    tables: Tables, download: Download, inspect: Inspect, vault: Vault, most: int
) -> Errand:
    """The errand ``fetch``; run twice it stores the same file under the same key."""

    async def fetch(payload: Mapping[str, Any]) -> Finish | None:
        key = str(uuid.UUID(payload["evidence"]))
        content = await download(str(payload["file_id"]), most)
        found: Inspected | Unfit
        try:
            found = await inspect(content)
        except Unfit as unfit:
            found = unfit
        else:
            await vault.put(key, found.content)

        async def finish(session: AsyncSession) -> None:
            kept = await session.get(Evidence, uuid.UUID(key))
            if kept is None:
                # She gave the draft up meanwhile, and its files were dropped before this one came.
                await vault.drop(key)
            elif isinstance(found, Unfit):
                await _set_aside(session, tables, kept, found.reason)
            elif not kept.vault_key:
                kept.vault_key = key
                await _keep(session, tables, kept, found)

        return finish

    return fetch


async def _keep(session: AsyncSession, tables: Tables, kept: Evidence, found: Inspected) -> None:
    """True type and name; a taker who could not be shown it before has it now."""
    kept.mime = found.mime
    kept.extra = {**(kept.extra or {}), "ext": found.extension, "same": found.same}
    case, owner, taker = await _concerned(session, kept)
    named = str((kept.about or {}).get("name") or "").rpartition(".")[2].lower()
    if named and not keep_evidence.fits(named, found):
        await tell(
            session,
            tables,
            owner.address,
            say("evidence.other_type", number=kept.number, named=named, ext=found.extension),
            case=case,
        )
    if taker is not None and keep_evidence.held_back(kept):
        await tell(
            session,
            tables,
            taker.address,
            say("desk.file_ready", number=case.number or "", file=kept.number),
            case=case,
            media=keep_evidence.media([kept]),
        )


async def _set_aside(session: AsyncSession, tables: Tables, kept: Evidence, reason: str) -> None:
    kept.extra = {**(kept.extra or {}), "unfit": reason}
    case, owner, taker = await _concerned(session, kept)
    why: Say = say(f"unfit.{reason}")
    await tell(
        session,
        tables,
        owner.address,
        say("evidence.set_aside", number=kept.number, why=why),
        say("evidence.instead"),
        case=case,
        buttons=[[button("button.add", "ta", case)]] if case.filed_at is not None else (),
    )
    if taker is not None:
        await tell(
            session,
            tables,
            taker.address,
            say("desk.file_set_aside", number=case.number or "", file=kept.number, why=why),
            case=case,
        )


async def _concerned(session: AsyncSession, kept: Evidence) -> tuple[Case, Account, Account | None]:
    case = await session.get_one(Case, kept.case_id)
    owner = await session.get_one(Account, case.account_id)
    taker = await session.get(Account, case.taker_id) if case.taker_id else None
    return case, owner, taker


def dropper(vault: Vault) -> Errand:
    """The errand ``drop``: erase a file whose row is gone."""

    async def drop(payload: Mapping[str, Any]) -> Finish | None:
        await vault.drop(str(payload["key"]))
        return None

    return drop
