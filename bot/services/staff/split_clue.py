"""One story, two records (诉求与线索分开, order 121 art. 9): a clue is split from a filed complaint at the
consumer's wish. It goes to the market authority alone; the complaint knows nothing of it (art. 37).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.ports import Press
from bot.services.admin.live_law import law_now
from bot.services.chain import hand_over
from bot.services.consumer import file_case
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind, Evidence
from models.lifecycle import OPEN, Action, CaseStatus
from models.party import Account

VERB = "tk"
ABOUT_HER = frozenset({"name", "phone", "address", "home"})
"""Answers that tell who she is."""

BLANK = "＊＊"

NOT_OF_A_CLUE = frozenset({"claim", "claim_amount"})


def possible(case: Case) -> bool:
    """Whether a clue may be split from it: an open complaint."""
    return case.kind is CaseKind.COMPLAINT and case.status in OPEN


async def pressed(
    session: AsyncSession,
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
) -> Say | None:
    """What it means, then with her name or without; a second tap finds the clue that is there."""
    if not possible(case):
        return say("toast.stale")
    there = await session.scalar(select(Case).where(Case.linked_id == case.id))
    if there is not None:
        await answer(
            say("split.already", number=there.number or ""),
            buttons=[[button("button.progress", "tp", there)]],
        )
        return None
    if press.question not in {"named", "unnamed"}:
        law = await law_now(session)
        await answer(
            say("split.ask", number=case.number or "", cited=law.statute("split").cited),
            say("split.who"),
            buttons=[
                [button("split.button.unnamed", VERB, case, "unnamed")],
                [button("split.button.named", VERB, case, "named")],
                [button("button.never_mind", "tp", case)],
            ],
        )
        return None
    clue = await _split(session, tables, case, account, named=press.question == "named")
    await answer(
        say("split.done", number=clue.number or "", first=case.number or ""),
        say("split.next"),
        buttons=[[button("button.progress", "tp", clue)], [button("button.add", "ta", clue)]],
    )
    return None


async def _split(
    session: AsyncSession, tables: Tables, case: Case, account: Account, named: bool
) -> Case:
    now = tables.clock.now()
    left_out = NOT_OF_A_CLUE if named else NOT_OF_A_CLUE | ABOUT_HER
    answers: dict[str, Any] = {
        key: value if named else _without_her(value, case)
        for key, value in (case.answers or {}).items()
        if key not in left_out
    }
    clue = Case(
        status=CaseStatus.DRAFT,
        kind=CaseKind.CLUE,
        account_id=account.id,
        linked_id=case.id,
        version=0,
        editing=False,
        paused=False,
        consented_at=case.consented_at,
        rule_version=case.rule_version,
        created_at=now,
        touched_at=now,
        filed_at=now,
        events=[],
        evidence=[_copied(kept) for kept in case.evidence],
    )
    clue.answers, clue.decision = answers, case.decision
    session.add(clue)
    await session.flush()
    for kept, old in zip(clue.evidence, case.evidence, strict=True):
        kept.about = old.about
    file_case.fill_columns(clue)
    clue.number = await file_case.next_number(session, tables)
    clue.apply(Action.FILE, at=now, by=account.id)
    await hand_over.hand_over(session, tables, clue, account)
    return clue


def _without_her(value: dict[str, Any], case: Case) -> dict[str, Any]:
    """An answer in which her own name, phone and address are blanked where she wrote them in a text."""
    text = value.get("v")
    if not isinstance(text, str):
        return value
    for key in ABOUT_HER:
        hers = (case.answers or {}).get(key, {}).get("v")
        if isinstance(hers, str) and hers:
            text = text.replace(hers, BLANK)
    return {**value, "v": text}


def _copied(kept: Evidence) -> Evidence:
    """The same file, in the same place of the vault."""
    return Evidence(
        number=kept.number,
        source_key=kept.source_key,
        kind=kept.kind,
        file_id=kept.file_id,
        unique_id=kept.unique_id,
        mime=kept.mime,
        size=kept.size,
        vault_key=kept.vault_key,
        added_at=kept.added_at,
        extra=dict(kept.extra or {}),
    )
