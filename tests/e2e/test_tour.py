"""A tour of the desk on a phone, from the card to the end, each station kept as a picture in light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e import story
from tests.e2e.conftest import NARROW, Shoot, opened
from tests.e2e.phones import Phone


@pytest.fixture
def photo(browser: Browser, tmp_path: Path) -> Path:
    return story.photograph(browser, tmp_path / "小票.jpg")


class Tour:
    """The stations, numbered as they are passed; a page that shows one phone at a time."""

    def __init__(self, page: Page, shoot: Shoot) -> None:
        self.page, self._shoot = page, shoot
        self._count = 0
        self._switcher = page.get_by_role("navigation", name="看哪一部手机")

    def to(self, name: str) -> None:
        self._switcher.get_by_role("button", name=name).click()

    def station(self, name: str) -> None:
        """A picture in each scheme; nothing may be wider than the phone."""
        self._count += 1
        for scheme in ("light", "dark"):
            self.page.emulate_media(color_scheme=scheme)
            expect(self.page.locator(f'html[data-theme="{scheme}"]')).to_have_count(1)
            width = self.page.evaluate("document.scrollingElement.scrollWidth")
            assert width <= NARROW["width"], f"{name}: {width} px wide"
            self._shoot(self.page, f"desk-{self._count}-{name}-{scheme}")
        self.page.emulate_media(color_scheme="light")


def test_a_tour_of_the_desk(browser: Browser, address: str, photo: Path, shoot: Shoot) -> None:
    with opened(browser, address, viewport=NARROW, has_touch=True, is_mobile=True) as page:
        consumer, staff = Phone(page, "consumer"), Phone(page, "staff")
        tour = Tour(page, shoot)
        story.begin(consumer)
        story.go_on(consumer, photo)
        consumer.types("王秀英")
        story.finish(consumer)
        consumer.press("提交", "请核对一遍")
        consumer.hears("已登记")

        tour.to("联络点")
        staff.shows("食品烟酒", "等待接单")
        tour.station("card")
        staff.press("接单", "等待接单", old=True)
        expect(staff.rows.last).to_contain_text("接单：陈老师")
        staff.press("打开材料", old=True)
        staff.hears("姓名：王秀英", "以上内容只给您看")
        tour.station("taken")

        staff.press("请消费者补充", "以上内容只给您看")
        staff.hears("请打字写下")
        staff.types("请问牛奶的生产日期还看得清吗？")
        staff.hears("已发给消费者")
        tour.to("消费者")
        consumer.hears("生产日期还看得清吗")
        consumer.types("看得清，是去年三月的。")
        consumer.hears("已把您的回答交给工作人员")
        tour.to("联络点")
        staff.shows("看得清，是去年三月的。")
        tour.station("asked")

        staff.press("看材料", "看得清", old=True)
        staff.press("对话", "以上内容只给您看")
        staff.types("收到，我今天下午去店里问。")
        staff.hears("已转给消费者")
        tour.to("消费者")
        consumer.shows("我今天下午去店里问")
        consumer.press("回复", "我今天下午去店里问", old=True)
        consumer.types("麻烦您了，小票我也带着。")
        consumer.hears("已转给工作人员")
        tour.to("联络点")
        staff.shows("小票我也带着")
        tour.station("talk")

        staff.press("看材料", "小票我也带着", old=True)
        staff.press("调解、协议、赔付", "以上内容只给您看")
        staff.press("记一次调解", "要记录、签约还是赔付")
        staff.press("就是今天", "什么时候谈的")
        staff.press("上门", "怎么谈的")
        staff.press("在商家那里", "在哪里")
        staff.press("消费者和商家", "谁参加了")
        staff.press("和登记的要求一样", "消费者提了什么")
        staff.types("店长看了牛奶，愿意全退，再赔一箱。")
        staff.press("谈成了", "谈得怎么样")
        staff.hears("的调解记录，请核对")
        tour.station("record")
        staff.press("确认，存档", "的调解记录，请核对")

        staff.press("写和解协议", old=True)
        staff.types("128")
        staff.press("原路退回", "钱怎么给")
        staff.types("再给一箱没过期的牛奶")
        staff.press("不用做什么", "消费者要做什么")
        staff.press("3 天内", "哪天以前兑现")
        staff.press("到场签字", "怎么同意的")
        staff.press("联络点", "以谁的名义")
        staff.hears("的和解协议，请核对")
        tour.station("agreement")
        staff.press("确认，告诉消费者", "的和解协议，请核对")
        staff.hears("协议已记下")
        tour.to("消费者")
        consumer.shows("谈成了，约定如下")
        tour.station("told")
        consumer.press("和我想的一样", "谈成了，约定如下", old=True)
        consumer.command("status")
        consumer.press("到了，已经兑现", old=True)
        tour.to("联络点")
        staff.shows("兑现")
        tour.station("closed")
        staff.types("/today")
        staff.hears("今天要办")
        tour.station("today")
