"""Every row of every menu is pressed by somebody to whom it is shown, and opens what it says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.services import menus
from tests.integration.admin_office import AUNT, BOSS, TEACHER, Office, opened

OFFICER = "tg:1007"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path, demo=True) as office:
        yield office


async def walk(office: Office, who: str, opening: str, group: str = "") -> list[str]:
    """Press every button of a menu once, each from the menu opened anew; what each of them answered."""

    async def opened_menu() -> dict[str, str]:
        await office.write(who, opening)
        if group:
            await office.tap(who, office.tables.texts.plain(menus.label(group)))
        shown = await office.last(who)
        return {
            label: button.press.pack() for label, button in shown.buttons.items() if button.press
        }

    menu = await opened_menu()
    again = (await office.last(who)).text
    answers = []
    for label, packed in menu.items():
        if packed.split("|")[4] == "menu":
            continue
        await opened_menu()
        before = len(await office.read(who))
        toast = await office.tap(who, label)
        told = (await office.read(who))[before:]
        assert told, f"{label} answers nothing but {toast!r}"
        assert told[-1].text != again, f"{label} only shows the menu again"
        assert "不能" not in toast, f"{label}: {toast}"
        answers.append(label)
    return answers


async def test_a_consumer_walks_the_start_screen(office: Office) -> None:
    assert len(await walk(office, AUNT, "/start")) >= 7


async def test_staff_of_a_street_and_of_the_authority_walk_theirs(office: Office) -> None:
    await office.enlist("花木街道", TEACHER)
    bureau = next(desk.name for desk in office.tables.register if desk.level == "bureau")
    await office.enlist(bureau, OFFICER)
    teacher = await walk(office, TEACHER, "/staff")
    assert {"📋 今天要办", "先行赔付台账"} <= set(teacher)
    assert set(await walk(office, OFFICER, "/staff")) - set(teacher)


@pytest.mark.parametrize("group", sorted(menus.GROUPS))
async def test_an_admin_walks_each_group(office: Office, group: str) -> None:
    await office.appoint(BOSS)
    shown = sum(map(len, menus.MENUS[group]))
    assert len(await walk(office, BOSS, "/admin", group)) == shown
