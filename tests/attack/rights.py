"""Who may do what with a case: one row for each verb of a button, its roles, and the lifecycle's action.

The cells of the table (role x verb x own or other area x status) are tried by ``test_rights.py``, which also
finds any verb or action that stands in the code and not here. ``docs/rights.md`` is made from it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

from models.lifecycle import Action, CaseStatus, allowed

ROOT = Path(__file__).resolve().parents[2]

STRANGER = "陌生人"
OTHER = "别的消费者"
OWNER = "消费者本人"
TAKER = "接单人"
COLLEAGUE = "同点同事"
ABOVE = "上级街道人员"
BELOW = "下级点人员"
ELSEWHERE = "别处工作人员"
FORMER = "已离职人员"
OFFICER = "市场监管局人员"
ADMIN = "管理员"
ROLES = (
    *(STRANGER, OTHER, OWNER, TAKER, COLLEAGUE, ABOVE),
    *(OFFICER, BELOW, ELSEWHERE, FORMER, ADMIN),
)

S, A = CaseStatus, Action
TAKEN = (S.HANDLING, S.ASKING, S.AGREED)
HELD = (*TAKEN, S.SETTLED, S.ENDED, S.CONCLUDED)
"""Where there is a taker who may read it."""

STATES = (S.WAITING, S.TRIAGE, *HELD, S.WITHDRAWN, S.MERGED)
"""Of a case that is filed: ``filed`` lasts no longer than a transaction, a draft is its owner's alone."""


@dataclass(frozen=True)
class Right:
    """``action``: what the lifecycle must allow, None when looking is all. ``states`` narrows it further, and
    ``taken`` are those where whoever took it may as well. ``group``: pressed in the desk's work group.
    ``value`` and ``question`` are the button's. ``office``: the case is with the market authority, whose
    officer took it."""

    action: Action | None
    roles: frozenset[str]
    states: tuple[CaseStatus, ...] = STATES
    taken: tuple[CaseStatus, ...] = ()
    group: bool = False
    value: str = ""
    question: str = ""
    office: bool = False

    def fits(self, status: CaseStatus, role: str = "") -> bool:
        states = (*self.states, *(self.taken if role == TAKER else ()))
        return status in states and (self.action is None or self.action in allowed(status))

    def may(self, status: CaseStatus, role: str) -> bool:
        return role in self.roles and self.fits(status, role)


def verb_of(row: str) -> str:
    """The button's verb; a row may name its place (``@``) or its question (``:``) beside it."""
    return row.partition("@")[0].partition(":")[0]


def of(*roles: str) -> frozenset[str]:
    return frozenset(roles)


STAFF = of(COLLEAGUE, ABOVE, OFFICER)
"""Of the desk and of what is above it; whoever took a case was one of them."""

SECOND = STAFF | {ADMIN}
"""Who decides a payment in advance: never the one who asked for it."""

OTHER_CASE = "?other"
"""Stands for the token of another case of the consumer's, COLLEAGUE_ID for a colleague's account."""

COLLEAGUE_ID = "?colleague"

