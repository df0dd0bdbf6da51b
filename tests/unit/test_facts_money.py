"""Amounts as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.facts.money import is_loss, parse_money, read_money, show_money

ANSWERS = {
    "三万五": 35_000,
    "1.2w": 12_000,
    "1.2W": 12_000,
    "3500": 3_500,
    "¥3,500.00": 3_500,
    "三千五百块": 3_500,
    "五十万": 500_000,
    "一百二": 120,
    "5k": 5_000,
    "3千": 3_000,
    "2万3": 23_000,
    "1w5": 15_000,
    "两万三千五百元": 23_500,
    "一块五": 1.5,
    "3块5": 3.5,
    "三块半": 3.5,
    "八毛": 0.8,
    "12元5角3分": 12.53,
    "1亿2千万": 120_000_000,
    "人民币叁万元整": 30_000,
    "壹仟贰佰叁拾肆元伍角": 1_234.5,
    "３５００元": 3_500,
    "两萬塊": 20_000,
    "一千零五": 1_005,
    "一万零五十": 10_050,
    "三点五万": 35_000,
    "0": 0,
    "三万，后来又转了两万": 30_000,
}
ROUGH = {
    "两千多块": 2_000,
    "20多万": 200_000,
    "十来万": 100_000,
    "十几万": 100_000,
    "五千五多块钱": 5_500,
    "百把块": 100,
    "千把块": 1_000,
    "七八千": 7_000,
    "两三万": 20_000,
    "2-3万": 20_000,
    "三万块钱左右": 30_000,
    "大概三千吧": 3_000,
    "12w+": 120_000,
}


@pytest.mark.parametrize(("said", "yuan"), ANSWERS.items())
def test_an_exact_answer_is_understood(said: str, yuan: float) -> None:
    money = parse_money(said)
    assert money is not None
    assert (money.fen, money.approx) == (round(yuan * 100), False)


@pytest.mark.parametrize(("said", "yuan"), ROUGH.items())
def test_a_rough_answer_is_marked_rough(said: str, yuan: float) -> None:
    money = parse_money(said)
    assert money is not None
    assert (money.fen, money.approx) == (yuan * 100, True)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "几千块",
        "没有",
        "不知道",
        "13812345678",
        "2025年",
        "50%",
        "3个",
        "一直不退",
        "好几万",
        "😀",
    ],
)
def test_what_says_no_amount_gives_none(said: str) -> None:
    assert parse_money(said) is None


@pytest.mark.parametrize(
    ("text", "yuan"),
    [
        ("我被骗了三万五，去年11月转给他的1.2w，客服电话13812345678", [35_000, 12_000]),
        ("买了3件衣服，花了3500，后来退了200块", [3_500, 200]),
        ("花了两万块买了一台理疗床，三千块去看病", [20_000, 3_000]),
        ("一块去看房，买了一块手表两千多块", [2_000]),
        ("在健身房办卡3年，交了3月的钱5800元", [5_800]),
        ("张某，做空期货，亏12万", [120_000]),
        ("2020年9月15日转账39800元", [39_800]),
        ("下午三点五百元交掉的", [500]),
        ("年化20%，投了20多万，提不出来", [200_000]),
        ("押金在五千到八千块", [5_000]),
        ("4k电视2台8千克，跑了3万公里", []),
        ("2026年元旦买的，今年70岁", []),
        ("3500美元和2万港币", []),
        ("订单12345678901234，第一百二十条", []),
        ("扣了百分之五十，打了3折", []),
        ("从2015年11月开始一直不退钱", []),
        ("我已经垫进去一万八了，还要不要做", [18_000]),
        ("前后砸进去二十万，放进去的七万也没了", [200_000, 70_000]),
        ("我打过12315投诉，也打过110，转过3次", []),
    ],
)
def test_amounts_are_told_from_other_numbers(text: str, yuan: list[int]) -> None:
    assert [m.fen for m in read_money(text)] == [y * 100 for y in yuan]


def test_a_refund_is_not_the_loss() -> None:
    text = "被骗了3000元，商家只退了5000元，2666元给骗走了"
    assert [is_loss(text, m) for m in read_money(text)] == [1, -1, 1]


@given(st.integers(0, 10**13))
def test_what_is_shown_is_read_back(fen: int) -> None:
    money = parse_money(show_money(fen))
    assert money is not None
    assert (money.fen, money.approx) == (fen, False)


pieces = st.lists(
    st.sampled_from(
        [
            *"一二两三五十百千万亿零点半多来几把块元角毛分wk0123456789.,-到 ",
            "花了",
            "被骗",
            "年",
            "¥",
            "ab",
        ]
    )
).map("".join)


@given(st.one_of(st.text(), pieces))
def test_spans_lie_in_the_text(text: str) -> None:
    for money in read_money(text):
        assert text[money.start : money.end] == money.said != ""
        assert money.fen >= 0
    parse_money(text)


@given(
    st.text(
        st.characters(
            exclude_categories=["Nd", "No", "Nl"],
            exclude_characters="零〇一二两三四五六七八九十百千万亿壹贰叁肆伍陆柒捌玖拾佰仟萬億兩貳參wWkKｗＷｋＫ",
        )
    )
)
def test_no_number_no_money(text: str) -> None:
    assert read_money(text) == []
    assert parse_money(text) is None
