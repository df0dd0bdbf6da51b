"""The figures of the books in words: a period, a length of office time, a share; and what a group is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from bot.facts.money import show_money
from bot.figures.periods import Period
from bot.figures.tally import BEST, Tally, quantiles
from bot.law.policy import Policy
from bot.services.books import area, count
from bot.texts.catalogue import Say, say
from models.network import Level, Organisation


def figures(now: Tally, before: Tally, policy: Policy) -> list[Say]:
    """A period in words; what came in, beside the period before."""
    return [
        say(
            "report.came",
            received=f"{now.received:,}",
            complaints=f"{now.complaints:,}",
            clues=f"{now.clues:,}",
            consults=f"{now.consults:,}",
            change=_change(now.received, before.received),
        ),
        say(
            "report.done",
            taken=f"{now.taken:,}",
            solved=f"{now.solved:,}",
            share=percent(now.solved_share),
            before=percent(before.solved_share),
            unsolved=f"{now.unsolved:,}",
            withdrawn=f"{now.withdrawn:,}",
            open=f"{now.open:,}",
        ),
        say("report.gave_up", count=f"{now.gave_up:,}") if now.gave_up else say("report.kept"),
        say("report.money", money=show_money(now.returned_fen)),
        say(
            "report.times",
            take=_spans(now.take, policy),
            handle=_spans(now.handle, policy),
        ),
        say("report.marks", mark=f"{now.mark:.1f}", best=BEST, count=f"{now.rate_count:,}")
        if now.mark is not None
        else say("report.no_marks"),
    ]


async def broken_down(
    session: AsyncSession, period: Period, desk: Organisation, by: str, *, times: bool = False
) -> tuple[dict[Any, Tally], dict[Any, Say], dict[Any, int]]:
    """Figures by ``desk`` (the streets of a district or an office, the points of a street), ``type``, ``object`` or
    ``nature``; what each is called; and the serials of those that are desks."""
    if by in {"object", "nature"}:
        found = await count.tallies(session, period, desk, by, times=times)
        return found, {key: code_words(by, key) for key in found}, {}
    tree = await area.tree(session)
    desks = await count.tallies(session, period, desk, "desk", times=times)
    if by == "type":
        found = count.regrouped(desks, tree.type)
        return found, {key: type_words(key) for key in found}, {}
    if by == "point" or desk.level is Level.STREET:
        grouped = desks
    else:
        grouped = count.regrouped(desks, tree.street)
    rows: Mapping[Any, Any] = tree.desks
    labels = {
        key: say("report.desk", name=rows[key].name) if key in rows else say("report.no_desk")
        for key in grouped
    }
    return grouped, labels, {key: rows[key].serial for key in grouped if key in rows}


def code_words(by: str, code: str) -> Say:
    """A category or a nature as people read it."""
    if by == "object":
        return say(f"object.{code}") if code else say("report.no_object")
    return say(f"nature.{code}") if code else say("report.no_nature")


def type_words(kind: str) -> Say:
    """A type of point, or the level of a desk that is none."""
    if not kind:
        return say("report.no_desk")
    if kind in {level.value for level in Level}:
        return say(f"report.level.{kind}")
    return say(f"point_type.{kind}")


def period_words(period: Period) -> Say:
    """A period as people say it."""
    first, last = period.first, period.last
    match period.kind:
        case "month":
            return say("report.period.month", year=first.year, month=first.month)
        case "quarter":
            return say("report.period.quarter", year=first.year, quarter=(first.month + 2) // 3)
        case "year":
            return say("report.period.year", year=first.year)
    return say("report.period.range", first=first.isoformat(), last=last.isoformat())


def percent(share: float | None) -> str:
    """A share with no decimals; a dash of nothing."""
    return "—" if share is None else f"{share:.0%}"


def span_words(minutes: int | None, policy: Policy) -> Say:
    """Office time as people say it: minutes, hours, or working days."""
    if minutes is None:
        return say("report.span.none")
    day = (policy.office_until.hour - policy.office_from.hour) * 60
    if minutes >= day:
        return say("report.span.days", n=f"{minutes / day:.1f}")
    if minutes >= 60:
        return say("report.span.hours", hours=minutes // 60, minutes=minutes % 60)
    return say("report.span.minutes", n=minutes)


def _spans(minutes: Sequence[int], policy: Policy) -> Say:
    half, most = quantiles(minutes, 0.5, 0.9)
    return say("report.span.both", half=span_words(half, policy), most=span_words(most, policy))


def _change(now: int, before: int) -> Say:
    if not before:
        return say("report.change.none")
    change = say(
        "report.change.some", before=f"{before:,}", share=f"{(now - before) / before:+.0%}"
    )
    return say("report.change.same", before=f"{before:,}") if now == before else change
