"""The one picture or PDF of a notice: inspected like evidence, sealed in the vault, sent by its file id.

It is a photo, which the channel itself drew anew, or a PDF, which is kept as it came: so the channel's own copy
may be shown, and our own is there for when that is gone.
"""

from __future__ import annotations

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Incoming
from bot.services.privacy.erase import owe_drop
from bot.services.queue.deliver import owe_errand
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.outreach import Notice

ERRAND = "notice_file"
PDF = "application/pdf"
NAME_LENGTH = 80


def unfit(tables: Tables, heard: Incoming) -> Say | None:
    """Why the files of this message cannot go with a notice; None when they can."""
    (first, *others) = heard.files
    if others or heard.album:
        return say("notice.one_file")
    if first.kind not in ("photo", "document"):
        return say("notice.not_file")
    if first.kind == "document" and first.mime != PDF:
        return say("notice.as_photo" if first.mime.startswith("image/") else "notice.not_file")
    if first.size > tables.policy.file_mb * 1024 * 1024:
        return say("notice.large_file", mb=tables.policy.file_mb)
    return None


async def keep(session: AsyncSession, tables: Tables, notice: Notice, heard: Incoming) -> None:
    """Take the file of this message; until it was looked at the notice cannot be sent."""
    await drop(session, tables, notice)
    (file,) = heard.files
    key = f"notice-{uuid.uuid4()}"
    name = " ".join(file.name.split())[-NAME_LENGTH:] if file.kind == "document" else ""
    notice.media = {
        "kind": file.kind,
        "file_id": file.file_id,
        "vault_key": key,
        "name": name or ("notice.pdf" if file.kind == "document" else "notice.jpg"),
        "fit": False,
    }
    await owe_errand(
        session,
        ERRAND,
        {"notice": notice.id.hex, "key": key, "file_id": file.file_id},
        now=tables.clock.now(),
        key=f"{ERRAND}:{key}",
    )


async def drop(session: AsyncSession, tables: Tables, notice: Notice) -> None:
    """The notice has no file any more; where a repetition shares it, the file stays."""
    if notice.media and not notice.media.get("shared"):
        await owe_drop(session, tables, notice.media["vault_key"])
    notice.media = None
