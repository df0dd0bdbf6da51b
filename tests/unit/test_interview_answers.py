"""What a typed, pressed or sent answer becomes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.interview.answers import heard, pick, speaks_for_another
from bot.interview.flow import answer
from bot.interview.questions import BY_KEY
from bot.interview.terms import Choose, Given, Option, Wrong
from bot.texts.catalogue import load, say
from tests.unit.test_interview_flow import STORY, context

CTX = context(object="food")


def value(key: str, text: str = "", **given: Any) -> Any:
    return answer(
        BY_KEY[key],
        Given(text=text, **given),
        {},
        context(fraud=True, object=OBJECTS.get(key, "food")),
    )[key]["v"]


OBJECTS = {
    "shop_closed": "prepaid_card", "balance_left": "prepaid_card", "institution_replied": "banking",
    "policy_stage": "insurance", "paper": "private_lending", "received": "apparel", "licensed": "stock",
    "repaired": "electronics", "mileage": "vehicle", "used": "catering_hotel", "parcel": "express",
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("gate", "刚转的", "just_now"), ("gate", "正在转呢", "just_now"), ("gate", "昨天下午", "day"),
        ("gate", "上个月", "earlier"), ("gate", "3月15号", "earlier"), ("gate", "没有转钱", "none"),
        ("gate", "还没转呢", "none"),
        ("payee_personal", "是的", "yes"), ("payee_personal", "不是", "no"), ("payee_personal", "嗯", "yes"),
        ("payee_personal", "我不太清楚，忘了", "unknown"),
        ("licensed", "没查过", "not_checked"), ("licensed", "查不到", "not_found"),
        ("shop_closed", "早就关门了", "closed"), ("shop_closed", "还开着呢", "open"),
        ("institution_replied", "打过电话，没有答复", "no_reply"), ("institution_replied", "答复了，我不满意", "unhappy"),
        ("repaired", "修了好几次了", "more"), ("repaired", "没修过", "no"),
        ("parcel", "箱子破损了", "damaged"), ("used", "还没用", "not_yet"),
        ("paid_by", "微信", "wechat"), ("paid_by", "用微信转的", "wechat"), ("paid_by", "花呗", "alipay"),
        ("paid_by", "第五个", "cash"), ("paid_by", "5", "cash"), ("paid_by", "刷的信用卡", "card"),
        ("asked_merchant", "找过，不理我", "no_reply"), ("asked_merchant", "还没有", "not_yet"),
        ("asked_merchant", "老板不肯退", "refused"), ("asked_merchant", "老板跑路了", "gone"),
        ("amount", "三万五", 3500000), ("amount", "1.2w", 1200000), ("amount", "3500", 350000),
        ("amount", "没花钱", 0), ("amount", "不清楚", None), ("amount", "两千多块", 200000),
        ("balance_left", "不记得了", None),
        ("merchant", "不知道", None), ("extra", "没有了", ""), ("extra", "老板姓李", "老板姓李"),
        ("when", "上周三", {"first": "2026-11-18", "last": "2026-11-18", "approx": False}),
        ("when", "记不清了", None),
        ("name", "我叫王秀英", "王秀英"), ("phone", "138 1234 5678", "13812345678"),
        ("platform_shop", "淘宝 某某旗舰店", "淘宝 某某旗舰店"),
        ("address", "浦东新区张江镇广兰路100弄5号", "浦东新区张江镇广兰路100弄5号"),
        ("address", "安徽省六安市霍山县老街17号", "安徽省六安市霍山县老街17号"),
    ],
)  # fmt: skip
def test_typed_answers(key: str, text: str, expected: Any) -> None:
    known = (
        {"where": {"v": {"mode": "online"}, "said": "", "by": "person"}}
        if key == "platform_shop"
        else {}
    )
    ctx = context(fraud=True, online=key == "platform_shop", object=OBJECTS.get(key, "food"))
    assert answer(BY_KEY[key], Given(text), known, ctx)[key]["v"] == expected


@pytest.mark.parametrize(
    ("key", "given_now", "reason"),
    [
        ("story", Given("坏了"), "story"), ("story", Given("！！！！！！！！！！"), "story"),
        ("payee_personal", Given("张老师"), "choose"), ("amount", Given("很多钱"), "amount"),
        ("address", Given("约三千元"), "address"), ("address", Given("老板不接电话"), "address"),
        ("when", Given("那个时候"), "when"), ("when", Given("明年3月"), "future"), ("name", Given("123"), "name"),
        ("phone", Given("12345"), "phone"), ("phone", Given(phone="99"), "phone"),
        ("claim", Given("讨个说法"), "claim_vague"), ("claim", Given("给我一个公道！"), "claim_vague"),
        ("claim", Given("嗯"), "claim"), ("merchant", Given("你们能退钱吗？"), "merchant"),
        ("where", Given("在哪里啊？"), "place"), ("where", Given("浦东新区"), "place_wide"), ("where", Given(place=(200.0, 0.0, "")), "place"),
        ("where", Given(value="s:999"), "stale"), ("where", Given(value="page:99"), "stale"),
        ("amount", Given(voice=True), "voice"), ("name", Given(files=1), "file"),
        ("evidence", Given(value="done"), "evidence_empty"), ("evidence", Given(files=1), "evidence_more"),
        ("merchant", Given("某" * 301), "long"),
    ],
)  # fmt: skip
def test_wrong_answers_say_what_was_expected(key: str, given_now: Given, reason: str) -> None:
    with pytest.raises(Wrong) as wrong:
        answer(BY_KEY[key], given_now, {}, context(fraud=True))
    assert wrong.value.reason == reason
    assert load().plain(wrong.value.say)


def test_a_voice_message_can_tell_the_story() -> None:
    answers = answer(BY_KEY["story"], Given(voice=True), {}, CTX)
    assert answers["story"]["v"] == ""
    assert answers["story"]["voice"] is True


def test_a_long_story_is_kept_whole() -> None:
    long = STORY * 200
    assert value("story", long) == long


def test_a_shared_contact_is_a_phone() -> None:
    assert value("phone", phone="+86 138 1234 5678") == "13812345678"


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("退我3500元", "refund"), ("换一台新的", "replace"), ("免费修好", "repair"), ("赔偿我的损失", "compensate"),
        ("把课继续上完，按合同来", "perform"), ("当面道歉", "apology"), ("不要再打骚扰电话了", "stop"),
        ("要个说法，把钱退给我", "refund"), ("把我的狗治好", "other"), ("退钱，还要道歉", "refund"),
    ],
)  # fmt: skip
def test_a_claim_in_her_own_words(text: str, want: str) -> None:
    assert value("claim", text) == {"want": want, "text": text}


def test_a_sum_in_the_claim_is_not_asked_again() -> None:
    answers = answer(BY_KEY["claim"], Given("退我3500元"), {}, CTX)
    assert answers["claim_amount"]["v"] == 350000
    assert answers["claim_amount"]["by"] == "read"
    assert "claim_amount" not in answer(BY_KEY["claim"], Given("退钱"), {}, CTX)
    assert "claim_amount" not in answer(BY_KEY["claim"], Given("把欠我的500元的货补发"), {}, CTX)
    told = answer(BY_KEY["claim_amount"], Given("2000"), answers, CTX)
    assert answer(BY_KEY["claim"], Given("退我3500元"), told, CTX)["claim_amount"]["v"] == 200000


def test_a_phone_beside_the_name_is_not_asked_again() -> None:
    answers = answer(BY_KEY["name"], Given("王秀英 13812345678"), {}, CTX)
    assert answers["name"]["v"] == "王秀英"
    assert answers["phone"]["v"] == "13812345678"


def test_a_huge_sum_is_asked_back() -> None:
    with pytest.raises(Choose) as choose:
        answer(BY_KEY["amount"], Given("十二亿"), {}, CTX)
    assert "1,200,000,000元" in load().plain(choose.value.prompt)
    (yes,) = choose.value.options
    answers = answer(BY_KEY["amount"], Given(choose.value.said, value=yes.value), {}, CTX)
    assert answers["amount"] == {"v": 120_000_000_000, "said": "十二亿", "by": "person"}


def test_one_known_place_is_taken_with_its_street() -> None:
    where = value("where", "张江镇某某路100号")
    assert where["mode"] == "address"
    assert where["street"] == "310115125"
    assert where["text"] == "张江镇某某路100号"


def test_an_unknown_address_is_kept_as_it_was_said() -> None:
    where = value("where", "黄浦区南京东路1号")
    assert (where["mode"], where["text"], where["street"]) == ("address", "黄浦区南京东路1号", None)


def test_a_pin_is_where_it_happened_but_not_where_she_lives() -> None:
    pin = (31.2235, 121.5365, "世纪公园")
    where = value("where", place=pin)
    assert (where["mode"], where["lat"], where["lon"], where["text"]) == (
        "pin",
        31.2235,
        121.5365,
        "世纪公园",
    )
    with pytest.raises(Choose) as choose:
        value("home", place=pin)
    assert [option.value[:2] for option in choose.value.options] == ["s:", "s:", "s:", "li", "ou"]
    home = value("home", value=choose.value.options[0].value)
    assert home["mode"] == "street"
    assert home["lat"] is None


@pytest.mark.parametrize("key", ["where", "home"])
def test_the_list_of_streets_pages_through_all(key: str) -> None:
    seen, page = [], "list"
    while page:
        with pytest.raises(Choose) as choose:
            value(key, value=page)
        seen += [option.value for option in choose.value.options if option.value.startswith("s:")]
        shown = load().plain(choose.value.prompt)
        assert "页" in shown
        page = next((o.value for o in choose.value.options if o.label.key == "choose.page_on"), "")
    assert len(seen) == len(set(seen)) == len(CTX.gazetteer.streets)
    assert value(key, value=seen[-1])["street"] == seen[-1][2:]
    assert value(key, "桥头的老房子", value=seen[-1])["text"] == "桥头的老房子"


def test_villages_of_one_name_are_told_apart_and_her_words_are_kept() -> None:
    with pytest.raises(Choose) as choose:
        value("where", "红星村的小卖部")
    shown = [load().plain(option.label) for option in choose.value.options]
    assert len(shown) == len(set(shown)) >= 3
    assert all("红星村" in line for line in shown[:-1])
    where = value("where", choose.value.said, value=choose.value.options[0].value)
    assert where["text"] == "红星村的小卖部"
    assert where["committee"] == choose.value.options[0].value[2:]


@pytest.mark.parametrize("text", ["微信群里", "陌生人打电话来的", "电话里"])
def test_no_place_at_all(text: str) -> None:
    assert value("where", text)["mode"] == "none"


@pytest.mark.parametrize("key", ["where", "home"])
@pytest.mark.parametrize("text", ["50000", "我买的东西坏了", "对方不肯退", "三千八"])
def test_words_that_say_no_place_are_asked_about_and_kept_when_they_stand(
    key: str, text: str
) -> None:
    with pytest.raises(Choose) as choose:
        value(key, text)
    assert text in load().plain(choose.value.prompt)
    first = choose.value.options[0]
    kept = value(key, choose.value.said, value=first.value)
    assert (kept["mode"], kept["text"]) == ("address", text)
    with pytest.raises(Wrong, match="stale"):
        value(key, value=first.value)


@pytest.mark.parametrize("text", ["永辉超市", "小区门口的美容院", "老街3号", "地铁站旁边", "城东"])
def test_a_place_nobody_knows_is_taken_as_it_stands(text: str) -> None:
    assert value("where", text)["text"] == text


@pytest.mark.parametrize("text", ["没有", "不知道", "没有了", "不记得了啊"])
def test_saying_no_at_a_question_that_may_be_skipped_skips_it(text: str) -> None:
    for key in ("home", "address", "mileage"):
        ctx = context(object=OBJECTS.get(key, "food"))
        assert answer(BY_KEY[key], Given(text), {}, ctx)[key]["skipped"] is True
    with pytest.raises(Wrong):
        answer(BY_KEY["name"], Given(text), {}, CTX)


@pytest.mark.parametrize("text", ["南京东路300号那家店", "栀子路500弄京东便利店"])
def test_a_platforms_name_in_an_address_is_no_online_purchase(text: str) -> None:
    assert value("where", text)["mode"] == "address"


@pytest.mark.parametrize("text", ["淘宝上买的", "在抖音直播间下的单", "网上买的", "京东自营"])
def test_bought_online(text: str) -> None:
    assert value("where", text)["mode"] == "online"


def test_options_can_be_typed_by_number_or_by_their_words() -> None:
    options = (
        Option("a", say("form.plain", text="川沙新镇")),
        Option("b", say("form.plain", text="张江镇")),
    )
    assert [pick(text, options) for text in ("1", "第二个", "张江镇", "3", "0", "金桥", "")] == [
        "a", "b", "b", None, None, None, None,
    ]  # fmt: skip


@given(st.text(max_size=60))
@settings(max_examples=150, deadline=None)
def test_hearing_never_fails_and_only_names_what_was_offered(text: str) -> None:
    for key, values in (("paid_by", ("wechat", "cash")), ("harm", ("yes", "no", "unknown"))):
        for loose in (True, False):
            assert heard(text, key, values, loose) in (None, *values)


@pytest.mark.parametrize(
    "story",
    [
        "帮我妈问一下，她在养生馆办了卡", "替我爸投诉健身房", "我妈被忽悠办了卡，花了2600", "老人被拉去听课买了保健品",
        "我爸爸在超市买了一台按摩椅，坏了", "我儿子十岁玩手机充了六千多，能退吗", "想替邻居老太太反映一个事，店关门了",
    ],
)  # fmt: skip
def test_a_story_about_somebody_else_is_heard(story: str) -> None:
    assert speaks_for_another(story)


@pytest.mark.parametrize(
    "story",
    [
        "给孩子报了培训班，店关门了", "我和我妈一起买了鞋，开胶了", "给我妈买了手机，屏幕坏了", "带孩子去玩，花了300",
        "我妈说他们卖假货，我花了300", "朋友介绍我买了基金，亏了", "被朋友骗着签了担保", "上周办了年卡，昨天店关门了",
        "店员帮我办了卡", "陪老人买了药", "客服让我帮忙反映",
    ],
)  # fmt: skip
def test_who_bought_it_herself_is_not_asked_for_whom_she_acts(story: str) -> None:
    assert not speaks_for_another(story)
