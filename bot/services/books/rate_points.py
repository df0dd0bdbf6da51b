"""Rate the points (评定): simulated first, which changes nothing; adopted by a second admin; then frozen.

The formula is data (``bot/figures/rating.toml``). A point's tier in the register changes only here, from a snapshot
that was adopted, or by the bureau's word on an appeal.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures import periods
from bot.figures.periods import Period
from bot.figures.rating import Formula, Rated, Work, load, rate
from bot.ports import Button, Press
from bot.services import accounts, menus
from bot.services.books import area, count, judge_appeal, words, write_up
from bot.services.network import load_register
from bot.services.network.bind_desk import number
from bot.services.privacy import audit
from bot.services.sending import Answer, Rows, button, tell
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.books import CaseFigure, Outcome, RatingRow, RatingSnapshot, SnapshotState
from models.network import Level, LiaisonPoint, Organisation
from models.party import Account
from models.privacy import Act

VERB = judge_appeal.VERB
PER_PAGE = 10
YEARS = 2
"""Years that are offered to be rated: this one and the one before."""

S = SnapshotState
F = CaseFigure


async def home(session: AsyncSession, tables: Tables, account: Account, answer: Answer) -> None:
    """The books of the bureau: reports, the rating, appeals."""
    account.awaiting = None
    today = accounts.today(tables)
    newest = await adopted(session)
    waiting = await session.scalar(
        select(RatingSnapshot).where(RatingSnapshot.state == S.WAITING).limit(1)
    )
    appeals = await judge_appeal.waiting(session)
    years = [periods.year(today.year - back) for back in range(YEARS)]
    await answer(
        say("rating.home"),
        say("rating.newest", period=words.period_words(span(newest)), day=_day(newest))
        if newest is not None
        else say("rating.never"),
        say("rating.is_waiting") if waiting is not None else None,
        say("rating.appeals", count=appeals) if appeals else None,
        buttons=[
            [
                button(
                    say("rating.button.simulate", year=one.first.year),
                    *(VERB, None, "sim", f"{one.code}.0"),
                )
                for one in years
            ],
            *(
                [[button("rating.button.waiting", VERB, None, "look", waiting.id.hex)]]
                if waiting is not None
                else []
            ),
            [button("rating.button.appeals", VERB, None, "appeals")],
            [Button(menus.label("books"), Press("m", value="books"))],
        ],
    )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """An admin's button about the rating."""
    account.awaiting = None
    match press.question:
        case "sim" | "propose":
            code, _, page = press.value.partition(".")
            period = periods.read(code)
            if period is None:
                return say("toast.stale")
            if press.question == "propose":
                return await _propose(session, tables, account, answer, period)
            await _simulate(session, tables, answer, period, number(page))
        case "look" | "yes" | "no":
            return await _decide(session, tables, press, account, answer)
        case "appeals" | "appeal" | "keep" | "change":
            return await judge_appeal.pressed(session, tables, press, account, answer)
        case _:
            await home(session, tables, account, answer)
    return None


async def adopted(session: AsyncSession) -> RatingSnapshot | None:
    """The newest rating that holds."""
    found: RatingSnapshot | None = await session.scalar(
        select(RatingSnapshot)
        .where(RatingSnapshot.state == S.ADOPTED)
        .order_by(RatingSnapshot.decided_at.desc())
        .limit(1)
    )
    return found


def span(snapshot: RatingSnapshot) -> Period:
    """The period that it is about."""
    whole = periods.year(snapshot.first_day.year)
    if (whole.first, whole.last) == (snapshot.first_day, snapshot.last_day):
        return whole
    return Period("range", snapshot.first_day, snapshot.last_day)


async def works(
    session: AsyncSession, tables: Tables, period: Period, formula: Formula
) -> dict[area.Key, Work]:
    """What each desk did with complaints, as the formula counts it."""
    counted = and_(
        F.day.between(period.first, period.last),
        F.part.in_(("dispute", "advice")),
        F.outcome.not_in([Outcome(code) for code in formula.uncounted]),
        F.outcome != Outcome.MERGED,
        F.desk_id.is_not(None),
    )
    stale = accounts.today(tables) - timedelta(days=formula.open_days)
    failed = or_(
        ~F.held,
        F.outcome == Outcome.UNSOLVED,
        and_(F.outcome == Outcome.WITHDRAWN, F.take_minutes.is_not(None)),
        and_(F.outcome == Outcome.OPEN, F.day <= stale),
    )
    ended = F.outcome.in_((Outcome.SOLVED, Outcome.UNSOLVED))
    found = await session.execute(
        select(
            F.desk_id,
            func.count().filter(F.outcome == Outcome.SOLVED),
            func.count().filter(failed),
            func.count().filter(ended),
            func.count().filter(F.prompt.is_not(None)),
            func.count().filter(F.prompt.is_(True)),
            func.coalesce(func.sum(F.rate_sum), 0),
            func.coalesce(func.sum(F.rate_count), 0),
        )
        .where(counted)
        .group_by(F.desk_id)
    )
    bureau = await session.scalar(
        select(Organisation).where(Organisation.level == Level.BUREAU).limit(1)
    )
    taught = await count.education_days(session, period, bureau) if bureau is not None else {}
    return {
        row[0]: Work(*(int(number) for number in (*row[1:], taught.get(row[0], 0))))
        for row in found
    }


