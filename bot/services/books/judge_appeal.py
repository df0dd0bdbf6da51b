"""Judge an appeal against a rating (申诉处理): the bureau keeps or changes the tier, with its reason; the point is told.

The frozen row stays as it is; the decision stands beside it, and in the audit chain.
"""

from __future__ import annotations

import uuid

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.figures.rating import load
from bot.ports import Button, Incoming, Press
from bot.services import accounts
from bot.services.network import load_register
from bot.services.privacy import audit
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.books import AppealState, RatingAppeal, RatingRow, RatingSnapshot
from models.network import LiaisonPoint, Organisation
from models.party import Account
from models.privacy import Act

VERB = "mg"
"""The books' verb of admins (:mod:`bot.services.books.rate_points`), which passes these on."""

SHOWN = 10
S = AppealState


async def waiting(session: AsyncSession) -> int:
    """How many wait for the bureau's word."""
    return (
        await session.scalar(
            select(func.count()).select_from(RatingAppeal).where(RatingAppeal.state == S.OPEN)
        )
        or 0
    )


async def of(
    session: AsyncSession, snapshot: RatingSnapshot, desk: Organisation
) -> RatingAppeal | None:
    """A point's appeal against a rating."""
    found: RatingAppeal | None = await session.scalar(
        select(RatingAppeal).where(
            RatingAppeal.snapshot_id == snapshot.id, RatingAppeal.desk_id == desk.id
        )
    )
    return found


async def call(
    session: AsyncSession,
    tables: Tables,
    appeal: RatingAppeal,
    desk: Organisation,
    row: RatingRow,
) -> None:
    """Every admin sees it, with what can be said to it."""
    for admin in await accounts.admins(session):
        await tell(
            session,
            tables,
            admin.address,
            *_card(appeal, desk, row),
            buttons=_choices(appeal),
        )


async def pressed(
    session: AsyncSession, tables: Tables, press: Press, account: Account, answer: Answer
) -> Say | None:
    """The open appeals, one of them, or what is to become of it: then the reason is asked."""
    if press.question == "appeals":
        await _list(session, answer)
        return None
    key, _, tier = press.value.partition(".")
    found = await _open(session, key)
    if found is None:
        return say("toast.stale")
    appeal, desk, row = found
    if appeal.state is not S.OPEN:
        return say(f"appeal.toast.{appeal.state}")
    match press.question:
        case "appeal":
            await answer(*_card(appeal, desk, row), buttons=_choices(appeal))
        case "change" if not tier:
            await answer(
                say("appeal.which_tier", name=desk.name),
                buttons=[
                    [
                        button(
                            f"rating.tier.{one.code}",
                            *(VERB, None, "change", f"{key}.{one.code}"),
                        )
                        for one in load().tiers
                        if one.code != row.tier
                    ]
                ],
            )
        case "keep" | "change" if not tier or tier in {one.code for one in load().tiers}:
            account.awaiting = {"verb": VERB, "appeal": key, "tier": tier}
            await answer(say("appeal.why", most=tables.policy.appeal_characters))
        case _:
            return say("toast.stale")
    return None


async def typed(
    session: AsyncSession, tables: Tables, heard: Incoming, account: Account, answer: Answer
) -> None:
    """The bureau's reason: with it the appeal is decided, recorded and told."""
    waiting_for = account.awaiting or {}
    found = await _open(session, str(waiting_for.get("appeal", "")))
    if found is None:
        account.awaiting = None
        await answer(say("appeal.undecided"))
        return
    appeal, desk, _ = found
    reason, most = heard.text.strip(), tables.policy.appeal_characters
    if not 4 <= len(reason) <= most:
        await answer(say("appeal.why", most=most))
        return
    account.awaiting = None
    tier = str(waiting_for.get("tier", ""))
    turned = await session.scalar(
        update(RatingAppeal)
        .where(RatingAppeal.id == appeal.id, RatingAppeal.state == S.OPEN)
        .values(
            state=S.CHANGED if tier else S.KEPT,
            tier=tier,
            decided_by_id=account.id,
            decided_at=tables.clock.now(),
        )
        .returning(RatingAppeal.id)
    )
    await session.refresh(appeal)
    if turned is None:
        await answer(say(f"appeal.toast.{appeal.state}"))
        return
    appeal.reason = reason
    if tier:
        await session.execute(
            update(LiaisonPoint).where(LiaisonPoint.id == desk.id).values(tier=tier)
        )
        await load_register.changed(session)
    await audit.record(
        session,
        tables.clock.now(),
        Act.APPEAL,
        account,
        f"appeal:{appeal.id}",
        what=appeal.state.value,
        tier=tier,
    )
    told = say(
        f"appeal.told.{appeal.state}",
        name=desk.name,
        tier=say(f"rating.tier.{tier}") if tier else "",
        reason=reason,
    )
    author = await session.get_one(Account, appeal.by_id)
    await tell(session, tables, author.address, told)
    await answer(say("appeal.decided", name=desk.name), told)


async def _list(session: AsyncSession, answer: Answer) -> None:
    found = await session.execute(
        select(RatingAppeal, Organisation.name)
        .join(Organisation, Organisation.id == RatingAppeal.desk_id)
        .where(RatingAppeal.state == S.OPEN)
        .order_by(RatingAppeal.made_at)
        .limit(SHOWN)
    )
    rows: list[list[Button]] = [
        [button(say("report.desk", name=name), VERB, None, "appeal", appeal.id.hex)]
        for appeal, name in found
    ]
    await answer(
        say("appeal.list") if rows else say("appeal.none"),
        buttons=[*rows, [button("rating.button.home", VERB)]],
    )


async def _open(
    session: AsyncSession, key: str
) -> tuple[RatingAppeal, Organisation, RatingRow] | None:
    try:
        appeal = await session.get(RatingAppeal, uuid.UUID(hex=key))
    except ValueError:
        return None
    if appeal is None:
        return None
    row = await session.scalar(
        select(RatingRow).where(
            RatingRow.snapshot_id == appeal.snapshot_id, RatingRow.desk_id == appeal.desk_id
        )
    )
    desk = await session.get_one(Organisation, appeal.desk_id)
    return (appeal, desk, row) if row is not None else None


def _card(appeal: RatingAppeal, desk: Organisation, row: RatingRow) -> tuple[Say, ...]:
    return (
        say(
            "appeal.card",
            name=desk.name,
            tier=say(f"rating.tier.{row.tier}") if row.tier else say("rating.no_tier"),
            score=f"{row.score:.1f}" if row.score is not None else "—",
        ),
        say("appeal.words", text=appeal.text or ""),
    )


def _choices(appeal: RatingAppeal) -> list[list[Button]]:
    key = appeal.id.hex
    return [
        [button("appeal.button.keep", VERB, None, "keep", key)],
        [button("appeal.button.change", VERB, None, "change", key)],
    ]
