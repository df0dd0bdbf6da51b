"""A point's own rating (本点评定): its score part by part, what counts and how to do better; and its appeal (申诉)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures.rating import PARTS, Formula, Work, load
from bot.ports import Incoming
from bot.services import accounts
from bot.services.books import judge_appeal, rate_points, words
from bot.services.network.bind_desk import by_serial
from bot.services.privacy import audit
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.books import AppealState, RatingAppeal, RatingRow, RatingSnapshot
from models.network import Level, Organisation
from models.party import Account
from models.privacy import Act

VERB = "sir"


async def pressed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> Say | None:
    """Show it, or begin an appeal; the right to it is looked up anew each time."""
    press = heard.press
    if press is None or not heard.private:
        return say("toast.not_yours")
    account.awaiting = None
    desk = await by_serial(session, press.value)
    if desk is None or desk.level is not Level.POINT:
        return say("toast.stale")
    if not account.is_admin and not await accounts.may_act(session, tables, account, desk):
        return say("books.not_staff")
    found = await _row(session, desk)
    if found is None:
        await answer(say("rating.none_yet", name=desk.name))
        return None
    snapshot, row = found
    appeal = await judge_appeal.of(session, snapshot, desk)
    if press.question == "appeal":
        if (refused := _too_late(tables, snapshot, appeal)) is not None:
            return refused
        account.awaiting = {"verb": VERB, "desk": desk.serial, "snapshot": snapshot.id.hex}
        await answer(
            say("appeal.ask", name=desk.name, most=tables.policy.appeal_characters),
            buttons=[[button("appeal.button.not", VERB, None, "", str(desk.serial))]],
        )
        return None
    await _show(tables, answer, desk, snapshot, row, appeal)
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> bool:
    """The words of an appeal. Returns whether they were asked for."""
    waiting = account.awaiting or {}
    if waiting.get("verb") != VERB or not heard.private:
        return False
    desk = await by_serial(session, str(waiting.get("desk", "")))
    found = await _row(session, desk) if desk is not None else None
    if (
        desk is None
        or found is None
        or found[0].id.hex != waiting.get("snapshot")
        or not await accounts.may_act(session, tables, account, desk)
    ):
        account.awaiting = None
        await answer(say("books.not_staff"))
        return True
    most, text = tables.policy.appeal_characters, heard.text.strip()
    if not 4 <= len(text) <= most:
        await answer(say("appeal.wrong", most=most))
        return True
    account.awaiting = None
    snapshot, row = found
    appeal = await judge_appeal.of(session, snapshot, desk)
    if (refused := _too_late(tables, snapshot, appeal)) is not None:
        await answer(refused)
        return True
    appeal = RatingAppeal(
        snapshot_id=snapshot.id,
        desk_id=desk.id,
        by_id=account.id,
        state=AppealState.OPEN,
        made_at=tables.clock.now(),
    )
    appeal.text = text
    session.add(appeal)
    await session.flush()
    await audit.record(
        session, tables.clock.now(), Act.APPEAL, account, f"appeal:{appeal.id}", what="made"
    )
    await judge_appeal.call(session, tables, appeal, desk, row)
    await answer(say("appeal.made", name=desk.name))
    return True


async def _row(
    session: AsyncSession, desk: Organisation
) -> tuple[RatingSnapshot, RatingRow] | None:
    """The newest adopted rating, and the point in it."""
    snapshot = await rate_points.adopted(session)
    if snapshot is None:
        return None
    row = await session.scalar(
        select(RatingRow).where(RatingRow.snapshot_id == snapshot.id, RatingRow.desk_id == desk.id)
    )
    return (snapshot, row) if row is not None else None


def _too_late(tables: Tables, snapshot: RatingSnapshot, appeal: RatingAppeal | None) -> Say | None:
    if appeal is not None:
        return say(f"appeal.toast.{appeal.state}")
    last = (snapshot.decided_at or snapshot.made_at) + timedelta(days=load().appeal_days)
    return say("appeal.toast.late", days=load().appeal_days) if tables.clock.now() > last else None


async def _show(
    tables: Tables,
    answer: Answer,
    desk: Organisation,
    snapshot: RatingSnapshot,
    row: RatingRow,
    appeal: RatingAppeal | None,
) -> None:
    formula = load()
    parts: Mapping[str, Any] = row.parts or {}
    work = Work(**parts.get("work", {}))
    tier = appeal.tier if appeal is not None and appeal.tier else row.tier
    sample = formula.sample(rate_points.span(snapshot).months)
    may_appeal = _too_late(tables, snapshot, appeal) is None
    await answer(
        say(
            "rating.own",
            name=desk.name,
            period=words.period_words(rate_points.span(snapshot)),
            tier=rate_points.tier_words(tier),
            former=rate_points.tier_words(row.former),
        ),
        say("rating.score", score=f"{row.score:.1f}")
        if row.score is not None
        else say("rating.unrated", ended=work.ended_here, sample=sample),
        *(_part(formula, part, parts, work) for part in PARTS if part in parts),
        say("rating.how", version=snapshot.formula, prior=formula.prior_cases),
        say(f"appeal.state.{appeal.state}", reason=appeal.reason or "") if appeal else None,
        buttons=[[button("appeal.button.make", VERB, None, "appeal", str(desk.serial))]]
        if may_appeal
        else (),
    )


def _part(formula: Formula, part: str, parts: Mapping[str, Any], work: Work) -> Say:
    """Its points, what was counted, and what raises it."""
    mark = f"{work.marks / work.rated:.1f}" if work.rated else "—"
    return say(
        "rating.part_line",
        part=say(f"rating.part.{part}"),
        points=f"{parts[part]:.1f}",
        weight=formula.weights[part],
        counted=say(
            f"rating.counted.{part}",
            solved=work.solved,
            failed=work.failed,
            handed=work.handed,
            prompt=work.prompt,
            mark=mark,
            rated=work.rated,
            days=work.education_days,
        ),
        better=say(f"rating.better.{part}"),
    )