async def simulate(
    session: AsyncSession, tables: Tables, period: Period
) -> tuple[Sequence[Rated], dict[str, Any], dict[str, Work]]:
    """Every point with the tier that it would get; the points' rows and their work, by code."""
    formula = load()
    found = await works(session, tables, period, formula)
    tree = await area.tree(session)
    points = {row.code: row for row in tree.desks.values() if row.level is Level.POINT}
    done = {code: found.get(row.id, Work()) for code, row in points.items()}
    made = rate(
        formula,
        [(code, points[code].tier or "", work) for code, work in done.items()],
        period.months,
    )
    return made, points, done


async def _simulate(
    session: AsyncSession, tables: Tables, answer: Answer, period: Period, page: int
) -> None:
    """Who would move, and nothing is changed."""
    left = await write_up.catch_up(session, tables)
    made, points, _ = await simulate(session, tables, period)
    rows = [button("rating.button.propose", VERB, None, "propose", period.code)]
    moves = [one for one in made if one.tier != one.former]
    shown, turns = _page(moves, page, lambda to: (VERB, None, "sim", f"{period.code}.{to}"))
    await answer(
        say(
            "rating.simulated",
            period=words.period_words(period),
            version=load().version,
        ),
        *_summary(made),
        say("rating.moves", lines=[_move(one, points) for one in shown])
        if shown
        else say("rating.no_moves"),
        say("report.left", count=left) if left else None,
        say("rating.not_over") if period.last >= accounts.today(tables) else None,
        say("rating.unchanged"),
        buttons=[*turns, rows, [button("rating.button.home", VERB)]],
        slot=f"{VERB}:{period.code}",
    )


def _summary(made: Sequence[Rated]) -> list[Say]:
    before = Counter(one.former for one in made)
    after = Counter(one.tier for one in made)
    seats = {tier.code: tier.seats for tier in load().tiers}
    lines = [
        say(
            "rating.tier_line_seats" if seats[code] else "rating.tier_line",
            tier=say(f"rating.tier.{code}"),
            before=before[code],
            after=after[code],
            seats=seats[code],
        )
        for code in seats
    ]
    rated = sum(one.score is not None for one in made)
    return [
        say("rating.counts", points=len(made), rated=rated, unrated=len(made) - rated),
        say("rating.lines", lines=lines),
    ]


def _move(one: Rated, points: dict[str, Any]) -> Say:
    return say(
        "rating.move",
        name=points[one.code].name,
        former=tier_words(one.former),
        tier=tier_words(one.tier),
        score=f"{one.score.total:.1f}" if one.score is not None else "—",
    )


def tier_words(code: str) -> Say:
    """A tier as people say it."""
    return say(f"rating.tier.{code}") if code else say("rating.no_tier")


