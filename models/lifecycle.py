"""The whole life of a case (案件) in one table: status, action, next status."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class CaseStatus(StrEnum):
    """Where a case stands (案件状态)."""

    DRAFT = "draft"
    FILED = "filed"
    WAITING = "waiting"
    TRIAGE = "triage"
    HANDLING = "handling"
    ASKING = "asking"
    AGREED = "agreed"
    SETTLED = "settled"
    ENDED = "ended"
    CONCLUDED = "concluded"
    WITHDRAWN = "withdrawn"
    DISCARDED = "discarded"
    MERGED = "merged"


class Action(StrEnum):
    """What can be done with a case (动作)."""

    FILE = "file"
    HAND_OVER = "hand_over"
    QUEUE = "queue"
    TAKE = "take"
    ASK = "ask"
    ANSWER = "answer"
    SETTLE = "settle"
    END = "end"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"
    SEND_BACK = "send_back"
    DISCARD = "discard"
    ADD = "add"
    VIEW = "view"
    CALL_BACK = "call_back"
    RATE = "rate"
    RELABEL = "relabel"
    PASS = "pass"
    PROPOSE = "propose"
    DECLINE = "decline"
    REFER = "refer"
    RECEIVE = "receive"
    ACCEPT = "accept"
    REFUSE = "refuse"
    TERMINATE = "terminate"
    APPRAISE = "appraise"
    APPRAISED = "appraised"
    EXTEND = "extend"
    CHECKED = "checked"
    DELEGATE = "delegate"
    RECORD = "record"
    AGREE = "agree"
    SIGN = "sign"
    WISH = "wish"
    FULFIL = "fulfil"
    BREAK = "break"
    ADVANCE = "advance"
    CLAIM = "claim"
    TALK = "talk"
    NOTE = "note"
    MERGE = "merge"
    UNMERGE = "unmerge"
    CODE = "code"
    LINK = "link"


S, A = CaseStatus, Action

TRANSITIONS: Mapping[tuple[CaseStatus, Action], CaseStatus] = {
    (S.DRAFT, A.FILE): S.FILED,
    (S.DRAFT, A.DISCARD): S.DISCARDED,
    (S.DRAFT, A.CALL_BACK): S.DRAFT,
    (S.FILED, A.HAND_OVER): S.WAITING,
    (S.FILED, A.QUEUE): S.TRIAGE,
    (S.TRIAGE, A.HAND_OVER): S.WAITING,
    (S.TRIAGE, A.TAKE): S.HANDLING,
    (S.TRIAGE, A.ADD): S.TRIAGE,
    (S.TRIAGE, A.CALL_BACK): S.TRIAGE,
    (S.TRIAGE, A.CLAIM): S.TRIAGE,
    (S.TRIAGE, A.WITHDRAW): S.WITHDRAWN,
    (S.WAITING, A.TAKE): S.HANDLING,
    (S.WAITING, A.SEND_BACK): S.TRIAGE,
    (S.WAITING, A.HAND_OVER): S.WAITING,
    (S.WAITING, A.QUEUE): S.TRIAGE,
    (S.WAITING, A.ADD): S.WAITING,
    (S.WAITING, A.CALL_BACK): S.WAITING,
    (S.WAITING, A.CLAIM): S.WAITING,
    (S.WAITING, A.WITHDRAW): S.WITHDRAWN,
    (S.HANDLING, A.ASK): S.ASKING,
    (S.HANDLING, A.ADD): S.HANDLING,
    (S.HANDLING, A.VIEW): S.HANDLING,
    (S.HANDLING, A.CALL_BACK): S.HANDLING,
    (S.HANDLING, A.RELABEL): S.HANDLING,
    (S.HANDLING, A.PASS): S.HANDLING,
    (S.HANDLING, A.RECORD): S.HANDLING,
    (S.HANDLING, A.ADVANCE): S.HANDLING,
    (S.HANDLING, A.CLAIM): S.HANDLING,
    (S.HANDLING, A.SEND_BACK): S.TRIAGE,
    (S.HANDLING, A.AGREE): S.AGREED,
    (S.HANDLING, A.SETTLE): S.SETTLED,
    (S.HANDLING, A.END): S.ENDED,
    (S.HANDLING, A.WITHDRAW): S.WITHDRAWN,
    (S.ASKING, A.ANSWER): S.HANDLING,
    (S.ASKING, A.ASK): S.ASKING,
    (S.ASKING, A.ADD): S.ASKING,
    (S.ASKING, A.VIEW): S.ASKING,
    (S.ASKING, A.CALL_BACK): S.ASKING,
    (S.ASKING, A.RELABEL): S.ASKING,
    (S.ASKING, A.PASS): S.ASKING,
    (S.ASKING, A.RECORD): S.ASKING,
    (S.ASKING, A.ADVANCE): S.ASKING,
    (S.ASKING, A.CLAIM): S.ASKING,
    (S.ASKING, A.SEND_BACK): S.TRIAGE,
    (S.ASKING, A.AGREE): S.AGREED,
    (S.ASKING, A.SETTLE): S.SETTLED,
    (S.ASKING, A.END): S.ENDED,
    (S.ASKING, A.WITHDRAW): S.WITHDRAWN,
    **{
        (status, action): then or status
        for status in (S.HANDLING, S.ASKING)
        for action, then in {
            # The way up, with the consumer's consent, and down again with a date.
            A.PROPOSE: None,
            A.DECLINE: None,
            A.REFER: S.WAITING,
            A.DELEGATE: S.WAITING,
            # What only an officer of the market authority (市场监管部门) does; services see to that.
            A.RECEIVE: None,
            A.ACCEPT: None,
            A.REFUSE: S.CONCLUDED,
            A.TERMINATE: S.CONCLUDED,
            A.APPRAISE: None,
            A.APPRAISED: None,
            A.EXTEND: None,
            A.CHECKED: S.CONCLUDED,
        }.items()
    },
    (S.WAITING, A.REFER): S.WAITING,
    (S.CONCLUDED, A.VIEW): S.CONCLUDED,
    (S.CONCLUDED, A.RATE): S.CONCLUDED,
    (S.AGREED, A.ADD): S.AGREED,
    (S.AGREED, A.VIEW): S.AGREED,
    (S.AGREED, A.CALL_BACK): S.AGREED,
    (S.AGREED, A.PASS): S.AGREED,
    (S.AGREED, A.SIGN): S.AGREED,
    (S.AGREED, A.WISH): S.AGREED,
    (S.AGREED, A.ADVANCE): S.AGREED,
    (S.AGREED, A.FULFIL): S.SETTLED,
    (S.AGREED, A.BREAK): S.HANDLING,
    (S.AGREED, A.SEND_BACK): S.TRIAGE,
    (S.AGREED, A.WITHDRAW): S.WITHDRAWN,
    (S.SETTLED, A.VIEW): S.SETTLED,
    (S.SETTLED, A.ADVANCE): S.SETTLED,
    (S.SETTLED, A.REOPEN): S.WAITING,
    (S.SETTLED, A.RATE): S.SETTLED,
    (S.ENDED, A.VIEW): S.ENDED,
    (S.ENDED, A.ADVANCE): S.ENDED,
    (S.ENDED, A.REOPEN): S.WAITING,
    (S.ENDED, A.RATE): S.ENDED,
    (S.HANDLING, A.TALK): S.HANDLING,
    (S.ASKING, A.TALK): S.ASKING,
    (S.HANDLING, A.NOTE): S.HANDLING,
    (S.ASKING, A.NOTE): S.ASKING,
    (S.AGREED, A.TALK): S.AGREED,
    (S.AGREED, A.NOTE): S.AGREED,
    (S.AGREED, A.CODE): S.AGREED,
    (S.AGREED, A.LINK): S.AGREED,
    (S.TRIAGE, A.MERGE): S.MERGED,
    (S.WAITING, A.MERGE): S.MERGED,
    (S.HANDLING, A.MERGE): S.MERGED,
    (S.ASKING, A.MERGE): S.MERGED,
    (S.MERGED, A.UNMERGE): S.WAITING,
    (S.MERGED, A.VIEW): S.MERGED,
    (S.HANDLING, A.CODE): S.HANDLING,
    (S.ASKING, A.CODE): S.ASKING,
    (S.SETTLED, A.CODE): S.SETTLED,
    (S.ENDED, A.CODE): S.ENDED,
    (S.TRIAGE, A.LINK): S.TRIAGE,
    (S.WAITING, A.LINK): S.WAITING,
    (S.HANDLING, A.LINK): S.HANDLING,
    (S.ASKING, A.LINK): S.ASKING,
    (S.SETTLED, A.LINK): S.SETTLED,
    (S.ENDED, A.LINK): S.ENDED,
    (S.CONCLUDED, A.CODE): S.CONCLUDED,
    (S.CONCLUDED, A.LINK): S.CONCLUDED,
    (S.MERGED, A.LINK): S.MERGED,
}

DEAD_ENDS: frozenset[CaseStatus] = frozenset({S.WITHDRAWN, S.DISCARDED})
"""Statuses that nothing leaves; the consumer may file anew."""

TAKEN: frozenset[CaseStatus] = frozenset({S.HANDLING, S.ASKING, S.AGREED})
"""In its taker's hands."""

