"""All menus and commands in one table (菜单): what a person can begin by herself, and where she finds it.

A service that is reached from no row here, no card and no command fails a test by its name. A row carries a
verb, by which :mod:`bot.services.hear` finds the service; for ``m`` and ``go`` the value tells which.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from bot.ports import Button
from bot.services.sending import button
from bot.texts.catalogue import Say, say

When = Literal[
    "", "draft", "staff", "here", "away", "point", "street", "officer", "above", "manager", "admin"
]
"""Of whom a row must hold to be shown; '' of everybody who opens that menu. ``draft``: has one unfinished.
``here`` and ``away``: staff on leave or not; ``point``, ``street``, ``officer``: staff of that level; ``above``: of any but a point;
``manager``: may invite and dismiss somebody's staff (``accounts.standing``)."""


@dataclass(frozen=True, slots=True)
class Item:
    """A button of a menu: the key of its label, and what it carries."""

    label: str
    verb: str
    value: str = ""
    question: str = ""
    when: When = ""


START, STAFF, ADMIN = "start", "staff", "admin"

MENUS: Mapping[str, tuple[tuple[Item, ...], ...]] = {
    START: (
        (Item("button.emergency", "go", "emergency"),),
        (Item("button.resume", "go", "resume", when="draft"),),
        (Item("button.complaint", "go", "complaint"),),
        (Item("button.clue", "go", "clue"), Item("button.consult", "go", "consult")),
        (Item("button.status", "go", "status"), Item("button.hotlines", "go", "hotlines")),
        (Item("protect.button.home", "l"), Item("mydata.button.home", "d", question="home")),
    ),
    STAFF: (
        (Item("today.button.list", "sd", when="staff"),),
        (Item("proxy.button.begin", "sb", when="staff"),),
        (
            Item("work.button.begin", "sh", when="staff"),
            Item("report.button.show", "si", when="staff"),
        ),
        (Item("official.button.list", "sol", when="officer"),),
        (Item("warning.button.home", "w", when="above"),),
        (Item("staff.button.manage", "j", "0", "list", when="manager"),),
        (Item("staff.button.leave", "jl", question="ask", when="here"),),
        (Item("staff.button.back", "jl", question="back", when="away"),),
        (Item("activity.button.home", "uo", when="staff"),),
        (Item("ledger.button.show", "szl"),),
        (Item("admin.button.menu", "m", "menu", when="admin"),),
    ),
    ADMIN: (
        (Item("admin.button.triage", "m", "triage"),),
        (Item("menu.group.outreach", "m", "outreach"), Item("menu.group.warning", "m", "warning")),
        (Item("menu.group.books", "m", "books"), Item("menu.group.network", "m", "network")),
        (Item("menu.group.words", "m", "words"), Item("menu.group.running", "m", "running")),
    ),
    # The second level of the admin's menu.
    "outreach": (
        (Item("notice.button.new", "mn", question="new"),),
        (Item("notice.button.case", "mn", question="case"),),
        (Item("admin.button.notice", "mn", question="home"), Item("activity.button.home", "uo")),
    ),
    "warning": ((Item("warning.button.open", "w"),), (Item("admin.button.duty", "m", "duty"),)),
    "books": (
        (Item("report.button.show", "si"), Item("rating.button.home", "mg")),
        (
            Item("rating.button.appeals", "mg", question="appeals"),
            Item("ledger.button.show", "szl"),
        ),
    ),
    "network": (
        (Item("admin.button.bind", "m", "bind"), Item("admin.button.staff", "m", "staff")),
        (Item("people.button.home", "mp"), Item("organise.button.home", "mz")),
        (Item("admin.button.quality", "m", "quality"),),
    ),
    "words": (
        (Item("admin.button.try", "m", "try"), Item("admin.button.rules", "m", "rules")),
        (Item("admin.button.suggest", "m", "suggest"), Item("admin.button.law", "m", "law")),
        (Item("admin.button.templates", "m", "templates"), Item("limits.button.home", "mk")),
    ),
    "running": (
        (Item("admin.button.status", "m", "status"),),
        (Item("search.button.home", "ma"), Item("take_out.button.home", "me")),
        (Item("robot.button.home", "mv"), Item("admin.button.operator", "m", "operator")),
    ),
}

GROUPS = frozenset(item.value for row in MENUS[ADMIN] for item in row if item.value in MENUS)
"""The second level: each is the value of a button of the admin's menu."""

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "private": (
        "start",
        "emergency",
        "status",
        "learn",
        "mydata",
        "continue",
        "cancel",
        "hotlines",
        "help",
        "settings",
        "subscribe",
        "unsubscribe",
    ),
    "group": ("today", "help"),
    "admin": ("admin", "staff", "today", "help", "status", "hotlines"),
}
"""The command menus, in their order; each command has the text ``command.<name>``. ``private`` is everybody's
talk with the bot, ``admin`` an admin's, ``group`` a work group's."""


def rows(menu: str, holds: Collection[str] = ()) -> list[list[Button]]:
    """The buttons of a menu for somebody of whom ``holds`` is true."""
    shown = (
        [
            button(item.label, item.verb, question=item.question, value=item.value)
            for item in row
            if not item.when or item.when in holds
        ]
        for row in MENUS[menu]
    )
    return [row for row in shown if row]


def label(group: str) -> Say:
    """What the button reads that opens a group of the admin's menu."""
    return say(f"menu.group.{group}")
