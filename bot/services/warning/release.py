"""A firm's name made public (曝光): written by an officer with reason and source, shown after a second person's yes,
taken down (撤下) by any officer. Each step is a line of the audit chain; until the yes nobody else reads the name.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.names import same_merchant
from bot.facts.phones import mask_text
from bot.figures import rules
from bot.interview.asides import control
from bot.ports import Button, Incoming, Press
from bot.services.privacy import audit
from bot.services.sending import Answer, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.services.warning import area
from bot.texts.catalogue import Say, say
from models.base import cipher
from models.party import Account
from models.privacy import Act
from models.warning import Release, ReleaseState

VERB = "wr"
S = ReleaseState
STEPS = ("name", "reason", "source")
SHOWN = 10


# -- what everybody reads ------------------------------------------------------------------------


async def count(session: AsyncSession) -> int:
    """How many firms are public now."""
    return (
        await session.scalar(
            select(func.count()).select_from(Release).where(Release.state == S.SHOWN)
        )
        or 0
    )


async def public_list(session: AsyncSession, answer: Answer) -> None:
    """The firms that are public now, the newest first."""
    rows = await _in_state(session, S.SHOWN)
    await answer(
        say("release.public_head") if rows else say("release.public_none"),
        *(public(row) for row in rows),
        buttons=[[button("hot.button.home", "lh"), button("protect.button.home", "l")]],
    )


async def about(session: AsyncSession, text: str) -> tuple[Say, ...]:
    """What is public about a firm of this name."""
    rows = await session.scalars(
        select(Release).where(Release.mark == _mark(text), Release.state == S.SHOWN)
    )
    return tuple(public(row) for row in rows)


def public(row: Release) -> Say:
    """A firm as the public list shows it."""
    return _entry(row.name or "", row.reason or "", row.source or "", row.shown_at)


def _entry(name: str, reason: str, source: str, at: datetime | None) -> Say:
    day = at.astimezone(SHANGHAI).date().isoformat() if at is not None else say("release.no_day")
    return say("release.entry", name=name, reason=reason, source=source, day=day)


# -- the officer's side --------------------------------------------------------------------------


async def pressed(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, press: Press
) -> Say | None:
    """The list, a new one step by step, and what is done to one; that she is an officer is looked up here."""
    mine = await area.of(session, tables, account)
    if mine is None or not mine.officer:
        return say("toast.not_staff")
    typed_so_far = account.awaiting or {}
    account.awaiting = None
    match press.question:
        case "new":
            account.awaiting = {"verb": VERB, "step": STEPS[0]}
            await _ask(answer, STEPS[0])
        case "ask" if typed_so_far.get("step") == "sure":
            return await _propose(session, tables, account, answer, typed_so_far)
        case "ask":
            return say("toast.stale")
        case "yes" | "no" | "back" | "down" | "gone":
            row = await _row(session, press.value)
            if row is None:
                return say("toast.stale")
            return await ACTS[press.question](session, tables, row, account, answer)
        case _:
            await home(session, account, answer)
    return None


async def home(session: AsyncSession, account: Account, answer: Answer, *before: Say) -> None:
    """What is public, what waits for a second person, and the way to a new one."""
    waiting = await _in_state(session, S.WAITING)
    shown = await _in_state(session, S.SHOWN)
    await answer(
        *before,
        say("release.home", shown=len(shown), waiting=len(waiting)),
        *(public(row) for row in shown),
        buttons=[
            [button("release.button.new", VERB, question="new")],
            *(_do("down", row, row.name or "") for row in shown),
            [button("warning.button.home", "w")],
        ],
    )
    for row in waiting:
        await answer(
            *await _card(session, row), buttons=_card_buttons(row, account), slot=_slot(row)
        )


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """A step's text: kept and the next one asked for, or asked for again with what is wrong."""
    waiting = dict(account.awaiting or {})
    step = str(waiting.get("step", ""))
    mine = await area.of(session, tables, account)
    if mine is None or not mine.officer:
        account.awaiting = None
        await answer(say("toast.not_staff"))
        return
    if control(heard.text) == "cancel":
        account.awaiting = None
        await home(session, account, answer, say("release.left"))
        return
    if step == "sure":
        await _preview(answer, waiting)
        return
    text = heard.text.strip()
    wrong = _wrong(step, text, bool(heard.files))
    if wrong is not None:
        await answer(wrong, buttons=[[_stop()]])
        return
    if step == "why_not":
        account.awaiting = None
        await _refused(session, tables, account, answer, str(waiting.get("row", "")), text)
        return
    waiting[step] = text
    following = (*STEPS, "sure")[STEPS.index(step) + 1]
    account.awaiting = {**waiting, "step": following}
    if following == "sure":
        await _preview(answer, waiting)
    else:
        await _ask(answer, following)