def _page(rows: Sequence[Any], page: int, to: Any) -> tuple[Sequence[Any], list[list[Button]]]:
    last = max(0, (len(rows) - 1) // PER_PAGE)
    page = min(page, last)
    turns = []
    if page:
        turns.append(button("bind.button.back", *to(page - 1)))
    if page < last:
        turns.append(button("bind.button.more", *to(page + 1)))
    return rows[page * PER_PAGE : (page + 1) * PER_PAGE], [turns] if turns else []


async def _propose(
    session: AsyncSession, tables: Tables, account: Account, answer: Answer, period: Period
) -> Say | None:
    """Freeze what was simulated, and ask another admin."""
    others = [one for one in await accounts.admins(session) if one.id != account.id]
    if not others:
        await answer(say("rating.no_second"), buttons=[[button("rating.button.home", VERB)]])
        return None
    open_one = select(RatingSnapshot.id).where(RatingSnapshot.state == S.WAITING).limit(1)
    if await session.scalar(open_one) is not None:
        return say("rating.toast.waiting")
    if await write_up.catch_up(session, tables):
        return say("rating.toast.not_written_up")
    made, points, done = await simulate(session, tables, period)
    snapshot = RatingSnapshot(
        first_day=period.first,
        last_day=period.last,
        formula=load().version,
        state=S.WAITING,
        by_id=account.id,
        made_at=tables.clock.now(),
    )
    session.add(snapshot)
    await session.flush()
    await session.execute(
        insert(RatingRow),
        [
            {
                "snapshot_id": snapshot.id,
                "desk_id": points[one.code].id,
                "score": one.score.total if one.score is not None else None,
                "parts": {
                    **(one.score.parts if one.score is not None else {}),
                    "work": asdict(done[one.code]),
                },
                "former": one.former,
                "tier": one.tier,
            }
            for one in made
        ],
    )
    await _record(session, tables, account, snapshot, "propose", points=len(made))
    for other in others:
        await tell(
            session,
            tables,
            other.address,
            say("rating.asks", who=account.name or "", period=words.period_words(period)),
            *_summary(made),
            buttons=_verdict(snapshot),
            slot=_slot(snapshot),
        )
    await answer(
        say("rating.proposed", names=[one.name or "" for one in others]),
        buttons=[[button("rating.button.home", VERB)]],
    )
    return None


def _verdict(snapshot: RatingSnapshot) -> Rows:
    key = snapshot.id.hex
    return [
        [button("rating.button.look", VERB, None, "look", key)],
        [
            button("rating.button.yes", VERB, None, "yes", key),
            button("rating.button.no", VERB, None, "no", key),
        ],
    ]


async def _decide(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """Look at who would move, adopt, or refuse: by another admin than the one who asked."""
    key, _, page = press.value.partition(".")
    try:
        snapshot = await session.get(RatingSnapshot, uuid.UUID(hex=key))
    except ValueError:
        snapshot = None
    if snapshot is None:
        return say("toast.stale")
    if press.question == "look":
        await _look(session, answer, snapshot, number(page))
        return None
    if snapshot.by_id == account.id:
        return say("rating.toast.own")
    state = S.ADOPTED if press.question == "yes" else S.REFUSED
    turned = await session.scalar(
        update(RatingSnapshot)
        .where(RatingSnapshot.id == snapshot.id, RatingSnapshot.state == S.WAITING)
        .values(state=state, decided_by_id=account.id, decided_at=tables.clock.now())
        .returning(RatingSnapshot.id)
    )
    await session.refresh(snapshot)
    if turned is None:
        return say(f"rating.toast.{snapshot.state}")
    await _record(session, tables, account, snapshot, press.question)
    moved = await _take_over(session, snapshot) if state is S.ADOPTED else []
    told = say(
        f"rating.decided.{state}", who=account.name or "", period=words.period_words(span(snapshot))
    )
    await answer(told, slot=_slot(snapshot))
    author = await session.get_one(Account, snapshot.by_id)
    await tell(session, tables, author.address, told)
    for desk, row in moved:
        chat = await accounts.chat_of(session, desk)
        if chat is not None:
            await tell(
                session,
                tables,
                chat,
                say(
                    "rating.told",
                    name=desk.name,
                    period=words.period_words(span(snapshot)),
                    tier=tier_words(row.tier),
                    days=load().appeal_days,
                ),
            )
    return say(f"rating.toast.{state}")


async def _take_over(
    session: AsyncSession, snapshot: RatingSnapshot
) -> list[tuple[Organisation, RatingRow]]:
    """The register gets the new tiers; the points that moved."""
    found = await session.execute(
        select(Organisation, RatingRow)
        .join(RatingRow, RatingRow.desk_id == Organisation.id)
        .where(RatingRow.snapshot_id == snapshot.id, RatingRow.tier != RatingRow.former)
        .order_by(Organisation.serial)
    )
    moved = [(desk, row) for desk, row in found]
    if moved:
        connection = await session.connection()
        await connection.execute(
            update(LiaisonPoint)
            .where(LiaisonPoint.id == bindparam("row"))
            .values(tier=bindparam("new")),
            [{"row": desk.id, "new": row.tier} for desk, row in moved],
        )
        await load_register.changed(session)
    return moved


async def _look(session: AsyncSession, answer: Answer, snapshot: RatingSnapshot, page: int) -> None:
    """The frozen list of who moves."""
    found = await session.execute(
        select(RatingRow, Organisation.name)
        .join(Organisation, Organisation.id == RatingRow.desk_id)
        .where(RatingRow.snapshot_id == snapshot.id, RatingRow.tier != RatingRow.former)
        .order_by(RatingRow.id)
    )
    rows = found.all()
    key = snapshot.id.hex
    shown, turns = _page(rows, page, lambda to: (VERB, None, "look", f"{key}.{to}"))
    lines = [
        say(
            "rating.move",
            name=name,
            former=tier_words(row.former),
            tier=tier_words(row.tier),
            score=f"{row.score:.1f}" if row.score is not None else "—",
        )
        for row, name in shown
    ]
    verdict = _verdict(snapshot)[1:] if snapshot.state is S.WAITING else []
    await answer(
        say("rating.frozen", period=words.period_words(span(snapshot)), version=snapshot.formula),
        say("rating.moves", lines=lines) if lines else say("rating.no_moves"),
        buttons=[*turns, *verdict, [button("rating.button.home", VERB)]],
        slot=f"{_slot(snapshot)}:look",
    )


async def _record(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    snapshot: RatingSnapshot,
    what: str,
    **details: int,
) -> None:
    await audit.record(
        session,
        tables.clock.now(),
        Act.RATING,
        account,
        f"rating:{snapshot.id}",
        what=what,
        **details,
    )


def _slot(snapshot: RatingSnapshot) -> str:
    return f"{VERB}:{snapshot.id.hex}"


def _day(snapshot: RatingSnapshot) -> str:
    return (snapshot.decided_at or snapshot.made_at).astimezone(SHANGHAI).date().isoformat()
