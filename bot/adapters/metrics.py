"""How the bot is doing, for Prometheus: counts and ages, nobody's words and nobody's number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.database import Database
from bot.ports import Clock
from models.delivery import Inbox, InboxState, Outbox, OutboxState, Priority

PRIORITIES = {
    Priority.REPLY: "reply",
    Priority.HAND_OVER: "hand_over",
    Priority.NOTICE: "notice",
}


async def render(
    db: Database,
    clock: Clock,
    tallies: Mapping[str, Mapping[str, int]],
    last_contact: datetime | None,
) -> bytes:
    """The page that Prometheus reads.

    ``tallies``: what this process did since its start, outcome by outcome, of each kind of work.
    The rest is read from the database, and so is the same in every process.
    """
    now = clock.now()
    async with db.read() as session:
        found = [*await _inbox(session, now), *await _outbox(session, now)]
    living = await db.living()
    found.append(
        GaugeMetricFamily("suda_processes", "Processes at work on this database", len(living or ()))
    )
    if last_contact is not None:
        age = (now - last_contact).total_seconds()
        found.append(
            GaugeMetricFamily(
                "suda_telegram_contact_age_seconds", "Since Telegram last answered", age
            )
        )
    for kind, outcomes in tallies.items():
        family = CounterMetricFamily(
            f"suda_{kind}", "What this process did, by outcome", labels=["outcome"]
        )
        for outcome, count in sorted(outcomes.items()):
            family.add_metric([outcome], count)
        found.append(family)
    registry = CollectorRegistry()
    registry.register(_Found(found))
    return generate_latest(registry)


class _Found(Collector):
    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


async def _inbox(session: AsyncSession, now: datetime) -> list[Metric]:
    states = (InboxState.OPEN, InboxState.LEASED, InboxState.DEAD)
    counted = await session.execute(
        select(Inbox.state, func.count()).where(Inbox.state.in_(states)).group_by(Inbox.state)
    )
    oldest = await session.scalar(
        select(func.min(Inbox.received_at)).where(
            Inbox.state.in_((InboxState.OPEN, InboxState.LEASED))
        )
    )
    counts = {row[0]: row[1] for row in counted}
    rows = GaugeMetricFamily("suda_inbox_rows", "Updates not done, by state", labels=["state"])
    for state in states:
        rows.add_metric([state.value], counts.get(state, 0))
    return [rows, _age("suda_inbox_oldest_seconds", "Age of the oldest open update", oldest, now)]


async def _outbox(session: AsyncSession, now: datetime) -> list[Metric]:
    states = (OutboxState.DUE, OutboxState.LEASED, OutboxState.DEAD, OutboxState.UNKNOWN)
    counted = await session.execute(
        select(Outbox.state, Outbox.priority, func.count())
        .where(Outbox.state.in_(states))
        .group_by(Outbox.state, Outbox.priority)
    )
    oldest = await session.scalar(
        select(func.min(Outbox.created_at)).where(
            Outbox.state == OutboxState.DUE, Outbox.run_at <= now
        )
    )
    counts = {(state, priority): count for state, priority, count in counted}
    rows = GaugeMetricFamily(
        "suda_outbox_rows", "Messages and errands not done", labels=["state", "priority"]
    )
    for state in states:
        for priority, name in PRIORITIES.items():
            rows.add_metric([state.value, name], counts.get((state, priority), 0))
    return [rows, _age("suda_outbox_oldest_seconds", "Age of the oldest due message", oldest, now)]


def _age(name: str, about: str, since: datetime | None, now: datetime) -> Metric:
    return GaugeMetricFamily(name, about, max((now - since).total_seconds(), 0) if since else 0)