RIGHTS: dict[str, Right] = {
    # The consumer
    "tp": Right(None, of(OWNER)),
    "ta": Right(A.ADD, of(OWNER)),
    "tw": Right(A.WITHDRAW, of(OWNER)),
    "twy": Right(A.WITHDRAW, of(OWNER)),
    "twn": Right(A.WITHDRAW, of(OWNER)),
    "to": Right(A.REOPEN, of(OWNER)),
    "tr": Right(A.RATE, of(OWNER), value="3", question="solved"),
    "tl": Right(None, of(OWNER)),
    "tc": Right(None, of(OWNER), states=(S.WAITING, S.TRIAGE)),
    "tx": Right(None, of(OWNER)),
    "tj": Right(None, of(OWNER)),
    "tm": Right(A.TALK, of(OWNER)),
    "tu": Right(A.UNMERGE, of(OWNER)),
    "tg:yes": Right(A.REFER, of(OWNER), states=(S.HANDLING, S.ASKING), question="yes"),
    "tg:no": Right(A.DECLINE, of(OWNER), question="no"),
    "tk": Right(None, of(OWNER), states=(S.WAITING, S.TRIAGE, *TAKEN)),
    "tza": Right(A.CLAIM, of(OWNER)),
    "tzc": Right(A.CLAIM, of(OWNER)),
    "tzc:yes": Right(A.CLAIM, of(OWNER), question="yes"),
    "tzd": Right(A.FULFIL, of(OWNER), question="yes"),
    "tzf": Right(None, of(OWNER), states=(S.AGREED, S.SETTLED, S.ENDED)),
    "tzw": Right(A.WISH, of(OWNER), question="same"),
    "use": Right(A.ADD, of(OWNER)),
    # Staff
    "st": Right(A.TAKE, STAFF | {TAKER}, group=True, states=(S.WAITING,)),
    "sr@group": Right(A.SEND_BACK, STAFF | {TAKER}, group=True, states=(S.WAITING,), taken=TAKEN),
    "srr@group": Right(
        A.SEND_BACK, STAFF | {TAKER}, group=True, states=(S.WAITING,), taken=TAKEN, value="busy"
    ),
    "sr": Right(A.SEND_BACK, of(TAKER), states=HELD),
    "srr": Right(A.SEND_BACK, of(TAKER), states=HELD, value="busy"),
    "sv": Right(A.VIEW, of(TAKER), states=HELD),
    "sx": Right(A.VIEW, of(TAKER), states=HELD),
    "sa": Right(A.ASK, of(TAKER)),
    "sl": Right(A.RELABEL, of(TAKER)),
    "ss": Right(A.SETTLE, of(TAKER)),
    "ssn": Right(A.SETTLE, of(TAKER)),
    "se": Right(A.END, of(TAKER)),
    "ser": Right(A.END, of(TAKER), value="no_agreement"),
    "scm": Right(A.END, of(TAKER)),
    "scy": Right(A.END, of(TAKER)),
    "sm": Right(A.TALK, of(TAKER)),
    "sm:all": Right(A.VIEW, of(TAKER), states=HELD, question="all"),
    "sn": Right(A.NOTE, of(TAKER)),
    "sf": Right(A.TALK, of(TAKER)),
    "sp": Right(A.PASS, of(TAKER)),
    "sp:to": Right(A.PASS, of(TAKER), question="to", value=COLLEAGUE_ID),
    "sq": Right(A.SEND_BACK, of(TAKER), states=HELD),
    "sq:desk": Right(A.SEND_BACK, of(TAKER), states=HELD, question="desk"),
    "sg": Right(A.MERGE, of(TAKER), states=HELD),
    "sg:into": Right(A.MERGE, of(TAKER), states=HELD, question="into", value=OTHER_CASE),
    "sg:from": Right(None, of(TAKER), states=TAKEN, question="from", value=OTHER_CASE),
    "sg:undo": Right(A.UNMERGE, of(TAKER), question="undo"),
    "sy": Right(A.ADD, of(TAKER), states=HELD),
    "sk": Right(A.CODE, of(TAKER)),
    "sk:go": Right(A.CODE, of(TAKER), question="go"),
    "sw": Right(None, of(TAKER), states=HELD),
    "sle": Right(None, of(TAKER), states=(S.SETTLED, S.ENDED, S.CONCLUDED)),
    # Mediation
    "szm": Right(A.VIEW, of(TAKER), states=HELD),
    "szr": Right(A.RECORD, of(TAKER), question="open"),
    "szg": Right(A.AGREE, of(TAKER), question="open"),
    "szg:signed": Right(A.SIGN, of(TAKER), question="signed"),
    "szf:kept": Right(A.FULFIL, of(TAKER), question="kept", value="yes"),
    "szf:broken": Right(A.BREAK, of(TAKER), question="broken", value="yes"),
    "szd": Right(None, of(TAKER), states=(S.AGREED,)),
    "szp": Right(A.ADVANCE, of(TAKER), question="open"),
    "szq:look": Right(A.ADVANCE, SECOND, question="look"),
    "szq@group": Right(A.ADVANCE, SECOND, question="look", group=True),
    "szq:yes": Right(A.ADVANCE, SECOND, question="yes"),
    "szq:no": Right(A.ADVANCE, SECOND, question="no"),
    "szq:back": Right(None, SECOND | {TAKER}, question="back", value="back"),
    # The chain of three
    "su": Right(A.PROPOSE, of(TAKER)),
    "sud": Right(A.DELEGATE, of(OFFICER), office=True),
    "so:accept": Right(A.ACCEPT, of(OFFICER), question="accept:yes", office=True),
    "so:refuse": Right(A.REFUSE, of(OFFICER), question="refuse:yes", value="not_duty", office=True),
    "so:terminate": Right(
        A.TERMINATE, of(OFFICER), question="terminate:yes", value="limit", office=True
    ),
    "so:appraise": Right(A.APPRAISE, of(OFFICER), question="appraise:yes", office=True),
    "so:appraised": Right(A.APPRAISED, of(OFFICER), question="appraised:yes", office=True),
    "so:extend": Right(A.EXTEND, of(OFFICER), question="extend:yes", office=True),
    "so:checked": Right(
        A.CHECKED, of(OFFICER), question="checked:yes", value="no_breach", office=True
    ),
    # The bureau
    "mt": Right(A.HAND_OVER, of(ADMIN), states=(S.TRIAGE,)),
}

