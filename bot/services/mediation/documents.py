"""Papers of a case (文书): put into words inside the transaction, drawn outside it, and sent as files.

Whoever composes one gives a :class:`bot.ports.Document` in plain words. The files lie sealed in the vault
for a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Document, Media, Vault
from bot.services.consumer import drafts
from bot.services.privacy import drop_file
from bot.services.queue.deliver import Errand, Finish, owe_errand
from bot.services.sending import tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case

ERRAND = "document"

Form = Literal["pdf", "docx"]
FORMS: tuple[Form, ...] = ("pdf", "docx")

Draw = Callable[[Document, Form], Awaitable[bytes]]
"""Makes a file of a document; raises RuntimeError when it cannot."""


async def order(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    document: Document,
    *,
    to: str,
    told: Say,
    media: Sequence[Media] = (),
    forms: Sequence[Form] = FORMS,
    key: str | None = None,
) -> None:
    """Owe a document to the chat ``to``: ``told`` comes with the files, and ``media`` before it. Whether
    that chat may have it is for the caller to know. Owing the same ``key`` again changes nothing.
    """
    await owe_errand(
        session,
        ERRAND,
        {
            "case": case.token,
            "to": to,
            "told": told.to_json(),
            "document": document.to_json(),
            "forms": list(forms),
            "media": [[one.kind, one.file_id, one.vault_key, one.name] for one in media],
        },
        now=tables.clock.now(),
        key=key,
        case_id=case.id,
        ordering=f"{ERRAND}:{case.token}",
    )


def maker(tables: Tables, draw: Draw, vault: Vault) -> Errand:
    """The errand ``document``; run twice it makes the same files under the same keys."""

    async def work(payload: Mapping[str, Any]) -> Finish | None:
        document = Document.from_json(payload["document"])
        files: list[Media] = []
        problem = ""
        try:
            for form in payload["forms"]:
                key = _key(payload, form)
                await vault.put(key, await draw(document, form))
                files.append(Media("document", "", key, _name(document, form)))
        except RuntimeError as error:
            problem = str(error)

        async def finish(session: AsyncSession) -> None:
            for one in files:
                await drop_file.keep_a_day(session, tables, UUID(one.vault_key))
            case = await drafts.by_token(session, str(payload["case"]))
            if case is None:
                return  # erased meanwhile
            to = str(payload["to"])
            if problem:
                await tell(
                    session, tables, to, say("document.failed", title=document.title, why=problem)
                )
                return
            shown = [Media(*one) for one in payload["media"]]
            told = Say.from_json(payload["told"])
            await tell(session, tables, to, told, case=case, media=[*shown, *files])

        return finish

    return work


def _key(payload: Mapping[str, Any], form: str) -> str:
    """One file for each content: a newer document never takes the place of one on its way."""
    content = f"{payload['case']}{payload['document']}{form}"
    return str(UUID(bytes=hashlib.sha256(content.encode()).digest()[:16]))


def _name(document: Document, form: str) -> str:
    return f"{document.title}-{document.number}.{form}"
