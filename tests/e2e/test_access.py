"""axe-core judges what test_page.py does not open: the scenarios, the menus and the dialogs."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import NARROW, WIDE, opened
from tests.e2e.phones import Phone
from tests.e2e.test_page import free_of_barriers, usable_with_a_finger


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=["390", "1440"])
def test_scenarios_menus_and_dialogs_are_open_to_all(
    browser: Browser, address: str, size: dict[str, int], scheme: str
) -> None:
    touch = {"has_touch": True, "is_mobile": True} if size is NARROW else {}
    with opened(browser, address, viewport=size, color_scheme=scheme, **touch) as page:
        consumer = Phone(page, "consumer")
        strip = page.get_by_role("region", name="演示")
        if size is NARROW:
            # Opened and played by the keyboard alone.
            expect(strip).to_be_hidden()
            page.get_by_role("button", name="▶ 演示").press("Enter")
            usable_with_a_finger(page)
        free_of_barriers(page)

        strip.get_by_role("button", name="群发通知").press("Enter")
        expect(strip.get_by_role("button", name="暂停")).to_be_focused()
        page.keyboard.press("Enter")
        expect(strip.get_by_role("button", name="继续")).to_be_focused()
        free_of_barriers(page)
        if size is NARROW:
            usable_with_a_finger(page)
        strip.get_by_role("button", name="结束").press("Enter")
        expect(strip.get_by_role("button", name="健身房关门")).to_be_focused()

        consumer.element.get_by_role("button", name="这个聊天的更多操作").press("Enter")
        expect(consumer.element.get_by_role("menu")).to_be_visible()
        free_of_barriers(page)
        page.keyboard.press("Escape")
        expect(consumer.element.get_by_role("menu")).to_have_count(0)

        page.get_by_role("button", name="加人或群").press("Enter")
        expect(page.get_by_role("dialog", name="加人或群")).to_be_visible()
        free_of_barriers(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)