NO_PRESS = {
    A.FILE: "the review's 提交, of one's own draft",
    A.DISCARD: "one's own draft given up",
    A.CALL_BACK: "one's own wish for a human",
    A.ANSWER: "words typed for one's own case",
    A.QUEUE: "by itself, when no desk can hold it",
    A.RECEIVE: "an officer's taking (``st``) of a case that lies with the authority",
    A.LINK: "whoever holds the slip with its code, and is not of its staff",
}
"""Actions that no button about a case does, and by whom they come about."""

OWN_DRAFT = frozenset({"a", "c", "e", "f", "o", "ok"})
"""Buttons of the interview: they mean the presser's own draft, whatever case they name."""

ADMINS_ONLY = frozenset(
    {"m", "ma", "mb", "me", "mg", "mk", "ml", "mn", "mo", "mp", "mr", "mt", "mv", "mw", "mx", "mz"}
)
BY_DESK = frozenset({"j"})
"""Staff of a desk: who may manage it (accounts.may_manage)."""

STAFF_ONLY = frozenset({"jl", "sb", "sh", "si", "sir", "sj", "szl"})
OFFICERS_ONLY = frozenset({"sol", "wn", "wr"})
"""Of the market authority; an admin, who is the bureau's, reads names (``wn``) and releases them (``wr``) too."""

ABOVE_POINTS = frozenset({"w", "wa"})
"""Early warnings of one's area: staff of a street and above, and admins."""

FOR_ALL = frozenset(
    {
        *("d", "go", "k", "sd", "u", "ub", "ue", "uo", "ur", "us", "uz", "y"),
        *("l", "lc", "lh", "lq", "lz"),
    }
)
"""About oneself, or, with ``sd`` and ``uo``, about the desks that one acts for; ``k`` means whoever has the code."""

TYPED = frozenset({"add", "call_back", "talk"})
"""What a line is awaited for, and no button's verb."""


@cache
def verbs() -> Mapping[str, str]:
    """Every verb that a button of ours carries or a service looks for, and a file where it stands."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "bot" / "services").rglob("*.py")):
        module = import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for value in _named(module):
            found.setdefault(value, path.name)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for each in _said(node):
                value = _value(each, module)
                if isinstance(value, str) and value:
                    found.setdefault(value, path.name)
    return found


def _named(module: object) -> Iterator[str]:
    """What a module calls its verb or verbs."""
    for name, value in vars(module).items():
        if name == "VERB" or name.endswith("_VERB"):
            yield str(value)
        elif name == "VERBS" or name == "PAPERS":
            yield from map(str, value)


def _said(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call):
        called = node.func.id if isinstance(node.func, ast.Name) else ""
        if called == "button" and len(node.args) > 1:
            yield node.args[1]
        if called == "Press" and node.args:
            yield node.args[0]
    if isinstance(node, ast.Match) and _is_verb(node.subject):
        for case in node.cases:
            for part in ast.walk(case.pattern):
                if isinstance(part, ast.MatchValue):
                    yield part.value
    if isinstance(node, ast.Compare) and _is_verb(node.left):
        for part in node.comparators:
            yield from part.elts if isinstance(part, ast.Set) else (part,)


def _is_verb(node: ast.AST) -> bool:
    pressed = isinstance(node, ast.Attribute) and node.attr == "verb"
    return pressed or (isinstance(node, ast.Name) and node.id == "verb")


def _value(node: ast.AST, module: object) -> object:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        return getattr(module, node.id, None)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return getattr(getattr(module, node.value.id, None), node.attr, None)
    return None


def table() -> str:
    """The table as Markdown, for ``docs/rights.md``."""
    head = "| 按钮 | 动作 | " + " | ".join(ROLES) + " |\n"
    lines = [head, "|---" * (len(ROLES) + 2) + "|\n"]
    for row, right in RIGHTS.items():
        cells = []
        for role in ROLES:
            states = [status for status in STATES if right.may(status, role)]
            cells.append(
                "全部" if len(states) == len(STATES) else "、".join(f"`{s}`" for s in states) or "—"
            )
        lines.append(f"| `{row}` | {right.action or '看'} | {' | '.join(cells)} |\n")
    return "".join(lines)