def _wrong(step: str, text: str, files: bool) -> Say | None:
    rule = rules.load().release
    most = {"name": rule.name, "source": rule.source}.get(step, rule.reason)
    least = 2 if step == "name" else rule.least
    if files or not least <= len(text) <= most:
        return say("release.length", least=least, most=most)
    return say("release.personal") if mask_text(text) != text else None


async def _ask(answer: Answer, step: str) -> None:
    rule = rules.load().release
    await answer(say(f"release.ask_{step}", most=getattr(rule, step)), buttons=[[_stop()]])


async def _preview(answer: Answer, kept: dict[str, str]) -> None:
    await answer(
        say("release.preview"),
        _entry(kept["name"], kept["reason"], kept["source"], None),
        say("release.sure"),
        buttons=[
            [button("release.button.ask", VERB, question="ask")],
            [button("release.button.anew", VERB, question="new"), _stop()],
        ],
    )


async def _propose(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, kept: dict[str, str]
) -> Say:
    others = await area.reviewers(session, tables, account)
    if not others:
        account.awaiting = dict(kept)
        return say("release.nobody_to_ask")
    now = tables.clock.now()
    row = Release(mark=_mark(kept["name"]), state=S.WAITING, author_id=account.id, asked_at=now)
    row.name, row.reason, row.source = kept["name"], kept["reason"], kept["source"]
    session.add(row)
    await session.flush()
    await _record(session, now, row, account, "ask")
    await answer(*await _card(session, row), buttons=_card_buttons(row, account), slot=_slot(row))
    await _show_others(session, tables, row, others)
    return say("release.toast_asked", count=len(others))


async def _approve(
    session: AsyncSession, tables: Tables, row: Release, account: Account, answer: Answer
) -> Say | None:
    if (barred := await _barred(session, tables, row, account)) is not None:
        return barred
    now = tables.clock.now()
    if not await _moved(session, row, S.WAITING, state=S.SHOWN, shown_at=now, by=account):
        return await _too_late(session, row, account, answer)
    await _record(session, now, row, account, "show")
    await _everywhere(session, tables, row, account, answer)
    return say("release.toast_shown")


async def _refuse(
    session: AsyncSession, tables: Tables, row: Release, account: Account, answer: Answer
) -> Say | None:
    if (barred := await _barred(session, tables, row, account)) is not None:
        return barred
    if row.state is not S.WAITING:
        return await _too_late(session, row, account, answer)
    account.awaiting = {"verb": VERB, "step": "why_not", "row": row.id.hex}
    await answer(say("release.ask_why_not"), buttons=[[_stop()]])
    return None


async def _refused(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, about: str, why: str
) -> None:
    row = await _row(session, about)
    if row is None or not await _moved(session, row, S.WAITING, state=S.REFUSED, by=account):
        await answer(say("toast.stale"))
        return
    row.why_not = why
    await _record(session, tables.clock.now(), row, account, "refuse")
    await _everywhere(session, tables, row, account, answer)


async def _take_back(
    session: AsyncSession, tables: Tables, row: Release, account: Account, answer: Answer
) -> Say | None:
    if row.author_id != account.id:
        return say("toast.not_staff")
    if not await _moved(session, row, S.WAITING, state=S.DROPPED):
        return await _too_late(session, row, account, answer)
    await _record(session, tables.clock.now(), row, account, "back")
    await _everywhere(session, tables, row, account, answer)
    return None


async def _ask_down(
    session: AsyncSession, _tables: Tables, row: Release, account: Account, answer: Answer
) -> Say | None:
    if row.state is not S.SHOWN:
        return await _too_late(session, row, account, answer)
    await answer(
        say("release.ask_down"),
        public(row),
        buttons=[[_do("gone", row)[0]], [button("release.button.list", VERB)]],
    )
    return None


