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
ADMIN = "管理员"
ROLES = (STRANGER, OTHER, OWNER, TAKER, COLLEAGUE, ABOVE, BELOW, ELSEWHERE, FORMER, ADMIN)

S, A = CaseStatus, Action
HELD = (S.HANDLING, S.ASKING, S.SETTLED, S.ENDED)
"""Where there is a taker who may read it."""

STATES = (S.WAITING, S.TRIAGE, *HELD, S.WITHDRAWN)
"""Of a case that is filed: ``filed`` lasts no longer than a transaction, a draft is its owner's alone."""


@dataclass(frozen=True)
class Right:
    """``action``: what the lifecycle must allow, None when looking is all. ``states`` narrows it further.
    ``group``: pressed in the desk's work group. ``value`` and ``question`` are the button's."""

    action: Action | None
    roles: frozenset[str]
    states: tuple[CaseStatus, ...] = STATES
    group: bool = False
    value: str = ""
    question: str = ""

    def fits(self, status: CaseStatus) -> bool:
        return status in self.states and (self.action is None or self.action in allowed(status))


def of(*roles: str) -> frozenset[str]:
    return frozenset(roles)


STAFF = of(COLLEAGUE, ABOVE)
"""Of the desk and of what is above it; whoever took a case was one of them."""

RIGHTS: dict[str, Right] = {
    # The consumer
    "tp": Right(None, of(OWNER)),
    "ta": Right(A.ADD, of(OWNER)),
    "tw": Right(A.WITHDRAW, of(OWNER)),
    "twy": Right(A.WITHDRAW, of(OWNER)),
    "to": Right(A.REOPEN, of(OWNER)),
    "tr": Right(A.RATE, of(OWNER), value="3", question="solved"),
    "tl": Right(None, of(OWNER)),
    "tc": Right(None, of(OWNER), states=(S.WAITING, S.TRIAGE)),
    "tx": Right(None, of(OWNER)),
    "tj": Right(None, of(OWNER)),
    "use": Right(A.ADD, of(OWNER)),
    # Staff
    "st": Right(A.TAKE, of(COLLEAGUE, ABOVE, TAKER), states=(S.WAITING,), group=True),
    "sr@group": Right(A.SEND_BACK, of(COLLEAGUE, ABOVE, TAKER), states=(S.WAITING,), group=True),
    "sr": Right(A.SEND_BACK, of(TAKER), states=HELD),
    "srr": Right(A.SEND_BACK, of(TAKER), states=HELD, value="busy"),
    "sv": Right(A.VIEW, of(TAKER)),
    "sx": Right(A.VIEW, of(TAKER)),
    "sa": Right(A.ASK, of(TAKER)),
    "sl": Right(A.RELABEL, of(TAKER)),
    "ss": Right(A.SETTLE, of(TAKER)),
    "ssn": Right(A.SETTLE, of(TAKER)),
    "se": Right(A.END, of(TAKER)),
    "ser": Right(A.END, of(TAKER), value="no_agreement"),
    "scy": Right(A.END, of(TAKER), states=(S.HANDLING, S.ASKING)),
    # The bureau
    "mt": Right(A.HAND_OVER, of(ADMIN), states=(S.TRIAGE,)),
}

NO_PRESS = {
    A.FILE: "the review's 提交, of one's own draft",
    A.DISCARD: "one's own draft given up",
    A.CALL_BACK: "one's own wish for a human",
    A.ANSWER: "words typed for one's own case",
    A.QUEUE: "by itself, when no desk can hold it",
    A.PASS: "by a leave that the taker set herself",
}
"""Actions that no button about a case does, and by whom they come about."""

OWN_DRAFT = frozenset({"a", "c", "e", "f", "o", "ok"})
"""Buttons of the interview: they mean the presser's own draft, whatever case they name."""

ADMINS_ONLY = frozenset({"m", "mb", "ml", "mn", "mr", "mt", "mw"})
BY_DESK = frozenset({"j"})
"""Staff of a desk: who may manage it (accounts.may_manage)."""

STAFF_ONLY = frozenset({"jl"})
FOR_ALL = frozenset({"d", "go", "u", "us", "y"})


@cache
def verbs() -> Mapping[str, str]:
    """Every verb that a button of ours carries or a service looks for, and a file where it stands."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "bot" / "services").glob("*.py")):
        module = import_module(f"bot.services.{path.stem}")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            for each in _said(node):
                value = _value(each, module)
                if isinstance(value, str) and value:
                    found.setdefault(value, path.name)
    return found


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
    return isinstance(node, ast.Attribute) and node.attr == "verb"


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
    for verb, right in RIGHTS.items():
        states = [status for status in STATES if right.fits(status)]
        cell = "全部" if len(states) == len(STATES) else "、".join(f"`{s}`" for s in states)
        cells = [cell if role in right.roles else "—" for role in ROLES]
        lines.append(f"| `{verb}` | {right.action or '看'} | {' | '.join(cells)} |\n")
    return "".join(lines)
