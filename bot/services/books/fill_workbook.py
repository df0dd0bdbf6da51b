"""Fill a workbook (工作簿): the figures of a desk broken down every way, its ledger and its rating; payments in advance.

Pages in plain words; whoever binds them into a file knows nothing of what they say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures.periods import Period
from bot.figures.plots import Cell, Chart, Page
from bot.figures.rating import PARTS
from bot.figures.tally import Tally, quantiles
from bot.services import accounts
from bot.services.books import area, count, words
from bot.services.books.area import Key
from bot.services.mediation import ledger
from bot.services.sending import minute_words
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.books import RatingRow, RatingSnapshot, SnapshotState, WorkEntry, WorkKind
from models.network import Organisation
from models.party import Account

FIGURES = (
    *("received", "complaints", "clues", "consults", "taken", "solved", "unsolved"),
    *("withdrawn", "open", "gave_up"),
)
TIMES = ("take_half", "take_most", "handle_half", "handle_most")
COLUMNS = (*FIGURES, "share", "yuan", *TIMES, "mark", "marks")
SHARES = (1 + COLUMNS.index("share"),)
WORKS = tuple(kind.value for kind in WorkKind)
CHARTED = 15
"""Rows of a sheet that its chart shows."""


async def pages(
    session: AsyncSession, tables: Tables, desk: Organisation, period: Period
) -> list[Page]:
    """The workbook's sheets: summary by month, streets, points, types, categories, natures, ledger, rating."""
    text = tables.texts.plain
    tree = await area.tree(session)
    note = text(
        say(
            "book.note",
            name=desk.name,
            period=words.period_words(period),
            at=accounts.today(tables).isoformat(),
        )
    )
    desks = await count.tallies(session, period, desk, "desk", times=True)
    worked = await count.works(session, period, desk)
    whole = Tally()
    for one in desks.values():
        whole.add(one)
    summed = _cells(whole)
    head = tuple(text(say(f"book.column.{name}")) for name in COLUMNS)
    work_head = tuple(text(say(f"book.column.work_{name}")) for name in WORKS)

    def page(
        name: str,
        groups: Mapping[Any, Tally],
        label: Callable[[Any], str],
        works: Mapping[Any, count.Worked] | None = None,
    ) -> Page:
        """One row a group, the most first, and the sum below."""
        keys = sorted(
            {*groups, *(works or {})},
            key=lambda key: (-groups.get(key, Tally()).received, label(key)),
        )
        rows = [
            (
                label(key),
                *_cells(groups.get(key, Tally())),
                *(_worked(works.get(key)) if works is not None else ()),
            )
            for key in keys
        ]
        total = (
            text(say("book.total")),
            *summed,
            *(_worked(count.together(works.values())) if works is not None else ()),
        )
        title = text(say(f"book.sheet.{name}"))
        chart = Chart("bar", title, 0, (1, 1 + COLUMNS.index("solved")), min(len(rows), CHARTED))
        first = text(say(f"book.first.{name}"))
        columns = (first, *head, *(work_head if works is not None else ()))
        return Page(title, note, columns, (*rows, total), SHARES, chart if rows else None)

    def called(key: Key) -> str:
        row = tree.desks.get(key)
        return row.name if row is not None else text(say("report.no_desk"))

    facets = await count.tallies(session, period, desk, "facets", times=True)
    months, objects, natures = (count.regrouped(facets, itemgetter(place)) for place in range(3))
    return [
        _summary(tables, months, note, summed, head),
        page(
            "street",
            count.regrouped(desks, tree.street),
            called,
            _regrouped(worked, tree),
        ),
        page("desk", desks, called, worked),
        page(
            "type",
            count.regrouped(desks, tree.type),
            lambda key: text(words.type_words(key)),
        ),
        page("object", objects, lambda key: text(words.code_words("object", key))),
        page("nature", natures, lambda key: text(words.code_words("nature", key))),
        await _ledger(session, tables, desk, period, note, called),
        await _rating(session, tables, desk, note, called),
    ]


def _regrouped(worked: Mapping[Key, count.Worked], tree: area.Tree) -> dict[Key, count.Worked]:
    made: dict[Key, count.Worked] = {}
    for key, one in worked.items():
        made.setdefault(tree.street(key), count.Worked()).add(one)
    return made


def _cells(tally: Tally) -> list[Cell]:
    """A row of COLUMNS."""
    return [
        *(getattr(tally, name) for name in FIGURES),
        tally.solved_share,
        tally.returned_fen / 100,
        *quantiles(tally.take, 0.5, 0.9),
        *quantiles(tally.handle, 0.5, 0.9),
        round(tally.mark, 2) if tally.mark is not None else None,
        tally.rate_count,
    ]


