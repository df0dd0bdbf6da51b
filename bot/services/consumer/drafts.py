"""The draft (草稿): a case while it is being told; its row is the whole conversation state."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.engine import Decision
from bot.classify.taxonomy import codes, group_of
from bot.facts.summary import read_facts
from bot.interview import flow
from bot.interview.answers import speaks_for_another
from bot.interview.terms import Context
from bot.services.chain import remind
from bot.services.queue.deliver import owe_errand
from bot.services.tables import SHANGHAI, Tables
from bot.texts.catalogue import Say, say
from models.case import Case, CaseKind, new_token
from models.lifecycle import Action, CaseStatus
from models.party import Account

GROUPS = tuple(
    (group, tuple(code for code in codes() if group_of(code) == group))
    for group in ("finance", "goods", "services", "none")
)
BRIEF = "brief"
"""In a draft's decision: what others have told already is not asked again (:mod:`bot.services.consumer.join`)."""

SAID_ONCE = ("told", BRIEF)
"""What stays when a story is read anew: told of another authority, and how much is asked."""

ONLINE = frozenset({"platform", "live_stream"})

IN_HAND = "in hand"
"""In a session's ``info``: the draft found for each account."""


_NEWEST_DRAFT = (
    select(Case)
    .where(Case.account_id == bindparam("account"), Case.status == CaseStatus.DRAFT)
    .order_by(Case.created_at.desc())
    .limit(1)
)


_FILED = (
    select(Case)
    .where(Case.account_id == bindparam("account"), Case.filed_at.is_not(None))
    .order_by(Case.filed_at.desc())
)


async def current(session: AsyncSession, account: Account) -> Case | None:
    """The draft in hand, the newest if there were several; looked up once in a session."""
    known: dict[UUID, Case | None] = session.info.setdefault(IN_HAND, {})
    case = known.get(account.id)
    over = case is not None and (case.status != CaseStatus.DRAFT or case not in session)
    if over or account.id not in known:
        known[account.id] = await session.scalar(_NEWEST_DRAFT, {"account": account.id})
    return known[account.id]


async def filed(session: AsyncSession, account: Account) -> list[Case]:
    """The account's filed cases, newest first."""
    return list(await session.scalars(_FILED, {"account": account.id}))


async def by_token(session: AsyncSession, token: str) -> Case | None:
    """The case a button or a link speaks of."""
    found: Case | None = await session.scalar(select(Case).where(Case.token == token))
    return found


async def begin(session: AsyncSession, tables: Tables, account: Account, kind: CaseKind) -> Case:
    """A new draft; it counts as consented when the account agreed to the present consent text."""
    now = tables.clock.now()
    agreed = account.consent_version == tables.policy.consent_version
    case = Case(
        token=new_token(),
        account_id=account.id,
        kind=kind,
        status=CaseStatus.DRAFT,
        created_at=now,
        touched_at=now,
        consented_at=now if agreed else None,
        version=0,
        editing=False,
        paused=False,
        asking="",
        fraud=False,
        object="",
        events=[],
        evidence=[],
    )
    case.answers = {}
    case.asked_code, account.point_code = account.point_code or "", ""
    session.add(case)
    session.info.setdefault(IN_HAND, {})[account.id] = case
    await remind.plan(session, tables, case)
    return case


async def discard(session: AsyncSession, tables: Tables, case: Case, account: Account) -> None:
    """Give the draft up: its words and files are erased, only the fact remains."""
    await _drop_files(session, tables, case)
    case.apply(Action.DISCARD, at=tables.clock.now(), by=account.id)
    case.answers = {}
    case.decision = None
    case.evidence.clear()


async def erase(session: AsyncSession, tables: Tables, case: Case) -> None:
    """Leave nothing of a draft: no row, no file."""
    await _drop_files(session, tables, case)
    await session.delete(case)
    await session.flush()


async def _drop_files(session: AsyncSession, tables: Tables, case: Case) -> None:
    for kept in case.evidence:
        await owe_errand(
            session, "drop", {"key": str(kept.id)}, now=tables.clock.now(), key=f"drop:{kept.id}"
        )