OPEN: frozenset[CaseStatus] = frozenset({S.FILED, S.WAITING, S.TRIAGE}) | TAKEN
"""Filed and not yet closed."""

CLOSED: frozenset[CaseStatus] = frozenset({S.SETTLED, S.ENDED, S.CONCLUDED, S.WITHDRAWN, S.MERGED})

HANDED: frozenset[Action] = frozenset({A.HAND_OVER, A.REOPEN, A.REFER, A.DELEGATE, A.UNMERGE})
"""A desk has it from then on, and has not taken it yet."""


class NotPossible(Exception):
    """The action does not fit the status; shown to the person as where the case stands."""

    def __init__(self, status: CaseStatus, action: Action) -> None:
        super().__init__(f"{action} does not fit {status}")
        self.status = status
        self.action = action


def after(status: CaseStatus, action: Action) -> CaseStatus:
    """The next status. Raises NotPossible."""
    try:
        return TRANSITIONS[status, action]
    except KeyError:
        raise NotPossible(status, action) from None


def allowed(status: CaseStatus) -> frozenset[Action]:
    """What can be done now."""
    return frozenset(action for was, action in TRANSITIONS if was is status)


def mermaid() -> str:
    """The table as a Mermaid state diagram; docs/lifecycle.md holds it and a test compares."""
    lines = ["stateDiagram-v2", f"    [*] --> {S.DRAFT}"]
    for (was, action), then in TRANSITIONS.items():
        if was is not then:
            lines.append(f"    {was} --> {then}: {action}")
    lines += [f"    {end} --> [*]" for end in sorted(DEAD_ENDS)]
    return "\n".join(lines) + "\n"
