"""People, businesses, platforms and ways of paying."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.facts.common import any_of, fold, table, words_of
from bot.facts.names import (
    parse_merchant,
    parse_person_name,
    platforms,
    read_merchants,
    read_platforms,
)
from bot.facts.payment import parse_payment, read_payee_personal, read_payment


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("我叫王秀英", "王秀英"),
        ("王秀英", "王秀英"),
        ("我叫王秀英，今年七十岁", "王秀英"),
        ("姓王", "王"),
        ("王阿姨", "王阿姨"),
        ("欧阳娜娜", "欧阳娜娜"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        ("Li Lei", "Li Lei"),
        ("陳大文", "陈大文"),
        ("王 秀英", "王秀英"),
    ],
)
def test_a_persons_name(said: str, name: str) -> None:
    assert parse_person_name(said) == name


@pytest.mark.parametrize(
    "said",
    [
        "",
        "你好",
        "我想投诉",
        "13812345678",
        "高兴",
        "不知道",
        "我是消费者",
        "我是来投诉的",
        "谢谢",
        "ok",
        "马上",
        "😀",
    ],
)
def test_no_persons_name(said: str) -> None:
    assert parse_person_name(said) is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("上海某某装饰工程有限公司不退钱", ["上海某某装饰工程有限公司"]),
        ("在淘宝的晨光花坊旗舰店买的", ["淘宝", "晨光花坊旗舰店"]),
        ("我投了十万元给济南xx家具有限公司", ["济南xx家具有限公司"]),
        ("被“鑫某财富”平台骗了", ["鑫某财富"]),
        ("商家叫「老王鞋店」", ["老王鞋店"]),
        ("去医院看病，在超市买的，他们公司不退款", []),
        ("一家健身房跑路了", []),
        ("保险公司拒赔，交了养老保险", []),
        ("老师说“保证赚钱”", []),
        ("赶快手机支付，去哪儿投诉", []),
        ("川沙新镇有家顺心保健品店，服务很差", ["顺心保健品店"]),
        ("在南京东路买的鞋，北京东城寄来的", []),
        ("在京东买的", ["京东"]),
    ],
)
def test_businesses_in_a_text(text: str, names: list[str]) -> None:
    assert [m.said for m in read_merchants(text)] == names


def test_the_dictionary_tells_where_an_unknown_name_begins() -> None:
    """By the letters alone, 有家 would be in front of the name and 乐福超市 the name."""
    text = "附近有家乐福超市在卖过期面包"
    assert [m.said for m in read_merchants(text)] == ["家乐福超市"]
    assert [m.said for m in read_merchants(text, cut=list)] == ["乐福超市"]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("小肥羊", "小肥羊"),
        ("店名叫小肥羊", "小肥羊"),
        ("淘宝", "淘宝"),
        ("在抖音上买的", "抖音"),
        ("拼多多上的老王鞋店", "老王鞋店"),
        ("不知道", None),
        ("12345", None),
        ("我忘记了", None),
        ("", None),
    ],
)
def test_a_business_as_an_answer(said: str, name: str | None) -> None:
    assert parse_merchant(said) == name


def test_a_platform_by_its_nickname() -> None:
    assert [p.platform.name for p in read_platforms("拼夕夕和抖店，还有某宝")] == [
        "拼多多",
        "抖音",
        "淘宝",
    ]


def test_platform_data_is_whole() -> None:
    assert len({p.name for p in platforms()}) == len(platforms()) > 30
    assert len(fold(table("letters")["from"])) == len(table("letters")["to"])
    assert fold(table("letters")["from"]) == table("letters")["to"]


@pytest.mark.parametrize(
    ("text", "kind", "personal"),
    [
        ("微信转账给他", "wechat", None),
        ("微信", "wechat", None),
        ("用支付宝付的", "alipay", None),
        ("刷信用卡", "credit_card", None),
        ("不是微信付的，是现金", "cash", None),
        ("花呗", "alipay", None),
        ("POS机刷卡", "pos", None),
        ("用USDT买的", "crypto", None),
        ("转给业务员的支付宝", "alipay", True),
        ("打到对公账户", "bank_transfer", False),
        ("加了微信，没有用支付宝付款", None, None),
        ("现金贷、信用卡逾期", None, None),
        ("去银行办理储蓄卡，工资卡被限制了", None, None),
        ("刷的储蓄卡", "debit_card", None),
    ],
)
def test_ways_of_paying(text: str, kind: str | None, personal: bool | None) -> None:
    assert parse_payment(text) == kind
    assert read_payee_personal(text) is personal


def test_both_kinds_of_account_leave_the_payee_open() -> None:
    assert read_payee_personal("一半打到对公账户，一半转到个人账户") is None


PAYMENTS = table("payments")
SIDES = ("personal", "business")


@pytest.mark.parametrize(
    ("kind", "pattern"),
    [
        (kind, pattern)
        for part in (PAYMENTS["prose"], {side: PAYMENTS["payee"][side] for side in SIDES})
        for kind, patterns in part.items()
        for pattern in patterns
    ],
)
@settings(max_examples=30)
@given(st.data())
def test_what_tells_a_payment_is_found_around_one_of_its_signs(
    kind: str, pattern: str, data: st.DataObject
) -> None:
    told = data.draw(st.from_regex(pattern, fullmatch=True))
    text = f"{'好' * 40}{told}{'好' * 40}"
    if kind in SIDES:
        assert read_payee_personal(text) is (kind == "personal")
    else:
        assert kind in {paid.kind for paid in read_payment(text)}


@pytest.mark.parametrize(("name", "key"), [("merchants", "endings"), ("money", "verbs")])
@given(data=st.data())
def test_the_longest_of_many_words_is_found(name: str, key: str, data: st.DataObject) -> None:
    words = sorted(words_of(name, key), key=len, reverse=True)
    text = data.draw(st.text(st.sampled_from(sorted({*"".join(words), "好"})), max_size=30))
    plainly = re.compile("|".join(map(re.escape, words)))
    found = [match.span() for match in any_of(name, key).finditer(text)]
    assert found == [match.span() for match in plainly.finditer(text)]


pieces = st.lists(
    st.sampled_from(
        [
            "王",
            "我叫",
            "公司",
            "健身房",
            "“",
            "”",
            "《",
            "》",
            "淘宝",
            "快手",
            "在",
            "的",
            "A",
            "1",
            "微信",
            "转",
            "给",
            "个人账户",
            "·",
            "，",
        ]
    )
).map("".join)


@given(st.one_of(st.text(), pieces))
def test_any_text(text: str) -> None:
    spans = [(s.said, s.start, s.end) for s in read_merchants(text)]
    spans += [(p.said, p.start, p.end) for p in read_platforms(text)]
    spans += [(p.said, p.start, p.end) for p in read_payment(text)]
    for said, start, end in spans:
        assert text[start:end] == said != ""
    name = parse_person_name(text)
    assert name is None or (name and not any(c.isdigit() for c in name))
    parse_merchant(text)
    parse_payment(text)
    read_payee_personal(text)
