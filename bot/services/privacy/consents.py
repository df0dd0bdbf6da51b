"""Consents (同意) as rows: to keep what she says, and apart from that to sensitive data and to passing it on
(单独同意, PIPL art. 23 and 29)."""

from __future__ import annotations

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.classify.taxonomy import group_of
from bot.interview.questions import BY_KEY
from bot.law import sensitive
from bot.services.consumer import drafts
from bot.services.privacy import audit
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import say
from models.case import Case
from models.party import Account
from models.privacy import Act, Consent, ConsentKind

SPARED = "spared"
"""In a draft's decision: she did not agree, and the answers went."""

_GIVEN = select(Consent.id).where(
    Consent.account_id == bindparam("account"),
    Consent.kind == bindparam("kind"),
    Consent.version == bindparam("version"),
    Consent.case_id.is_not_distinct_from(bindparam("case")),
)


async def give(
    session: AsyncSession,
    tables: Tables,
    account: Account,
    kind: ConsentKind,
    case: Case | None = None,
) -> None:
    """Note a consent to the present text; once for each case and version."""
    version = tables.policy.consent_version
    if await _given(session, tables, account, kind, case):
        return
    now = tables.clock.now()
    session.add(
        Consent(
            account_id=account.id,
            case_id=case.id if case is not None else None,
            kind=kind,
            version=version,
            given_at=now,
        )
    )
    await audit.record(
        session, now, Act.CONSENT, account, case or account, kind=kind.value, version=version
    )


async def _given(
    session: AsyncSession, tables: Tables, account: Account, kind: ConsentKind, case: Case | None
) -> bool:
    values = {
        "account": account.id,
        "kind": kind,
        "version": tables.policy.consent_version,
        "case": case.id if case is not None else None,
    }
    return await session.scalar(_GIVEN, values) is not None


def sensitive_in(case: Case) -> tuple[sensitive.Kind, ...]:
    """The kinds of sensitive data that this draft brings up."""
    code = drafts.object_of(case)
    fraud = bool((case.decision or {}).get("fraud"))
    return sensitive.found(code, group_of(code) if code else "", fraud, case.answers or {})


async def settled(
    session: AsyncSession, tables: Tables, case: Case, account: Account, answer: Answer
) -> bool:
    """Whether nothing more has to be agreed to before it is filed; else the separate card is shown."""
    kinds = sensitive_in(case)
    if not kinds or (case.decision or {}).get(SPARED):
        return True
    if await _given(session, tables, account, ConsentKind.SENSITIVE, case):
        return True
    await answer(
        say("sensitive.card", kinds=[say(f"sensitive.kind.{kind.name}") for kind in kinds]),
        buttons=[
            [button("sensitive.button.yes", "ok", case, case.asking, "sensitive")],
            [button("sensitive.button.no", "ok", case, case.asking, "spare")],
            [button("button.back_review", "c", case, case.asking, "stay")],
        ],
    )
    return False


def spare(case: Case) -> None:
    """She does not agree: the answers that hold sensitive data go, and she is not asked again."""
    answers = dict(case.answers or {})
    for kind in sensitive_in(case):
        for key in kind.answers:
            if key in answers and key in BY_KEY:
                answers[key] = {"v": None, "said": "", "by": "person", "skipped": True}
    case.decision = {**(case.decision or {}), SPARED: True}
    case.answers = answers
