"""An admin tries the rules and edits them; what is kept counts in the running process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from bot.ports import Press
from bot.services.admin import edit_rules, suggest_words
from bot.services.admin.live_classifier import COMPARE_SECONDS, LiveClassifier
from bot.services.queue.deliver import Deliverer
from models.case import Case
from models.delivery import Outbox
from models.party import Account
from models.revision import Revision
from tests.integration.admin_office import AUNT, BOSS, Office, opened
from tests.integration.durable import WIDE

WORD, EXAMPLE = "毛毡斗篷", "毛毡斗篷寄来就散了架，对方不理我"
"""A thing that no packaged rule knows, and a sentence that they do not take for clothes."""


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    async with opened(tmp_path) as office:
        await office.appoint()
        yield office


async def run_errands(office: Office) -> None:
    """What the deliverer does with the errands that are owed."""
    errands = {
        edit_rules.ERRAND: edit_rules.checker(office.db, office.tables),
        suggest_words.ERRAND: suggest_words.suggester(office.db, office.tables),
    }
    deliverer = Deliverer(office.db, office.clock, {}, WIDE, errands=errands)
    while claimed := (await deliverer.claim(8))[0]:
        for item in claimed:
            await deliverer.work(item)


async def fill_in(
    office: Office, word: str, group: str, name: str, step: str, example: str, why: str = "常有人说"
) -> None:
    """Add a word the way an admin does, up to the check."""
    await office.tap_menu("改词表")
    await office.tap(BOSS, "加一个词")
    await office.write(BOSS, word)
    await office.tap(BOSS, group)
    await office.tap(BOSS, name)
    await office.tap(BOSS, step)
    await office.write(BOSS, example)
    await office.write(BOSS, why)


async def add_cape(office: Office, step: str = "强") -> None:
    await fill_in(office, WORD, "买的东西", "衣服鞋包", step, EXAMPLE)
    await run_errands(office)


def said(office: Office, text: str) -> str:
    return office.tables.classifier.classify(text).object


async def tried(office: Office, text: str) -> str:
    await office.write(BOSS, text)
    return (await office.last(BOSS)).text


# -- try ------------------------------------------------------------------------------------


async def test_a_tried_text_is_explained_with_words_weights_and_runner_up(office: Office) -> None:
    await office.tap_menu("试分类")
    card = await tried(office, "网购的羽绒服一洗就跑绒，商家说是正常现象")
    assert "类别：衣服鞋包" in card
    assert "个百分点" in card
    assert "其次：\n· " in card
    assert "性质：质量" in card
    assert "渠道：网上平台" in card
    line = next(line for line in card.splitlines() if "羽绒服" in line)
    assert line.startswith("· +")
    assert "衣服鞋包" in line
    assert "没有读到诈骗" in card
    assert "没有读到危险" in card
    assert "不会再问" in card
    assert office.tables.classifier.version in card


async def test_fraud_danger_and_doubt_are_named(office: Office) -> None:
    await office.tap_menu("试分类")
    card = await tried(office, "客服让我共享屏幕，把钱转到安全账户，刚刚转了两万")
    assert "疑似诈骗" in card
    assert "安全账户" in card
    assert "刚刚转出去" in card
    assert "危险信号：有轻生的话" in await tried(office, "钱没了，我不想活了，想跳楼")
    assert "会请当事人自己选" in await tried(office, "嗯嗯")
    assert "没有一条规则" in await tried(office, "嗯嗯")


async def test_trying_goes_on_until_done_and_keeps_nothing(office: Office) -> None:
    await office.tap_menu("试分类")
    await tried(office, "买的酸奶过期了")
    await tried(office, "被车撞了，对方全责")
    await office.tap(BOSS, "完成")
    assert "没有保存" in (await office.last(BOSS)).text
    async with office.rows() as session:
        assert (await session.scalars(select(Case))).all() == []
        boss = (await session.scalars(select(Account).where(Account.address == BOSS))).one()
        assert boss.awaiting is None
    await office.tap_menu("试分类")
    await office.write(BOSS, "完成")
    assert "没有保存" in (await office.last(BOSS)).text


# -- edit -----------------------------------------------------------------------------------


async def test_an_accepted_word_counts_in_the_running_process(office: Office) -> None:
    assert said(office, EXAMPLE) != "apparel"
    live = office.tables.classifier
    packaged = live.version
    stop = asyncio.Event()
    following = asyncio.create_task(live.follow(office.db, stop, 0.02))
    await fill_in(office, WORD, "买的东西", "衣服鞋包", "强", EXAMPLE)
    assert "正在用全部例句检查" in (await office.last(BOSS)).text
    assert said(office, EXAMPLE) != "apparel"
    await run_errands(office)
    assert "第 1 版" in (await office.last(BOSS)).text
    for _ in range(int(COMPARE_SECONDS / 0.02)):
        if live.version != packaged:
            break
        await asyncio.sleep(0.02)
    stop.set()
    await following
    assert said(office, EXAMPLE) == "apparel"
    assert live.version == f"{packaged}+1"
    await office.tap_menu("试分类")
    card = await tried(office, EXAMPLE)
    assert WORD in card
    assert "常有人说" in card
    assert f"{packaged}+1" in card


async def test_a_case_keeps_the_version_that_read_it(tmp_path: Path) -> None:
    async with opened(tmp_path, demo=True) as office:
        await office.appoint()
        await add_cape(office)
        await office.tables.classifier.refresh(office.db)
        await office.write(AUNT, EXAMPLE)
        async with office.rows() as session:
            case = (await session.scalars(select(Case))).one()
            assert case.rule_version == office.tables.classifier.version
            assert case.rule_version.endswith("+1")


async def test_a_restart_keeps_the_active_version(office: Office) -> None:
    await add_cape(office)
    anew = LiveClassifier()
    assert anew.classify(EXAMPLE).object != "apparel"
    await anew.refresh(office.db)
    assert anew.classify(EXAMPLE).object == "apparel"


async def test_typed_width_case_and_characters_do_not_matter(office: Office) -> None:
    await fill_in(office, "ＣＯＳ斗篷裝", "买的东西", "衣服鞋包", "强", "cos斗篷装寄来就散了架")
    await run_errands(office)
    assert "“cos斗篷装”" in (await office.last(BOSS)).text
    await office.tables.classifier.refresh(office.db)
    assert said(office, "Cos斗篷裝寄来就散了架") == "apparel"


async def test_what_breaks_a_gold_test_is_refused_with_the_sentence(office: Office) -> None:
    before = said(office, "电饭煲涂层脱落")
    await fill_in(office, "电饭煲", "买的东西", "食品烟酒", "强", "电饭煲里的米味道不对")
    await run_errands(office)
    told = (await office.last(BOSS)).text
    assert "没有保存" in told
    assert "电饭煲涂层脱落" in told
    assert "应该是“手机电脑家电”，会变成“食品烟酒”" in told
    await office.tables.classifier.refresh(office.db)
    assert said(office, "电饭煲涂层脱落") == before == "electronics"
    async with office.rows() as session:
        assert (await session.scalars(select(Revision))).all() == []
    await office.tap(BOSS, "重新加“电饭煲”")
    assert "多大分量" in (await office.last(BOSS)).text


async def test_an_example_of_an_earlier_version_is_a_gold_test_too(office: Office) -> None:
    await add_cape(office, "中")
    assert "第 1 版" in (await office.last(BOSS)).text
    await fill_in(office, WORD, "服务", "餐饮住宿", "强", "饭店的菜叫毛毡斗篷，吃了不舒服")
    await run_errands(office)
    told = (await office.last(BOSS)).text
    assert "没有保存" in told
    assert f"{EXAMPLE}\n　　应该是“衣服鞋包”，会变成“餐饮住宿”" in told


async def test_an_example_that_does_not_come_out_is_refused(office: Office) -> None:
    await add_cape(office, "弱")
    told = (await office.last(BOSS)).text
    assert "没有保存" in told
    assert "您的例句应该是“衣服鞋包”" in told
    await fill_in(office, WORD, "买的东西", "衣服鞋包", "强", "我买的不是毛毡斗篷，是衬衫")
    await run_errands(office)
    assert "这个词没有被读到" in (await office.last(BOSS)).text


async def test_a_word_can_speak_against_a_category(office: Office) -> None:
    await add_cape(office)
    await office.tables.classifier.refresh(office.db)
    wrongly = "毛毡斗篷侠漫画缺了三页"
    assert said(office, wrongly) == "apparel"
    await fill_in(office, "斗篷侠", "买的东西", "衣服鞋包", "排除", wrongly)
    await run_errands(office)
    assert "分量：排除" in (await office.last(BOSS)).text
    await office.tables.classifier.refresh(office.db)
    assert said(office, wrongly) != "apparel"
    assert said(office, EXAMPLE) == "apparel"


async def test_a_word_that_does_not_speak_enough_against_it_is_refused(office: Office) -> None:
    worn = (WORD, "麻布绑腿", "棕丝蓑衣", "竹篾笠帽")
    for word in worn:
        await fill_in(office, word, "买的东西", "衣服鞋包", "强", f"{word}寄来就散了架")
        await run_errands(office)
    await fill_in(office, "戏台", "买的东西", "衣服鞋包", "排除", f"{'、'.join(worn)}，戏台")
    await run_errands(office)
    told = (await office.last(BOSS)).text
    assert "没有保存" in told
    assert "仍然会归到这一类" in told


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("衣", "2 到 16 个字"),
        ("@friend", "不要带标点"),
        ("毛_毡", "不要带标点"),
        ("长" * 17, "2 到 16 个字"),
        ("13800138000", "去掉以后"),
    ],
)
async def test_what_is_no_word_is_asked_again(office: Office, word: str, told: str) -> None:
    await office.tap_menu("改词表")
    await office.tap(BOSS, "加一个词")
    await office.write(BOSS, word)
    assert told in (await office.last(BOSS, 2)).text
    assert "要加哪个词" in (await office.last(BOSS)).text
    await office.write(BOSS, WORD)
    assert f"“{WORD}”和哪一类有关" in (await office.last(BOSS)).text


@pytest.mark.parametrize(
    ("example", "told"),
    [
        ("斗篷散了架，没人理", "没有“毛毡斗篷”"),
        ("毛毡斗篷", "6 到 300 个字"),
        ("卖毛毡斗篷的人电话 13800138000", "去掉以后"),
        ("", "请打字"),
    ],
)
async def test_what_is_no_example_is_asked_again(office: Office, example: str, told: str) -> None:
    await office.tap_menu("改词表")
    await office.tap(BOSS, "加一个词")
    await office.write(BOSS, WORD)
    await office.write(BOSS, "衣服")
    assert "请点下面的按钮" in (await office.last(BOSS, 2)).text
    await office.tap(BOSS, "买的东西")
    await office.tap(BOSS, "衣服鞋包")
    await office.tap(BOSS, "强")
    await office.write(BOSS, example)
    assert told in (await office.last(BOSS, 2)).text
    assert "请写一句例句" in (await office.last(BOSS)).text


async def test_a_button_of_an_earlier_change_does_not_count(office: Office) -> None:
    await office.tap_menu("改词表")
    await office.tap(BOSS, "加一个词")
    await office.write(BOSS, "羽绒服")
    await office.tap(BOSS, "买的东西")
    old = await office.button(BOSS, "食品烟酒")
    await office.tap_menu("改词表")
    await office.tap(BOSS, "加一个词")
    await office.write(BOSS, WORD)
    assert await office.tap(BOSS, "", old=old) != ""
    assert "现在用的是" in (await office.last(BOSS)).text


async def test_two_changes_at_once_are_both_checked_and_both_kept(office: Office) -> None:
    await fill_in(office, WORD, "买的东西", "衣服鞋包", "强", EXAMPLE)
    await fill_in(office, "竹编笸箩", "买的东西", "日用品", "强", "竹编笸箩收到就裂了，不给我退")
    await run_errands(office)
    await office.tables.classifier.refresh(office.db)
    assert office.tables.classifier.number == 2
    assert said(office, EXAMPLE) == "apparel"
    assert said(office, "竹编笸箩收到就裂了，不给我退") == "daily_goods"


# -- versions -------------------------------------------------------------------------------


async def test_the_versions_tell_who_when_and_why(office: Office) -> None:
    await add_cape(office)
    await office.tap_menu("改词表")
    assert "第 1 版" in (await office.last(BOSS)).text
    await office.tap(BOSS, "各个版本")
    told = (await office.last(BOSS)).text
    assert "第 1 版（正在用） 2026-11-23 12:00 管理员老周" in told
    assert f"加了“{WORD}”→“衣服鞋包”，分量：强。原因：常有人说" in told
    assert "第 0 版 软件自带" in told


async def test_one_confirm_goes_back_to_the_packaged_rules_and_forth_again(office: Office) -> None:
    await add_cape(office)
    live = office.tables.classifier
    await live.refresh(office.db)
    await office.tap_menu("改词表")
    await office.tap(BOSS, "各个版本")
    await office.tap(BOSS, "退回第 0 版")
    assert f"不再用的词：“{WORD}”" in (await office.last(BOSS)).text
    await live.refresh(office.db)
    assert said(office, EXAMPLE) == "apparel", "nothing changes before the confirm"
    sure = await office.button(BOSS, "确认退回")
    await office.tap(BOSS, "确认退回")
    assert "记为第 2 版" in (await office.last(BOSS)).text
    await live.refresh(office.db)
    assert said(office, EXAMPLE) != "apparel"
    assert await office.tap(BOSS, "", old=sure) != ""
    async with office.rows() as session:
        assert len((await session.scalars(select(Revision))).all()) == 2
    await office.tap_menu("改词表")
    await office.tap(BOSS, "各个版本")
    assert "退回到第 0 版" in (await office.last(BOSS)).text
    await office.tap(BOSS, "退回第 1 版")
    await office.tap(BOSS, "确认退回")
    await live.refresh(office.db)
    assert said(office, EXAMPLE) == "apparel"
    async with office.rows() as session:
        active = (await session.scalars(select(Revision).where(Revision.active))).one()
        assert active.version == 3


async def test_the_example_of_a_word_taken_back_forbids_nothing(office: Office) -> None:
    await add_cape(office)
    await office.tap_menu("改词表")
    await office.tap(BOSS, "各个版本")
    await office.tap(BOSS, "退回第 0 版")
    await office.tap(BOSS, "确认退回")
    await fill_in(office, WORD, "买的东西", "日用品", "强", EXAMPLE)
    await run_errands(office)
    assert "第 3 版" in (await office.last(BOSS)).text


async def test_a_word_of_a_category_that_is_gone_is_left_out_and_the_rest_counts(
    office: Office,
) -> None:
    await add_cape(office)
    async with office.rows() as session:
        row = (await session.scalars(select(Revision))).one()
        gone = {**row.body["additions"][0], "code": "no_such_code"}
        row.body = {**row.body, "additions": [gone, *row.body["additions"]]}
    await office.tables.classifier.refresh(office.db)
    assert said(office, EXAMPLE) == "apparel"
    await office.tap_menu("改词表")
    assert "管理员加的词 1 个" in (await office.last(BOSS)).text


# -- who may --------------------------------------------------------------------------------


async def test_only_an_admin_may(office: Office) -> None:
    for value in ("try", "rules", "suggest"):
        assert "只给管理员" in await office.write(AUNT, press=Press("m", value=value))
    for verb, question, value in (
        ("mw", "add", ""),
        ("mw", "new", f"apparel {WORD}"),
        ("mw", "yes", "0"),
        ("mr", "", ""),
    ):
        toast = await office.write(AUNT, press=Press(verb, question=question, value=value))
        assert "只给管理员" in toast
    assert await office.write(BOSS, press=Press("mw", question="new", value="nobody 羽绒服")) == ""
    assert "要加哪个词" in (await office.last(BOSS)).text
    assert await office.read(AUNT) == []
    async with office.rows() as session:
        aunt = (await session.scalars(select(Account).where(Account.address == AUNT))).one()
        assert aunt.awaiting is None
        assert (await session.scalars(select(Revision))).all() == []


async def test_who_is_no_admin_any_more_changes_nothing(office: Office) -> None:
    await fill_in(office, WORD, "买的东西", "衣服鞋包", "强", EXAMPLE)
    async with office.rows() as session:
        boss = (await session.scalars(select(Account).where(Account.address == BOSS))).one()
        boss.is_admin = False
    await run_errands(office)
    async with office.rows() as session:
        assert (await session.scalars(select(Revision))).all() == []
        assert (await session.scalars(select(Outbox).where(Outbox.state == "due"))).all()
