"""The second step (第二步确认): one admin asks for a dangerous act, another says yes, and only then it is done.

While there is nobody else to ask, the one who asked must type a word. What the act is, its kind tells; what it
does stands where the kind is at home.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.services import accounts
from bot.services.network.bind_desk import stop
from bot.services.privacy import audit
from bot.services.sending import Answer, button, tell
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.party import Account, SecondStep, StepKind, StepState
from models.privacy import Act

VERB = "mp"
"""Of the buttons ``yes`` and ``no``; they come by :mod:`bot.services.admin.people`."""

START = "boss_"
"""What the deep link of an admin's invitation begins with."""


async def ask(
    session: AsyncSession,
    tables: Tables,
    kind: StepKind,
    by: Account,
    about: Account | None,
    what: Say,
    answer: Answer,
    body: Mapping[str, str | int] | None = None,
) -> SecondStep:
    """Ask for the act, which ``what`` says in words: the other admins are asked, or she must type a word."""
    now = tables.clock.now()
    step = SecondStep(
        kind=kind,
        state=StepState.WAITING,
        by_id=by.id,
        about_id=about.id if about is not None else None,
        body=dict(body or {}),
        made_at=now,
        until=now + timedelta(days=tables.policy.invitation_days),
    )
    session.add(step)
    await session.flush()
    await lay_before(session, tables, step, by, what, answer)
    return step


async def lay_before(
    session: AsyncSession,
    tables: Tables,
    step: SecondStep,
    by: Account,
    what: Say,
    answer: Answer | None,
) -> None:
    """Tell whoever decides. ``answer`` is the asker's own talk, None when somebody else brought it about."""
    judges = await deciders(session, step)
    if not judges:
        by.awaiting = {"verb": VERB, "step": step.id.hex}
        parts = (say("step.alone", what=what, word=say("step.word")),)
        if answer is not None:
            await answer(*parts, buttons=[[stop()]])
        else:
            await tell(session, tables, by.address, *parts, buttons=[[stop()]])
        return
    for judge in judges:
        await tell(
            session,
            tables,
            judge.address,
            say("step.asks", who=by.name or say("notice.colleague"), what=what),
            buttons=[
                [button("step.button.yes", VERB, question="yes", value=step.id.hex)],
                [button("step.button.no", VERB, question="no", value=step.id.hex)],
            ],
            key=f"step:{step.id}:{judge.id}",
        )
    if answer is not None:
        await answer(
            say("step.asked", what=what, count=len(judges)),
            buttons=[[button("step.button.drop", VERB, question="drop", value=step.id.hex)]],
        )


async def deciders(session: AsyncSession, step: SecondStep) -> Sequence[Account]:
    """Every admin but the one who asked and the one whom it is about."""
    return [
        admin
        for admin in await accounts.admins(session)
        if admin.id not in {step.by_id, step.about_id}
    ]


async def invitation(session: AsyncSession, tables: Tables, by: Account) -> tuple[str, SecondStep]:
    """An admin's invitation for an admin: the token (128 random bits), told once and never kept."""
    token, now = secrets.token_urlsafe(16), tables.clock.now()
    step = SecondStep(
        kind=StepKind.ADMIN_IN,
        state=StepState.OPEN,
        by_id=by.id,
        token_hash=_digest(token),
        body={},
        made_at=now,
        until=now + timedelta(days=tables.policy.invitation_days),
    )
    session.add(step)
    await session.flush()
    return token, step


async def opened(session: AsyncSession, tables: Tables, token: str) -> SecondStep | None:
    """The invitation that a link means, if it is still to be opened."""
    step: SecondStep | None = await session.scalar(
        select(SecondStep).where(SecondStep.token_hash == _digest(token)).with_for_update()
    )
    if step is None or step.state is not StepState.OPEN or step.until < tables.clock.now():
        return None
    return step


async def held(session: AsyncSession, tables: Tables, value: str) -> SecondStep | None:
    """The step that a button or a typed word means, while it waits for a word."""
    if len(value) != 32 or not all(char in "0123456789abcdef" for char in value):
        return None
    step: SecondStep | None = await session.scalar(
        select(SecondStep).where(SecondStep.id == UUID(value)).with_for_update()
    )
    if step is None or step.state not in {StepState.OPEN, StepState.WAITING}:
        return None
    return step if step.until > tables.clock.now() else None


async def turned_down(
    session: AsyncSession, tables: Tables, step: SecondStep, by: Account, answer: Answer
) -> None:
    """The other said no, or the asker took it back."""
    dropped = by.id == step.by_id
    step.state = StepState.DROPPED if dropped else StepState.REFUSED
    await audit.record(
        session, tables.clock.now(), Act.ADMIN, by, f"step:{step.id}", how=f"{step.kind.value}:no"
    )
    await answer(say("step.dropped") if dropped else say("step.refused"))
    asker = await session.get_one(Account, step.by_id)
    if not dropped:
        who = by.name or say("notice.colleague")
        await tell(session, tables, asker.address, say("step.refused_by", who=who))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