def understand(case: Case, tables: Tables, text: str) -> tuple[Decision, tuple[str, ...]]:
    """Read a story: classify it, note the decision, fill in what the rules are sure of.

    Returns the decision and the keys of the answers that were read.
    """
    decision = tables.classifier.classify(text)
    said_once = {key: (case.decision or {}).get(key, False) for key in SAID_ONCE}
    case.decision = {
        **said_once,
        "object": decision.object,
        "nature": decision.nature,
        "channel": decision.channel,
        "fraud": decision.fraud,
        "kinds": list(decision.fraud_kinds),
        "just_now": decision.just_now,
        "danger": decision.danger,
        "ask": decision.ask,
        "candidates": [{"code": c.code, "because": list(c.because)} for c in decision.candidates],
    }
    case.rule_version = decision.version
    facts = read_facts(text, today(tables), tables.gazetteer)
    answers, read = flow.prefill(text, facts, dict(case.answers or {}), context(case, tables))
    if decision.fraud and decision.just_now and "gate" not in answers:
        # Her words bring the emergency card at once; when it was need not be asked after that.
        answers["gate"] = {"v": "just_now", "said": "", "by": "read"}
    case.answers = answers
    return decision, read


def forget_reading(case: Case) -> None:
    """Before a changed story is read anew: what was only read, and not said by her, goes."""
    case.answers = {
        key: value for key, value in (case.answers or {}).items() if value.get("by") != "read"
    }


def today(tables: Tables) -> Any:
    """The date in Shanghai."""
    return tables.clock.now().astimezone(SHANGHAI).date()


def object_of(case: Case) -> str:
    """The category: of a filed case its own, else as the person chose, else as the rules decided,
    else ''."""
    return case.object or _object(case.answers or {}, case.decision or {})


def _object(answers: Mapping[str, Any], decision: Mapping[str, Any]) -> str:
    return answers.get("object", {}).get("v") or decision.get("object") or ""


def context(case: Case, tables: Tables) -> Context:
    """What the interview may know beside the answers."""
    decision, answers = case.decision or {}, case.answers or {}
    kind = case.object or _object(answers, decision)
    where = answers.get("where", {}).get("v") or {}
    mode = where.get("mode") if isinstance(where, dict) else ""
    return Context(
        kind=case.kind.value,
        today=today(tables),
        gazetteer=tables.gazetteer,
        object=kind,
        finance=bool(kind) and group_of(kind) == "finance",
        fraud=bool(decision.get("fraud")),
        ask_object=bool(decision.get("ask")),
        candidates=tuple(c["code"] for c in decision.get("candidates", ())),
        online=mode == "online" or (not mode and decision.get("channel") in ONLINE),
        files=len(case.evidence),
        brief=case.entered_by_id is not None or bool(decision.get(BRIEF)),
        for_another=speaks_for_another(str(answers.get("story", {}).get("v") or "")),
        evidence_list=tuple(
            say("check.item", name=item.name, how=item.how)
            for item in tables.law.evidence(kind, decision.get("kinds", ()))
        ),
        taxonomy=GROUPS,
    )


def reason_of(case: Case) -> Say | None:
    """Why this category: the person's own words."""
    kind = object_of(case)
    for candidate in (case.decision or {}).get("candidates", ()):
        if candidate["code"] == kind and candidate["because"]:
            return say(
                "talk.category_because",
                name=say(f"object.{kind}"),
                words=_longest(candidate["because"])[:4],
            )
    return say("talk.category", name=say(f"object.{kind}")) if kind else None


def _longest(words: list[str]) -> list[str]:
    """Without the words that a longer one already holds: 牛奶, not 奶 and 牛奶."""
    return [word for word in words if not any(word != other and word in other for other in words)]


def expired(case: Case, tables: Tables) -> bool:
    """An unconsented draft past its time is erased (policy ``draft_unconsented_hours``)."""
    age = tables.clock.now() - case.created_at
    return case.consented_at is None and age > timedelta(
        hours=tables.policy.draft_unconsented_hours
    )


async def sweep(session: AsyncSession, tables: Tables) -> None:
    """Erase every draft whose consent never came in time."""
    unconsented = await session.scalars(
        select(Case).where(Case.status == CaseStatus.DRAFT, Case.consented_at.is_(None))
    )
    for case in unconsented:
        if expired(case, tables):
            await erase(session, tables, case)
