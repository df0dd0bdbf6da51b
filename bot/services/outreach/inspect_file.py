"""Look at the file of a notice outside any transaction: keep it sealed, or say why it can not be sent."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Inspect, Inspected, Unfit, Vault
from bot.services.consumer.fetch_evidence import Download
from bot.services.outreach import compose
from bot.services.outreach.notice_file import PDF
from bot.services.privacy.erase import owe_drop
from bot.services.queue.deliver import Errand, Finish
from bot.services.sending import tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.outreach import Notice, NoticeState
from models.party import Account


def looker(tables: Tables, download: Download, inspect: Inspect, vault: Vault, most: int) -> Errand:
    """The errand ``notice_file``; run twice it stores the same file under the same key."""

    async def look(payload: Mapping[str, Any]) -> Finish | None:
        key = str(payload["key"])
        found: Inspected | Unfit
        try:
            found = await inspect(await download(str(payload["file_id"]), most))
        except Unfit as no:
            found = no
        else:
            await vault.put(key, found.content)

        async def finish(session: AsyncSession) -> None:
            notice = await session.get(
                Notice, uuid.UUID(hex=payload["notice"]), with_for_update=True
            )
            kept = notice.media if notice is not None else None
            if notice is None or not kept or kept["vault_key"] != key:
                await owe_drop(session, tables, key)  # another took its place meanwhile
                return
            author = await session.get_one(Account, notice.author_id)
            wrong = _wrong(kept["kind"], found)
            if wrong is not None:
                notice.media = None
                await owe_drop(session, tables, key)
                await tell(session, tables, author.address, say("notice.unfit", why=wrong))
            else:
                notice.media = {**kept, "fit": True}
            await session.flush()
            if notice.state is NoticeState.DRAFT:
                await compose.told(session, tables, notice, author.address)

        return finish

    return look


def _wrong(kind: str, found: Inspected | Unfit) -> Say | None:
    if isinstance(found, Unfit):
        return say(f"unfit.{found.reason}")
    if found.mime.startswith("image/") if kind == "photo" else found.mime == PDF:
        return None
    return say("unfit.type")