def _worked(worked: count.Worked | None) -> list[Cell]:
    return [worked.sums[kind] if worked is not None else 0 for kind in WORKS]


def _summary(
    tables: Tables,
    months: Mapping[str, Tally],
    note: str,
    summed: Sequence[Cell],
    head: tuple[str, ...],
) -> Page:
    """The months of the period and their sum, with the course of what came in and was solved."""
    rows = [(month, *_cells(months[month])) for month in sorted(months)]
    text = tables.texts.plain
    title = text(say("book.sheet.summary"))
    return Page(
        title,
        note,
        (text(say("book.first.summary")), *head),
        (*rows, (text(say("book.total")), *summed)),
        SHARES,
        Chart("line", title, 0, (1, 1 + COLUMNS.index("solved")), len(rows)),
    )


async def _ledger(
    session: AsyncSession,
    tables: Tables,
    desk: Organisation,
    period: Period,
    note: str,
    called: Callable[[Key], str],
) -> Page:
    """What was noted by hand, line by line; nobody's name."""
    text = tables.texts.plain
    found = await session.execute(
        select(WorkEntry.day, WorkEntry.desk_id, WorkEntry.kind, WorkEntry.count, WorkEntry.photo)
        .where(
            and_(
                WorkEntry.undone_at.is_(None),
                WorkEntry.day.between(period.first, period.last),
                area.within(WorkEntry.desk_id, desk),
            )
        )
        .order_by(WorkEntry.day, WorkEntry.id)
    )
    kinds = {kind: text(say(f"work.kind.{kind}")) for kind in WorkKind}
    proof = {True: text(say("book.photo")), False: text(say("book.no_photo"))}
    rows = tuple(
        (day.isoformat(), called(key), kinds[kind], how_many, proof[bool(photo)])
        for day, key, kind, how_many, photo in found
    )
    head = tuple(
        text(say(f"book.ledger.{name}")) for name in ("day", "desk", "kind", "count", "photo")
    )
    return Page(text(say("book.sheet.ledger")), note, head, rows)


async def _rating(
    session: AsyncSession,
    tables: Tables,
    desk: Organisation,
    note: str,
    called: Callable[[Key], str],
) -> Page:
    """The newest rating that was adopted: scores with their parts, and tiers."""
    text = tables.texts.plain
    newest = await session.scalar(
        select(RatingSnapshot.id)
        .where(RatingSnapshot.state == SnapshotState.ADOPTED)
        .order_by(RatingSnapshot.decided_at.desc())
        .limit(1)
    )
    found = await session.execute(
        select(RatingRow)
        .where(RatingRow.snapshot_id == newest, area.within(RatingRow.desk_id, desk))
        .order_by(RatingRow.score.desc(), RatingRow.id)
    )
    rows = tuple(
        (
            called(row.desk_id),
            text(say(f"rating.tier.{row.tier}")) if row.tier else "",
            row.score,
            *((row.parts or {}).get(part) for part in PARTS),
        )
        for row in found.scalars()
    )
    parts = tuple(text(say(f"rating.part.{part}")) for part in PARTS)
    head = (*(text(say(f"book.rating.{name}")) for name in ("desk", "tier", "score")), *parts)
    return Page(text(say("book.sheet.rating")), note, head, rows)


async def advances(
    session: AsyncSession, tables: Tables, account: Account, value: str
) -> list[Page] | None:
    """Payments in advance of a month, or those still out (``open``), as one sheet; None for who may see none."""
    seen = await ledger.seen_by(session, account)
    if seen is None:
        return None
    text = tables.texts.plain
    rows = tuple(
        (
            number,
            name,
            row.fen / 100,
            text(say(f"paper.advance.state.{row.state}")),
            minute_words(row.asked_at),
            minute_words(row.paid_at) if row.paid_at else "",
            text(say(f"paper.advance.recourse.{row.recourse}")),
            row.recovered_fen / 100,
            (row.fen - row.recovered_fen) / 100,
        )
        for row, number, name in await ledger.paid_rows(session, value, seen)
    )
    columns = ("number", "desk", "yuan", "state", "asked", "paid", "recourse", "back", "out")
    head = tuple(text(say(f"book.advance.{name}")) for name in columns)
    note = text(say("book.advance_note", at=accounts.today(tables).isoformat()))
    return [Page(text(say("book.sheet.advances")), note, head, rows)]
