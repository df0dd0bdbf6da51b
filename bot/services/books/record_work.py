"""Record a desk's work (记台账) in three taps: what, how many, a photo or none; today unless another day is chosen.

Every tap carries what was chosen before, so a card in a work group may be gone on with by any colleague. What
the bot does itself (cases, consultations, clues) is counted without being typed.
"""

from __future__ import annotations

import re
import unicodedata
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.dates import parse_date
from bot.figures import periods
from bot.ports import Button, Incoming, Media, Press
from bot.services import accounts
from bot.services.books import area, count, write_up
from bot.services.network.bind_desk import by_serial, number, stamp
from bot.services.sending import Answer, button, day_words
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.books import WorkEntry, WorkKind
from models.network import Organisation
from models.party import Account

VERB = "sh"
KINDS = tuple(WorkKind)
NUMBERS = {WorkKind.LEAFLET: (50, 100, 200), WorkKind.CLUE: (1, 2, 3)}
PEOPLE = (10, 20, 50)
"""Numbers that are offered: of leaflets and clues, and of people."""

DESKS = 8
SHOWN = 8
"""Lines of the month's ledger that are shown, each with its undo."""

_STAMP = re.compile(r"[0-9]{1,10}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{1,7}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    """What has been chosen so far: the desk, the kind, how many, which day.

    ``card`` is when the first card of it was shown: whatever is pressed on its cards, it is written down once.
    """

    serial: int
    kind: WorkKind | None = None
    count: int = 0
    day: date | None = None
    card: int = 0

    def pack(self) -> str:
        if self.day is None:
            return str(self.serial)
        kind = KINDS.index(self.kind) if self.kind is not None else ""
        return f"{self.serial}.{kind}.{self.count}.{self.day:%Y%m%d}.{self.card}"

    @staticmethod
    def unpack(value: str) -> Entry:
        """What :meth:`pack` wrote; of anything else as much as makes sense."""
        serial, kind, how_many, day, card = (*value.split("."), "", "", "", "")[:5]
        known = number(kind) if kind else -1
        try:
            on = date.fromisoformat(day)
        except ValueError:
            on = None
        return Entry(
            number(serial),
            KINDS[known] if 0 <= known < len(KINDS) and on else None,
            number(how_many),
            on,
            int(card) if _STAMP.fullmatch(card) else 0,
        )


async def home(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> Say | None:
    """What was done? For one of her desks, which is asked when she has several."""
    desks = await _desks(session, tables, heard, account)
    if not desks:
        return say("books.not_staff")
    opened = stamp(tables)
    if len(desks) == 1:
        await _kinds(tables, desks[0], answer, opened)
        return None
    rows = [
        [button(say("work.desk", name=desk.name), VERB, None, "kind", str(desk.serial), opened)]
        for desk in desks[:DESKS]
    ]
    await answer(say("work.which"), buttons=rows, slot=_slot(opened))
    return None


async def pressed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> Say | None:
    """A tap of the ledger; the right to it is looked up anew each time."""
    press = heard.press
    if press is None:
        return None
    _forget(account)
    if not press.question:
        return await home(session, tables, heard, account, answer)
    if press.question == "undo":
        return await _undo(session, tables, heard, account, answer, press)
    entry = Entry.unpack(press.value)
    desk = await by_serial(session, str(entry.serial))
    if desk is None or not await _may(session, tables, heard, account, desk):
        return say("books.not_staff")
    opened = press.version or stamp(tables)
    match press.question:
        case "kind":
            await _kinds(tables, desk, answer, opened)
        case "list":
            await _list(session, tables, heard, desk, answer, opened)
        case "count" if entry.kind:
            await _counts(heard, account, desk, entry, answer, opened)
        case "day" if entry.kind:
            await _days(tables, heard, account, desk, entry, answer, opened)
        case "photo" if entry.kind and entry.count:
            await _photo(heard, account, desk, entry, answer, opened)
        case "done" if entry.kind and entry.count:
            return await _record(session, tables, account, desk, entry, answer, opened)
        case _:
            return say("toast.stale")
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """A number, a day or a photo that was asked for in this chat. Returns whether it was that."""
    waiting = account.awaiting or {}
    if waiting.get("verb") != VERB or waiting.get("chat") != heard.chat:
        return False
    entry = Entry.unpack(str(waiting.get("entry", "")))
    # What is typed is answered below it, in a new card.
    opened = stamp(tables)
    desk = await by_serial(session, str(entry.serial))
    if desk is None or not await _may(session, tables, heard, account, desk):
        account.awaiting = None
        await answer(say("books.not_staff"))
        return True
    pictures = [file for file in heard.files if file.kind == "photo"]
    match waiting.get("step"):
        case "photo" if pictures:
            account.awaiting = None
            await _record(
                session, tables, account, desk, entry, answer, opened, pictures[0].file_id
            )
        case "photo":
            await answer(say("work.wrong.photo"), buttons=_finish(entry, opened))
        case "day":
            when = parse_date(heard.text, accounts.today(tables)) if heard.text else None
            if when is None or when.first != when.last or not _day_fits(tables, when.first):
                await answer(say("work.wrong.day", days=tables.policy.work_back_days))
            else:
                account.awaiting = None
                await _go_on(heard, account, desk, replace(entry, day=when.first), answer, opened)
        case _:
            found = _DIGITS.match(unicodedata.normalize("NFKC", heard.text).strip())
            how_many = int(found[0]) if found else 0
            if not 0 < how_many <= tables.policy.work_most:
                await answer(say("work.wrong.count", most=tables.policy.work_most))
            else:
                account.awaiting = None
                await _photo(heard, account, desk, replace(entry, count=how_many), answer, opened)
    return True


def _forget(account: Account) -> None:
    if (account.awaiting or {}).get("verb") == VERB:
        account.awaiting = None


async def _desks(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account
) -> Sequence[Organisation]:
    """In a group its own desks, in private those that the account acts for."""
    if heard.private:
        return await area.own(session, tables, account)
    desks = await accounts.desks_of_chat(session, heard.chat)
    return [one for one in desks if await _may(session, tables, heard, account, one)]


async def _may(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, desk: Organisation
) -> bool:
    if tables.demo and not heard.private and desk.chat == heard.chat:
        return True
    return await accounts.may_act(session, tables, account, desk)


async def _kinds(tables: Tables, desk: Organisation, answer: Answer, opened: int) -> None:
    blank = Entry(desk.serial, day=accounts.today(tables), card=opened)
    picks = [
        button(f"work.kind.{kind}", VERB, None, "count", replace(blank, kind=kind).pack(), opened)
        for kind in KINDS
    ]
    await answer(
        say("work.what", name=desk.name),
        say("work.automatic"),
        buttons=[
            picks[:3],
            picks[3:],
            [button("work.button.list", VERB, None, "list", blank.pack(), opened)],
        ],
        slot=_slot(opened),
    )


async def _counts(
    heard: Incoming,
    account: Account,
    desk: Organisation,
    entry: Entry,
    answer: Answer,
    opened: int,
) -> None:
    _await(account, heard, "count", entry)
    await answer(
        _head(desk, entry),
        say(f"work.how_many.{entry.kind}"),
        say("work.reply") if not heard.private else None,
        buttons=[
            [
                button(
                    say("work.number", n=n),
                    *(VERB, None, "photo", replace(entry, count=n).pack(), opened),
                )
                for n in NUMBERS.get(entry.kind or WorkKind.TRAINING, PEOPLE)
            ],
            [
                button("work.button.day", VERB, None, "day", entry.pack(), opened),
                button("work.button.back", VERB, None, "kind", entry.pack(), opened),
            ],
        ],
        slot=_slot(opened),
    )


async def _days(
    tables: Tables,
    heard: Incoming,
    account: Account,
    desk: Organisation,
    entry: Entry,
    answer: Answer,
    opened: int,
) -> None:
    _await(account, heard, "day", entry)
    today = accounts.today(tables)
    days = [today - timedelta(days=back) for back in range(3)]
    step = "photo" if entry.count else "count"
    await answer(
        _head(desk, entry),
        say("work.which_day", days=tables.policy.work_back_days),
        buttons=[
            [
                button(day_words(day), VERB, None, step, replace(entry, day=day).pack(), opened)
                for day in days
            ]
        ],
        slot=_slot(opened),
    )


async def _go_on(
    heard: Incoming, account: Account, desk: Organisation, entry: Entry, answer: Answer, opened: int
) -> None:
    step = _photo if entry.count else _counts
    await step(heard, account, desk, entry, answer, opened)


async def _photo(
    heard: Incoming, account: Account, desk: Organisation, entry: Entry, answer: Answer, opened: int
) -> None:
    _await(account, heard, "photo", entry)
    await answer(
        _head(desk, entry),
        say("work.photo" if heard.private else "work.photo_reply"),
        buttons=_finish(entry, opened),
        slot=_slot(opened),
    )


def _finish(entry: Entry, opened: int) -> list[list[Button]]:
    again = replace(entry, count=0)
    return [
        [button("work.button.no_photo", VERB, None, "done", entry.pack(), opened)],
        [
            button("work.button.number", VERB, None, "count", again.pack(), opened),
            button("work.button.day", VERB, None, "day", entry.pack(), opened),
        ],
    ]


async def _record(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    desk: Organisation,
    entry: Entry,
    answer: Answer,
    opened: int,
    photo: str = "",
) -> Say | None:
    """Write it down, once for each card, whoever presses how often."""
    if entry.kind is None or entry.day is None or not _day_fits(tables, entry.day):
        return say("toast.stale")
    if not 0 < entry.count <= tables.policy.work_most:
        return say("toast.stale")
    key = uuid.uuid5(desk.id, str(entry.card))
    if await session.get(WorkEntry, key) is not None:
        return say("work.toast.already")
    row = WorkEntry(
        id=key,
        desk_id=desk.id,
        by_id=account.id,
        kind=entry.kind,
        count=entry.count,
        day=entry.day,
        photo=photo,
        made_at=tables.clock.now(),
    )
    session.add(row)
    await session.flush()
    await answer(
        say("work.done", line=_line(row), name=desk.name),
        say("work.with_photo") if photo else None,
        buttons=[
            [button("work.button.undo", VERB, None, "undo", row.id.hex, opened)],
            [
                button("work.button.again", VERB, None, "kind", str(desk.serial)),
                button("work.button.list", VERB, None, "list", str(desk.serial), opened),
            ],
        ],
        slot=_slot(opened),
    )
    return say("work.toast.done")


async def _undo(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """It counts no more; the line stays, with who undid it."""
    try:
        row = await session.get(WorkEntry, uuid.UUID(hex=press.value), with_for_update=True)
    except ValueError:
        row = None
    desk = await session.get(Organisation, row.desk_id) if row is not None else None
    if row is None or desk is None:
        return say("toast.stale")
    if not await _may(session, tables, heard, account, desk):
        return say("books.not_staff")
    if row.undone_at is not None:
        return say("work.toast.undone")
    row.undone_at, row.undone_by_id = tables.clock.now(), account.id
    await answer(
        say("work.undone", line=_line(row), name=desk.name),
        buttons=[[button("work.button.again", VERB, None, "kind", str(desk.serial))]],
        slot=_slot(press.version),
    )
    return say("work.toast.undone")


async def _list(
    session: AsyncSession,
    tables: Tables,
    heard: Incoming,
    desk: Organisation,
    answer: Answer,
    opened: int,
) -> None:
    """This month's ledger: what was noted, and what the bot counted by itself."""
    await write_up.catch_up(session, tables)
    month = periods.around(accounts.today(tables), "month")
    rows = (
        await session.scalars(
            select(WorkEntry)
            .where(
                WorkEntry.desk_id == desk.id,
                WorkEntry.undone_at.is_(None),
                WorkEntry.day.between(month.first, month.last),
            )
            .order_by(WorkEntry.day.desc(), WorkEntry.made_at.desc())
        )
    ).all()
    sums = count.together((await count.works(session, month, desk)).values())
    auto = await count.total(session, month, desk)
    pictures = [Media("photo", row.photo) for row in rows[:SHOWN] if row.photo]
    await answer(
        say("work.month", name=desk.name, month=month.first.month),
        say("work.sums", lines=work_lines(sums)) if sums.times else say("work.none"),
        say("work.auto", cases=auto.complaints, consults=auto.consults, clues=auto.clues),
        say("work.lately", lines=[_line(row) for row in rows[:SHOWN]]) if rows else None,
        media=pictures if heard.private else (),
        buttons=[
            *(
                [
                    button(
                        say("work.button.undo_one", line=_line(row)),
                        *(VERB, None, "undo", row.id.hex, opened),
                    )
                ]
                for row in rows[:SHOWN]
            ),
            [button("work.button.again", VERB, None, "kind", str(desk.serial))],
        ],
        slot="" if pictures and heard.private else _slot(opened),
    )


def work_lines(worked: count.Worked) -> list[Say]:
    """What was noted, a line for each kind that there is any of."""
    return [
        say(f"work.sum.{kind}", times=worked.times[kind], count=f"{worked.sums[kind]:,}")
        for kind in KINDS
        if worked.times[kind]
    ]


def _head(desk: Organisation, entry: Entry) -> Say:
    return say(
        "work.head_count" if entry.count else "work.head",
        name=desk.name,
        kind=say(f"work.kind.{entry.kind}"),
        count=say(f"work.unit.{entry.kind}", n=entry.count),
        day=day_words(entry.day) if entry.day else "",
    )


def _line(row: WorkEntry) -> Say:
    return say(
        "work.line",
        day=day_words(row.day),
        kind=say(f"work.kind.{row.kind}"),
        count=say(f"work.unit.{row.kind}", n=row.count),
    )


def _day_fits(tables: Tables, day: date) -> bool:
    today = accounts.today(tables)
    return today - timedelta(days=tables.policy.work_back_days) <= day <= today


def _await(account: Account, heard: Incoming, step: str, entry: Entry) -> None:
    account.awaiting = {
        "verb": VERB,
        "chat": heard.chat,
        "step": step,
        "entry": entry.pack(),
    }


def _slot(opened: int) -> str:
    return f"{VERB}:{opened}"
