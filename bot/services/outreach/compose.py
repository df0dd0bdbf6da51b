"""Write a notice in chat (写通知): text as it is formatted, one picture or file, up to three links; looked at
exactly as received, and any part changed before it goes to a second person.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from bot.interview.asides import control
from bot.ports import Button, Incoming
from bot.services.outreach import choose_readers, nights, notice_board, notice_file, when
from bot.services.outreach.notice_board import VERB, about, slot
from bot.services.outreach.readers import Audience, size
from bot.services.outreach.states import moved, too_late
from bot.services.sending import Answer, Rows, button, let_go, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from bot.texts.marked import Marked
from models.outreach import Notice, NoticeState
from models.party import Account

STOP = button("admin.button.stop", "m", value="stop")

PARTS = ("text", "file", "links")
"""What is asked for by a line; the rest is chosen by buttons."""


async def begin(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """Ask for a new notice's text."""
    account.awaiting = {"verb": VERB}
    await answer(
        say("notice.ask", most=tables.policy.notice_characters, readers=await size(session)),
        buttons=[[STOP]],
    )


async def ask(tables: Tables, notice: Notice, account: Account, answer: Answer, part: str) -> None:
    """Ask for one part anew; what is there stays until another came."""
    account.awaiting = {"verb": VERB, "step": part, "notice": notice.id.hex}
    policy = tables.policy
    row = [about(notice.id, "edit")]
    if (part == "file" and notice.media) or (part == "links" and notice.links):
        row.append(about(notice.id, f"no_{part}"))
    await answer(
        say(
            f"notice.ask_{part}",
            most=policy.notice_characters,
            under=policy.notice_caption_characters,
            mb=policy.file_mb,
            links=policy.notice_links,
            letters=policy.notice_link_characters,
        ),
        buttons=[row],
    )


async def typed(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    notice: Notice | None,
    account: Account,
    answer: Answer,
) -> None:
    """A part of it: kept and shown exactly as readers will get it, or asked for again with what is wrong."""
    part = str((account.awaiting or {}).get("step", "text"))
    if notice is not None and control(heard.text) == "back":
        account.awaiting = None
        await show(session, tables, notice, answer)
        return
    wrong = _wrong(tables, heard, notice, part)
    if wrong is not None:
        await answer(wrong, buttons=[[about(notice.id, "edit")] if notice else [STOP]])
        return
    account.awaiting = None
    if notice is None:
        notice = await draft(session, tables, account, Marked(heard.text, heard.marks))
    elif part != "links" and heard.text.strip():
        _put(notice, Marked(heard.text, heard.marks))
    if part == "links":
        notice.links = [list(pair) for pair in _links(heard.text)]
    if heard.files:
        await notice_file.keep(session, tables, notice, heard)
    await show(session, tables, notice, answer)


async def draft(
    session: AsyncSession, tables: Tables, author: Account, text: Marked, **more: Any
) -> Notice:
    """A new notice that nobody has seen."""
    notice = Notice(
        author_id=author.id,
        state=NoticeState.DRAFT,
        created_at=tables.clock.now(),
        **more,
    )
    _put(notice, text)
    session.add(notice)
    await session.flush()
    return notice


def _put(notice: Notice, text: Marked) -> None:
    text = text.strip()
    notice.body = text.text
    notice.marks = [[m.kind, m.start, m.end, m.link] for m in text.marks]


async def show(session: AsyncSession, tables: Tables, notice: Notice, answer: Answer) -> None:
    """The draft as its readers will get it, and below it everything that can still be changed."""
    author = await session.get_one(Account, notice.author_id)
    await let_go(session, author.address, slot(notice.id))
    shown = await notice_board.message(session, tables, notice)
    await answer(*shown.parts, buttons=shown.buttons, media=shown.media, captioned=True)
    parts, rows = await card(session, tables, notice)
    await answer(*parts, buttons=rows, slot=slot(notice.id))


async def told(session: AsyncSession, tables: Tables, notice: Notice, address: str) -> None:
    """The same, to a chat that did not ask just now."""
    await let_go(session, address, slot(notice.id))
    shown = await notice_board.message(session, tables, notice)
    await tell(
        session,
        tables,
        address,
        *shown.parts,
        buttons=shown.buttons,
        media=shown.media,
        captioned=True,
    )
    parts, rows = await card(session, tables, notice)
    await tell(session, tables, address, *parts, buttons=rows, slot=slot(notice.id))