async def _down(
    session: AsyncSession, tables: Tables, row: Release, account: Account, answer: Answer
) -> Say | None:
    now = tables.clock.now()
    if not await _moved(session, row, S.SHOWN, state=S.WITHDRAWN, withdrawn_at=now):
        return await _too_late(session, row, account, answer)
    await _record(session, now, row, account, "down")
    await _everywhere(session, tables, row, account, answer)
    return say("release.toast_down")


ACTS = {"yes": _approve, "no": _refuse, "back": _take_back, "down": _ask_down, "gone": _down}


# -- small parts ---------------------------------------------------------------------------------


async def _barred(
    session: AsyncSession, tables: Tables, row: Release, account: Account
) -> Say | None:
    """Why the account may not be the second person, or None."""
    if row.author_id == account.id:
        return say("release.own")
    author = await session.get_one(Account, row.author_id)
    others = await area.reviewers(session, tables, author)
    return None if account.id in {one.id for one in others} else say("toast.not_staff")


async def _moved(
    session: AsyncSession,
    row: Release,
    before: ReleaseState,
    *,
    state: ReleaseState,
    by: Account | None = None,
    **values: datetime,
) -> bool:
    """Whether this press turned it; of two at once, one does."""
    changed = {"state": state, **values, **({"reviewer_id": by.id} if by is not None else {})}
    taken = await session.scalar(
        update(Release)
        .where(Release.id == row.id, Release.state == before)
        .values(changed)
        .returning(Release.id)
    )
    await session.refresh(row)
    return taken is not None


async def _too_late(session: AsyncSession, row: Release, account: Account, answer: Answer) -> Say:
    await answer(*await _card(session, row), buttons=_card_buttons(row, account), slot=_slot(row))
    return say(f"release.state_{row.state}")


async def _everywhere(
    session: AsyncSession, tables: Tables, row: Release, account: Account, answer: Answer
) -> None:
    """The cards of all who have one say how it stands now; the author hears it anew."""
    card = await _card(session, row)
    await answer(*card, buttons=_card_buttons(row, account), slot=_slot(row))
    author = await session.get_one(Account, row.author_id)
    others = [one for one in await area.reviewers(session, tables, author) if one.id != account.id]
    if author.id != account.id:
        others.append(author)
    await _show_others(session, tables, row, others)
    if author.id != account.id:
        await tell(
            session,
            tables,
            author.address,
            say(f"release.state_{row.state}"),
            say("release.why_not", text=row.why_not) if row.why_not else None,
            buttons=[[button("release.button.list", VERB)]],
        )


async def _show_others(
    session: AsyncSession, tables: Tables, row: Release, others: Sequence[Account]
) -> None:
    card = await _card(session, row)
    for other in others:
        await tell(
            session,
            tables,
            other.address,
            *card,
            buttons=_card_buttons(row, other),
            slot=_slot(row),
        )


async def _card(session: AsyncSession, row: Release) -> tuple[Say, ...]:
    author = await session.get_one(Account, row.author_id)
    return (
        say("release.card", who=author.name or say("notice.colleague")),
        public(row),
        say(f"release.state_{row.state}"),
    )


def _card_buttons(row: Release, account: Account) -> list[list[Button]]:
    match row.state:
        case S.WAITING if row.author_id == account.id:
            return [_do("back", row)]
        case S.WAITING:
            return [[*_do("yes", row), *_do("no", row)]]
        case S.SHOWN:
            return [_do("down", row, row.name or "")]
    return []


def _do(act: str, row: Release, name: str = "") -> list[Button]:
    return [button(say(f"release.button.{act}", name=name), VERB, question=act, value=row.id.hex)]


def _stop() -> Button:
    return button("release.button.stop", VERB)


def _slot(row: Release) -> str:
    return f"release:{row.id}"


async def _in_state(session: AsyncSession, state: ReleaseState) -> Sequence[Release]:
    found = await session.scalars(
        select(Release)
        .where(Release.state == state)
        .order_by(Release.shown_at.desc(), Release.asked_at.desc())
        .limit(SHOWN)
    )
    return found.all()


async def _row(session: AsyncSession, value: str) -> Release | None:
    try:
        return await session.get(Release, uuid.UUID(hex=value))
    except ValueError:
        return None


async def _record(
    session: AsyncSession, now: datetime, row: Release, by: Account, what: str
) -> None:
    await audit.record(session, now, Act.RELEASE, by, f"release:{row.id}", what=what)


def _mark(name: str) -> bytes:
    return cipher().blind(f"merchant:{same_merchant(name)}")
