"""Phones, secrets and order numbers; masking and redaction."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.facts.orders import read_orders
from bot.facts.phones import mask_phone, mask_text, parse_phone, read_phones
from bot.facts.redact import MARK, redact

# Made up: the ID number's check character is right, the cards are the networks' test numbers.
ID_NUMBER = "310115195001011237"
CARD = "6222021001112223334"


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("13812345678", "13812345678"),
        ("我的电话13812345678请打", "13812345678"),
        ("138 1234 5678", "13812345678"),
        ("+86 138-1234-5678", "13812345678"),
        ("１３８１２３４５６７８", "13812345678"),
        ("一三八一二三四五六七八", "13812345678"),
        ("021-58881234", "021-58881234"),
        ("(021)5888 1234", "021-58881234"),
        ("05126888 1234", "0512-68881234"),
    ],
)
def test_a_number_to_call_back(said: str, number: str) -> None:
    assert parse_phone(said) == number


@pytest.mark.parametrize(
    "said", ["", "58881234", "10086", "400-820-8820", "1381234567890", "12812345678", "没有"]
)
def test_no_number_to_call_back(said: str) -> None:
    assert parse_phone(said) is None


def test_masking_leaves_the_words() -> None:
    assert mask_phone("13812345678") == "138****5678"
    assert (
        mask_text("电话13812345678请打，身份证" + ID_NUMBER)
        == "电话138****5678请打，身份证****1237"
    )
    assert mask_text("花了3500元") == "花了3500元"


@pytest.mark.parametrize(
    ("text", "kind", "gone"),
    [
        ("验证码是 123456", "code", "123456"),
        ("验证码发给他了，是654321", "code", "654321"),
        ("123456是我的验证码", "code", "123456"),
        ("cvv 123", "code", "123"),
        ("密码 abc123", "password", "abc123"),
        ("支付密码：147258", "password", "147258"),
        ("密码被他改成了Qwe!2345", "password", "Qwe!2345"),
        (f"身份证{ID_NUMBER}的", "id_number", ID_NUMBER),
        ("身份证号：310115 19500101 123X", "id_number", "19500101"),
        (f"卡号{CARD}", "card_number", CARD),
        ("身份证" + " ".join(ID_NUMBER), "id_number", "1 9 5 0"),
        (f"卡号{CARD} 5000元给他", "card_number", CARD),
        (f"银行卡{CARD} 13812345678", "card_number", CARD),
        ("转到4111 1111 1111 1111了", "card_number", "1111"),
    ],
)
def test_a_secret_is_taken_out(text: str, kind: str, gone: str) -> None:
    redacted = redact(text)
    assert redacted.kinds == {kind}
    assert gone not in redacted.text
    assert MARK in redacted.text


@pytest.mark.parametrize(
    "text",
    [
        "订单号4012345678901234567",
        "手机13812345678",
        "收到验证码后被转走5000元",
        "验证码6位数",
        "密码忘了，密码是多少？",
        "花了3500元，2025年11月11日",
    ],
)
def test_what_the_case_needs_stays(text: str) -> None:
    assert redact(text) == type(redact(""))(text, frozenset())


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("订单号：4012345678901234567", ["4012345678901234567"]),
        ("快递单号SF1234567890123，没收到", ["SF1234567890123"]),
        ("合同编号 HT-2025-00123", ["HT-2025-00123"]),
        ("交易单号4200001234202511111234567890", ["4200001234202511111234567890"]),
        (f"身份证{ID_NUMBER}", []),
        (f"卡号{CARD}", []),
        ("订单电话13812345678", []),
        ("下了订单没发货", []),
    ],
)
def test_order_numbers(text: str, numbers: list[str]) -> None:
    assert [o.said for o in read_orders(text)] == numbers


pieces = st.lists(
    st.sampled_from(
        [
            *"0123456789Xx-+ ()一三八",
            "138",
            "订单号",
            "验证码",
            "密码是",
            "身份证",
            "卡号",
            "是",
            "ab",
            "，",
        ]
    )
).map("".join)


@given(st.one_of(st.text(), pieces))
def test_any_text(text: str) -> None:
    for span in (*read_phones(text), *read_orders(text)):
        assert text[span.start : span.end] == span.said != ""
    once = redact(text)
    assert redact(once.text).text == once.text
    assert bool(once.kinds) == (once.text != text)
    parse_phone(text)
    mask_text(text)


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "电话", "，", "找我 "])
)
def test_a_mobile_number_is_found_and_hidden(number: str, before: str) -> None:
    text = f"{before}{number}谢谢"
    assert parse_phone(text) == number
    assert number not in mask_text(text)
