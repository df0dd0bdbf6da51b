"""Keep what the consumer sends as evidence (证据材料): numbered, with sender and time if forwarded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Attachment, Incoming, Inspected, Media, Message
from bot.services.queue.deliver import owe, owe_errand
from bot.services.sending import button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import SIGNED, Case, Evidence

ALBUM_PAUSE = timedelta(seconds=1.5)

MIME_LENGTH = 120
"""Characters of a MIME type as it was told (models.case); it is replaced by the true one."""

WORDS = "text"
"""The kind of a forwarded text message, which has no file."""


async def keep(
    session: AsyncSession, tables: Tables, heard: Incoming, case: Case, caption: str
) -> Say:
    """Add the files of one message to the case; returns what to tell the person.

    A file sent twice is kept once. Too many or too large ones are refused in words; the limits are
    the policy's and Telegram's.
    """
    notes: list[Say] = []
    for place, file in enumerate(heard.files):
        notes.append(await _keep_one(session, tables, heard, case, caption, file, place))
    return notes[-1] if notes else say("evidence.none")


async def keep_signed(
    session: AsyncSession, tables: Tables, heard: Incoming, case: Case, caption: str
) -> None:
    """The taker's picture of a signed paper; it does not count as the consumer's evidence."""
    for place, file in enumerate(heard.files):
        await _keep_one(session, tables, heard, case, caption, file, place, at=SIGNED)


async def _keep_one(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    case: Case,
    caption: str,
    file: Attachment,
    place: int,
    at: str = "",
) -> Say:
    policy = tables.policy
    source = f"{heard.key}:{place}"
    for old in case.evidence:
        if old.unique_id == file.unique_id or old.source_key == source:
            return say("evidence.again", number=old.number)
    now = tables.clock.now()
    if file.size > policy.file_mb * 1024 * 1024:
        return say("evidence.too_large", mb=policy.file_mb)
    if at != SIGNED and len(case.evidence) >= policy.files_per_case:
        return say("evidence.too_many", most=policy.files_per_case)
    if await _lately(session, case, now) >= policy.files_per_hour:
        return say("evidence.too_fast", most=policy.files_per_hour)
    kept = Evidence(
        number=max((e.number for e in case.evidence), default=0) + 1,
        source_key=source,
        kind=file.kind,
        file_id=file.file_id,
        unique_id=file.unique_id,
        mime=file.mime[:MIME_LENGTH],
        size=file.size,
        vault_key="",
        added_at=tables.clock.now(),
        extra={"at": at or case.asking},
    )
    kept.about = {
        "name": file.name,
        "caption": caption,
        "from": heard.forwarded_from,
        "sent": heard.forwarded_at.isoformat() if heard.forwarded_at else "",
    }
    case.evidence.append(kept)
    if at != SIGNED:
        _count(case)
    await session.flush()
    if file.kind != WORDS:
        await owe_errand(
            session,
            "fetch",
            {
                "evidence": str(kept.id),
                "file_id": file.file_id,
                "channel": heard.chat.partition(":")[0],
            },
            now=tables.clock.now(),
            key=f"fetch:{kept.id}",
            case_id=case.id,
        )
    kind = say(f"file_kind.{file.kind}")
    if heard.forwarded_from:
        return say(
            "evidence.forwarded",
            number=kept.number,
            kind=kind,
            who=heard.forwarded_from,
            left=policy.files_per_case - len(case.evidence),
        )
    return say(
        "evidence.kept",
        number=kept.number,
        kind=kind,
        left=policy.files_per_case - len(case.evidence),
    )


async def album_note(
    session: AsyncSession, tables: Tables, heard: Incoming, case: Case, note: Say
) -> None:
    """One answer for a whole album, put off while its parts still come in; a refusal has its own."""
    await owe(
        session,
        heard.chat,
        Message(
            (note, say("evidence.count", count=len(case.evidence))),
            ((button("button.evidence_done", "a", case, "evidence", "done"),),)
            if case.asking == "evidence"
            else (),
        ),
        now=tables.clock.now(),
        key=f"album:{heard.chat}:{heard.album}:{note.key}",
        run_at=tables.clock.now() + ALBUM_PAUSE,
    )


async def keep_words(
    session: AsyncSession, tables: Tables, heard: Incoming, case: Case, text: str
) -> Say:
    """Add a forwarded text message (聊天记录) as evidence, with its sender and time; what to tell her."""
    words = Attachment(WORDS, "", heard.key, mime="text/plain")
    return await _keep_one(session, tables, heard, case, text, words, 0)


async def _lately(session: AsyncSession, case: Case, now: datetime) -> int:
    """How many files her cases took within the hour."""
    return (
        await session.scalar(
            select(func.count())
            .select_from(Evidence)
            .join(Case, Case.id == Evidence.case_id)
            .where(Case.account_id == case.account_id, Evidence.added_at > now - timedelta(hours=1))
        )
    ) or 0


def _count(case: Case) -> None:
    """What she sent after the question about evidence counts too."""
    given = (case.answers or {}).get("evidence")
    if given is not None:
        hers = sum((one.extra or {}).get("at") != SIGNED for one in case.evidence)
        case.answers = {**(case.answers or {}), "evidence": {**given, "v": hers}}


def media(kept: Iterable[Evidence]) -> list[Media]:
    """Kept files as something to show; forwarded words stand in the list of the evidence itself, what
    is not inspected yet comes when it is, and what was set aside is shown to nobody."""
    return [
        Media(
            one.kind,
            one.file_id if (one.extra or {}).get("same", not held_back(one)) else "",
            one.vault_key,
            f"{one.number}.{(one.extra or {}).get('ext') or 'bin'}",
        )
        for one in kept
        if one.kind != WORDS
        and not (one.extra or {}).get("unfit")
        and (one.vault_key or not held_back(one))
    ]


MADE_ANEW = frozenset({"photo", "voice", "video_note"})
"""Kinds that the channel itself makes anew: they may be shown before they are inspected."""


def held_back(kept: Evidence) -> bool:
    """Whether nobody is shown it before it was inspected: it comes just as somebody made it."""
    return kept.kind not in MADE_ANEW


ALIKE = ({"jpg", "jpeg", "jpe"}, {"mp4", "m4v", "mov"}, {"ogg", "oga", "opus"}, {"mp3", "mpga"})
DRAWN = frozenset({"jpg", "jpeg", "png", "webp", "gif"})


def fits(ending: str, found: Inspected) -> bool:
    """Whether a name's ending tells the truth about the content."""
    drawn = {ending, found.extension} <= DRAWN
    return (
        ending == found.extension
        or drawn
        or any({ending, found.extension} <= alike for alike in ALIKE)
    )