async def card(session: AsyncSession, tables: Tables, notice: Notice) -> tuple[Sequence[Say], Rows]:
    """To whom it goes, when, where its links lead; and the buttons that change it."""
    audience = Audience.from_json(notice.audience)
    readers = await size(session, audience)
    checking = notice.media is not None and not notice.media["fit"]
    pace = tables.sends_per_second
    parts = [
        say("notice.check"),
        say(
            "notice.plan",
            who=choose_readers.words(tables, audience),
            readers=readers,
            when=when.words(tables, notice),
        ),
        *notice_board.leads_to(notice),
        *([say("notice.checking")] if checking else []),
        *([] if readers else [say("notice.nobody")]),
    ]
    if readers >= pace * 60 and notice.due_at is None:
        rests = nights.hold(tables, notice)
        parts.append(notice_board.finish(tables, readers, pace, rests=rests))

    def row(*acts: str) -> list[Button]:
        return [about(notice.id, act) for act in acts]

    return parts, [
        *([row("send")] if readers and not checking else []),
        row("text", "file"),
        row("links", "readers"),
        row("when", "repeat"),
        row("test", "drop"),
    ]


def _wrong(tables: Tables, heard: Incoming, notice: Notice | None, part: str) -> Say | None:
    """Why this cannot be that part of a notice, in words; None when it can."""
    policy = tables.policy
    if heard.place or heard.contact_phone or heard.extra.get("sticker"):
        return say("notice.not_text")
    if part == "links":
        return say("notice.not_text") if heard.files else _wrong_links(tables, heard.text)
    if heard.files and (unfit := notice_file.unfit(tables, heard)) is not None:
        return unfit
    text = heard.text.strip() or (notice.body if notice is not None else "")
    if part == "file" and not heard.files:
        return say("notice.no_file")
    if not text:
        return say("notice.empty")
    has_file = bool(heard.files) or (notice is not None and bool(notice.media))
    most = policy.notice_caption_characters if has_file else policy.notice_characters
    if len(text) > most:
        key = "notice.too_long_under" if has_file else "notice.too_long"
        return say(key, count=len(text), most=most)
    bad = next((m.link for m in heard.marks if m.kind == "text_link" and not safe(m.link)), None)
    return say("notice.bad_link", link=bad) if bad is not None else None


_LINE = re.compile(r"(?P<label>\S.*?)\s+(?P<link>\S+)")


def _links(text: str) -> list[tuple[str, str]]:
    """A label and its address in each line."""
    found = [_LINE.fullmatch(line.strip()) for line in text.splitlines() if line.strip()]
    return [(each["label"], each["link"]) for each in found if each is not None]


def _wrong_links(tables: Tables, text: str) -> Say | None:
    policy = tables.policy
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = _links(text)
    if not lines or len(found) != len(lines):
        return say("notice.link_lines")
    if len(found) > policy.notice_links:
        return say("notice.links_many", most=policy.notice_links)
    for label, address in found:
        if len(label) > policy.notice_link_characters:
            return say("notice.link_long", label=label, most=policy.notice_link_characters)
        if not safe(address):
            return say("notice.bad_link", link=address)
    return None


_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


def safe(address: str) -> bool:
    """Whether an address is one that people may be led to: https, a plain name of a host, nobody's password in it.

    A host in other letters (IDN) is refused, since it may look like another's.
    """
    if not address.isprintable() or len(address) > 500 or any(sign in address for sign in ' <>"\\'):
        return False
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.scheme != "https" or parts.username is not None or port not in (None, 443):
        return False
    try:
        ipaddress.ip_address(host)
        return False
    except ValueError:
        return bool(_HOST.fullmatch(host)) and "xn--" not in host


async def try_it(session: AsyncSession, tables: Tables, notice: Notice, account: Account) -> Say:
    """The author gets it as a reader would."""
    shown = await notice_board.message(session, tables, notice)
    await tell(
        session,
        tables,
        account.address,
        *shown.parts,
        buttons=shown.buttons,
        media=shown.media,
        captioned=True,
    )
    return say("notice.toast.tested")


async def without(
    session: AsyncSession, tables: Tables, notice: Notice, answer: Answer, part: str
) -> None:
    """The file or the links are taken away again."""
    if part == "file":
        await notice_file.drop(session, tables, notice)
    else:
        notice.links = None
    await show(session, tables, notice, answer)


async def again(
    session: AsyncSession, tables: Tables, notice: Notice, account: Account, answer: Answer
) -> None:
    """A new draft from one that was written before, to be changed."""
    copy = await draft(
        session,
        tables,
        account,
        notice_board.body(notice),
        media={**notice.media, "shared": True} if notice.media else None,
        links=notice.links,
        audience=notice.audience,
        for_staff=notice.for_staff,
        activity_id=notice.activity_id,
    )
    await show(session, tables, copy, answer)


async def give_up(
    session: AsyncSession, tables: Tables, notice: Notice, answer: Answer
) -> Say | None:
    """The draft is nobody's notice any more."""
    if not await moved(session, notice, NoticeState.DROPPED, NoticeState.DRAFT):
        return await too_late(session, tables, notice, answer)
    await notice_file.drop(session, tables, notice)
    await answer(say("notice.dropped"), slot=slot(notice.id))
    return None
