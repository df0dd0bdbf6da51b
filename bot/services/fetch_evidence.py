"""Fetch an evidence file from its channel into the sealed vault, outside any transaction."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Vault
from bot.services.deliver import Errand, Finish
from models.case import Evidence

Download = Callable[[str, int], Awaitable[bytes]]
"""(file id, most bytes) -> content; raises Refused."""


def fetcher(download: Download, vault: Vault, most: int) -> Errand:
    """The errand ``fetch``; run twice it stores the same file under the same key."""

    async def fetch(payload: Mapping[str, Any]) -> Finish | None:
        key = str(uuid.UUID(payload["evidence"]))
        await vault.put(key, await download(str(payload["file_id"]), most))

        async def finish(session: AsyncSession) -> None:
            kept = await session.get(Evidence, uuid.UUID(key))
            if kept is not None:
                kept.vault_key = key
            else:
                # She gave the draft up meanwhile, and its files were dropped before this one came.
                await vault.drop(key)

        return finish

    return fetch


def dropper(vault: Vault) -> Errand:
    """The errand ``drop``: erase a file whose row is gone."""

    async def drop(payload: Mapping[str, Any]) -> Finish | None:
        await vault.drop(str(payload["key"]))
        return None

    return drop
