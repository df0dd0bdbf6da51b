"""One table lists all menus and commands, and each service is reached by the person it is for."""

from __future__ import annotations

from types import ModuleType

import pytest

from bot.services import menus
from bot.texts.catalogue import load
from tests.attack.rights import verbs
from tests.unit.reach import Node, beginning, graph, reached, read

PEOPLE = {
    "consumer": ({menus.START}, {"private"}, "abcdefgiokltuy"),
    "staff": ({menus.START, menus.STAFF}, {"private", "group", "admin"}, "abcdefgijklostuwy"),
    "admin": (set(menus.MENUS), {"private", "group", "admin"}, "abcdefgijklmostuwy"),
}
"""Her menus, her commands (staff type them too), and how verbs begin that are for her."""

FOR = {
    "consumer": "consumer",
    "privacy": "consumer",
    "staff": "staff",
    "mediation": "staff",
    "chain": "staff",
    "warning": "staff",
    "warning.hot_list": "consumer",
    "chain.assign": "admin",
    "books.record_work": "staff",
    "books.plan_work": "staff",
    "books.own_rating": "staff",
    "staff.edit_templates": "admin",
}
"""Whom the services of a room are for, and those in it that are for another; of another room, an admin."""


def lost(nodes: dict[str, Node]) -> list[str]:
    """Services that answer somebody and that nobody comes to whom they are for."""
    found = {who: reached(nodes, beginning(*PEOPLE[who][:2]), PEOPLE[who][2]) for who in PEOPLE}
    missing = []
    for module in sorted({key.partition(":")[0] for key, node in nodes.items() if node.answers}):
        who = FOR.get(module) or FOR.get(module.partition(".")[0], "admin")
        entries = {
            key for key, node in nodes.items() if node.answers and key.startswith(f"{module}:")
        }
        if not entries & found[who]:
            missing.append(f"{module} is reached by no {who}")
    return missing


def test_every_service_is_reached_by_the_person_it_is_for() -> None:
    assert lost(dict(graph())) == []


def test_a_service_that_nobody_can_reach_is_named() -> None:
    """The test above sees it: one without any button, and one whose button only an unreached one shows."""
    forgotten = ModuleType("bot.services.staff.forgotten")
    source = "async def home(answer):\n    await answer(buttons=[[button('x', 'sqq')]])\n"
    nodes = dict(graph()) | read(forgotten, source)
    assert lost(nodes) == ["staff.forgotten is reached by no staff"]


@pytest.mark.parametrize("value", ["duty", "templates"])
def test_a_row_taken_out_of_the_menu_is_missed(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    left = {
        name: tuple(tuple(i for i in row if i.value != value) for row in rows)
        for name, rows in menus.MENUS.items()
    }
    monkeypatch.setattr(menus, "MENUS", left)
    service = {
        "duty": "admin.watch",
        "templates": "staff.edit_templates",
    }[value]
    assert any(service in line for line in lost(dict(graph())))


def test_rows_are_shown_to_those_of_whom_they_hold() -> None:
    def labels(*holds: str) -> list[str]:
        return [b.label.key for row in menus.rows(menus.STAFF, holds) for b in row]

    assert "staff.button.manage" not in labels("staff", "here", "point")
    assert "staff.button.manage" in labels("staff", "here", "street", "manager")
    assert {"staff.button.leave", "staff.button.back"} & set(labels("staff", "away")) == {
        "staff.button.back"
    }
    assert "admin.button.menu" not in labels("staff")


def test_the_table_is_whole() -> None:
    """Every verb is one that a service answers to, every group has rows and words, every command its text."""
    known = verbs()
    items = [item for rows in menus.MENUS.values() for row in rows for item in row]
    assert [item for item in items if item.verb not in known] == []
    assert all(menus.rows(group) for group in menus.GROUPS)
    texts = load().keys()
    assert {f"menu.about.{group}" for group in menus.GROUPS} <= texts
    assert {f"command.{name}" for names in menus.COMMANDS.values() for name in names} <= texts


def test_the_admins_menu_stays_small() -> None:
    assert sum(map(len, menus.MENUS[menus.ADMIN])) <= 8
    assert all(sum(map(len, menus.MENUS[group])) <= 12 for group in menus.GROUPS)
