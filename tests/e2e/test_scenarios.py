"""The scenarios of the page, played in haste: paused, stepped, ended, and taken to their end."""

from __future__ import annotations

from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import NARROW, opened
from tests.e2e.phones import Phone


def play(page: Page, title: str, pace: str = "不停顿") -> Locator:
    """Starts a scenario, in haste; gives back the strip where it is followed."""
    strip = page.get_by_role("region", name="演示")
    strip.get_by_role("button", name=title).click()
    hurry(strip, pace)
    return strip


def hurry(strip: Locator, pace: str = "不停顿") -> None:
    strip.get_by_label("快慢").select_option(pace)


def on_the_phone(page: Page) -> str:
    chosen = page.get_by_label("消费者：换一个人")
    return str(chosen.evaluate("list => list.selectedOptions[0].text"))


def finished(strip: Locator, title: str) -> None:
    expect(strip.get_by_text(f"“{title}”演完了")).to_be_visible(timeout=90_000)
    expect(strip.get_by_role("button", name=title)).to_be_visible()


def test_a_withdrawal_plays_on_two_phones(page: Page, consumer: Phone, staff: Phone) -> None:
    strip = play(page, "撤回")
    finished(strip, "撤回")
    consumer.shows("李桂芳", "已撤回")
    staff.shows("顺风鞋店")
    assert on_the_phone(page) == "李阿姨"


def test_of_two_takers_one_comes_too_late(page: Page, staff: Phone) -> None:
    strip = play(page, "两人抢单")
    expect(staff.element.locator(".toast", has_text="陈老师")).to_be_visible(timeout=60_000)
    finished(strip, "两人抢单")
    staff.shows("赵国强", "办理中")


def test_a_play_waits_steps_and_ends(page: Page, admin: Phone) -> None:
    strip = play(page, "群发通知", "快")
    strip.get_by_role("button", name="暂停").click()
    meter = strip.get_by_role("progressbar")
    expect(strip.get_by_role("button", name="继续")).to_be_visible()

    def at() -> int:
        return int(meter.get_attribute("aria-valuenow") or 0)

    page.wait_for_timeout(400)
    stood = at()
    page.wait_for_timeout(1000)
    assert at() == stood, "it went on though it was paused"
    step = strip.get_by_role("button", name="下一步")
    for _ in range(50):
        if at() > stood:
            break
        step.click()
        page.wait_for_timeout(200)
    assert at() > stood
    strip.get_by_role("button", name="继续").click()
    hurry(strip)
    admin.shows("一字不差")
    strip.get_by_role("button", name="结束").click()
    expect(strip.get_by_role("button", name="两人抢单")).to_be_visible()
    expect(meter).to_have_count(0)

    # A second time it brings someone new, whose story nobody has begun.
    first = on_the_phone(page)
    assert first.startswith("孙叔叔")
    strip = play(page, "群发通知")
    finished(strip, "群发通知")
    second = on_the_phone(page)
    assert second.startswith("孙叔叔")
    assert second != first


def test_a_play_survives_the_end_of_the_process(page: Page, consumer: Phone) -> None:
    strip = play(page, "荐股群被骗", "快")
    consumer.shows("金牛老师")
    page.get_by_role("button", name="结束机器人进程").click()
    expect(strip.get_by_text("没有在运行")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="重新启动").click()
    hurry(strip)
    finished(strip, "荐股群被骗")
    consumer.shows("已登记")


def test_a_phone_shows_who_is_acting(browser: Browser, address: str) -> None:
    with opened(browser, address, viewport=NARROW, has_touch=True, is_mobile=True) as page:
        page.get_by_role("button", name="▶ 演示").click()
        strip = play(page, "群发通知", "快")
        expect(page.locator('.phone.shown[data-role="consumer"]')).to_be_visible()
        expect(page.locator('.phone.shown[data-role="admin"]')).to_be_visible(timeout=30_000)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= NARROW["width"]
        hurry(strip)
        finished(strip, "群发通知")
