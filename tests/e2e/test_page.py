"""What the three people see and do on the page, in a real browser, with a real bot behind it."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e import story
from tests.e2e.conftest import NARROW, WIDE, Shoot, opened, settled
from tests.e2e.phones import Phone


@pytest.fixture
def photo(browser: Browser, tmp_path: Path) -> Path:
    return story.photograph(browser, tmp_path / "小票.jpg")


def test_a_dispute_from_the_first_word_to_the_last(
    page: Page, consumer: Phone, staff: Phone, admin: Phone, photo: Path, shoot: Shoot
) -> None:
    story.begin(consumer)
    story.go_on(consumer, photo, stumble=True)
    consumer.types("王秀英")
    story.finish(consumer)
    consumer.shows("金额：128元", "1个文件", "工作群里只看得到编号、类别、街镇和金额范围")

    # One answer is changed at the review; the others stay.
    consumer.press("修改", "请核对一遍")
    consumer.press("金额", "要改哪一项")
    consumer.hears("您之前填的是：128元")
    consumer.types("138")
    consumer.hears("金额：138元", "对方：幸福来超市")
    consumer.press("提交", "请核对一遍")
    consumer.hears("已登记", "张江镇")
    consumer.press("订阅消费提醒", "已登记")
    consumer.hears("已为您订阅")

    # The work group's card names the matter and the street, and nobody.
    staff.shows("食品烟酒", "地点：张江镇", "100～500 元", "等待接单")
    expect(staff.element.get_by_role("tab", name="张江镇")).to_have_attribute(
        "aria-selected", "true"
    )
    card = staff.rows.last.inner_text()
    assert not [private for private in ("王", "138", "幸福来") if private in card]
    staff.press("接单", "等待接单", old=True)
    expect(staff.rows.last).to_contain_text("接单：陈老师")
    expect(staff.rows.last).to_contain_text("办理中")
    consumer.hears("陈老师已经接单")

    # What is private opens in private.
    staff.press("打开材料", old=True)
    staff.hears("姓名：王秀英", "电话：13812345678", "金额：138元", "以上内容只给您看")
    picture = staff.element.locator("img.picture").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0

    # A notice is seen before it is sent, and counted after.
    admin.press("通知与活动", old=True)
    admin.press("写通知")
    admin.hears("现在有 1 人订阅")
    admin.types("买预付卡之前，先看看店有没有备案，少充一点，留好合同。")
    admin.hears("一字不差")
    admin.press("发送", "现在有 1 人")
    consumer.hears("消费提醒", "买预付卡之前")
    admin.shows("通知已发完", "已送达：1 人", "合计：1 人")

    staff.press("请消费者补充", "以上内容只给您看")
    staff.hears("请打字写下")
    staff.types("请问牛奶的生产日期还看得清吗？")
    staff.hears("已发给消费者")
    consumer.hears("请问牛奶的生产日期还看得清吗？", "在这里打字回答")
    consumer.types("看得清，是去年三月的。")
    consumer.hears("已把您的回答交给工作人员")
    staff.hears("看得清，是去年三月的。")
    shoot(page, "page")

    staff.press("看材料", "看得清")
    staff.press("已达成", "后来补充的")
    staff.hears("退回或赔付了多少钱")
    staff.types("五百")
    staff.hears("双方达成一致", "消费者会看到")
    staff.types("超市同意退款，另赔偿，当天已经转账。")
    staff.press("确认，告诉消费者", "另赔偿")
    staff.hears("已办结")

    consumer.hears("已达成", "500元", "超市同意退款，另赔偿，当天已经转账。")
    consumer.press("解决了", "结果您认可吗")
    consumer.press("很好", "态度", old=True)
    consumer.press("很快", "快慢", old=True)
    consumer.shows("谢谢您的评价")
    consumer.command("status")
    consumer.hears("张江镇的陈老师接单", "陈老师查看了您的材料", "已达成")
    shoot(page, "settled")

    # Who leaves is no longer counted.
    consumer.press("退订", "买预付卡之前", old=True)
    consumer.hears("已为您退订")
    admin.command("admin")
    admin.press("通知与活动", "管理员菜单")
    admin.press("写通知")
    admin.hears("现在有 0 人订阅")


def test_nothing_is_lost_when_the_process_is_ended_in_mid_interview(
    page: Page, consumer: Phone, photo: Path, shoot: Shoot
) -> None:
    story.begin(consumer)
    story.go_on(consumer, photo)
    page.get_by_role("button", name="结束机器人进程").click()
    expect(page.locator("#health-text")).to_contain_text("不在线", timeout=15_000)
    consumer.types("王秀英")
    expect(page.locator("#health-text")).to_contain_text("1 条消息在排队")
    shoot(page, "ended")
    page.get_by_role("button", name="重新启动").click()
    expect(page.locator("#health-text")).to_have_text("机器人在线", timeout=90_000)
    story.finish(consumer)
    consumer.shows("对方：幸福来超市", "付款方式：微信", "姓名：王秀英", "1个文件")
    for said_once in ("王秀英", "怎么称呼您", "您的联系电话"):
        expect(
            consumer.rows.filter(has_text=said_once).filter(has_not_text="请核对一遍")
        ).to_have_count(1)


def test_a_group_that_was_added_becomes_a_work_group(
    page: Page, staff: Phone, admin: Phone
) -> None:
    page.get_by_role("button", name="加人或群").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("是谁").select_option("联络点的工作群")
    dialog.get_by_label("称呼").fill("塘桥工作群")
    dialog.get_by_role("button", name="加上").click()
    # The page says what comes next, and that is what comes.
    expect(dialog).to_contain_text("点“名册与人员”、“绑定工作群”")
    dialog.get_by_role("button", name="知道了").click()
    admin.command("admin")
    admin.press("名册与人员")
    admin.press("绑定工作群")
    admin.hears("请选街镇")
    admin.types("塘桥街道")
    admin.press("塘桥街道")
    admin.press("选群并绑定")
    expect(dialog.locator("select")).to_have_js_property("selectedIndex", 0)
    dialog.get_by_role("button", name="加进去").click()
    admin.shows("本群已绑定为塘桥街道的工作群")
    staff.opens("塘桥工作群")
    staff.shows("本群已绑定为塘桥街道的工作群")


SMALL_KEYS = """() => [...document.querySelectorAll("button, select, textarea, a[href]")]
  .filter((key) => key.checkVisibility() && !key.closest(".text") && !key.matches(".skip"))
  .map((key) => [key.getBoundingClientRect().height, key.getAttribute("aria-label") || key.innerText])
  .filter(([height]) => height < 39.5)"""
"""What a finger has to hit and is lower than 40 px; words that can be tapped in a text aside."""


def usable_with_a_finger(page: Page) -> None:
    width = page.evaluate("document.scrollingElement.scrollWidth")
    assert width <= NARROW["width"], f"the page is {width} px wide and must be pushed sideways"
    assert page.evaluate(SMALL_KEYS) == []


def free_of_barriers(page: Page) -> None:
    """axe-core finds nothing that keeps someone out (its two upper ranks)."""
    settled(page)
    found = Axe().run(page).response["violations"]
    assert [
        (fault["id"], fault["help"], [node["html"][:120] for node in fault["nodes"]][:4])
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ] == []


def test_a_phone_is_wide_enough(browser: Browser, address: str, photo: Path, shoot: Shoot) -> None:
    with opened(browser, address, viewport=NARROW, has_touch=True, is_mobile=True) as page:
        consumer, staff = Phone(page, "consumer"), Phone(page, "staff")
        switcher = page.get_by_role("navigation", name="看哪一部手机")
        expect(consumer.element).to_be_visible()
        expect(staff.element).to_be_hidden()
        usable_with_a_finger(page)

        story.begin(consumer)
        usable_with_a_finger(page)
        shoot(page, "phone-question")
        story.go_on(consumer, photo)
        consumer.types("王秀英")
        story.finish(consumer)
        usable_with_a_finger(page)
        shoot(page, "phone-review")
        consumer.press("提交", "请核对一遍")
        consumer.hears("已登记")
        free_of_barriers(page)

        # What has come on another phone is marked, and one tap away.
        staff_tab = switcher.get_by_role("button", name="联络点")
        expect(staff_tab.get_by_label("有新消息")).to_be_visible()
        staff_tab.click()
        expect(staff.element).to_be_visible()
        expect(consumer.element).to_be_hidden()
        expect(staff_tab.get_by_label("有新消息")).to_have_count(0)
        staff.press("接单", "等待接单", old=True)
        expect(staff.rows.last).to_contain_text("接单：陈老师")
        usable_with_a_finger(page)
        shoot(page, "phone-group")
        for name in ("管理员", "记录"):
            switcher.get_by_role("button", name=name).click()
            usable_with_a_finger(page)
            free_of_barriers(page)
        shoot(page, "phone-records")


def test_nobody_is_kept_out(browser: Browser, address: str, shoot: Shoot) -> None:
    with opened(browser, address, viewport=WIDE) as page:
        consumer = Phone(page, "consumer")
        story.begin(consumer)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            expect(page.locator(f'html[data-theme="{scheme}"]')).to_have_count(1)
            shoot(page, f"wide-{scheme}")
            free_of_barriers(page)
            # The menu and the map are reached and left by the keyboard alone.
            consumer.element.get_by_role("button", name="发照片、文件、语音或位置").press("Enter")
            expect(consumer.element.get_by_role("menuitem", name="照片")).to_be_focused()
            free_of_barriers(page)
            page.keyboard.press("ArrowUp")
            page.keyboard.press("Enter")
            expect(page.get_by_role("dialog", name="选一个位置")).to_be_visible()
            shoot(page, f"map-{scheme}")
            free_of_barriers(page)
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_have_count(0)
