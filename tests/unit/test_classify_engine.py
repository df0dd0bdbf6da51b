"""What a person would notice of the classifier: near misses, denial, boundaries, time, danger."""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.classify import rules, taxonomy
from bot.classify.cutting import Cutter
from bot.classify.engine import Classifier
from bot.classify.evaluate import evaluate
from bot.facts.dictionary import Dictionary

C = Classifier.load()


def said(text: str) -> str:
    return C.classify(text).object


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("公司没给我交养老保险，怎么要求补缴", "out_of_scope"),
        ("买的养老年金险想全额退保，保险公司不同意", "insurance"),
        ("收费荐股群交了会员费，推荐的股票全跌", "advisory"),
        ("我买的股票退市了，能向上市公司索赔吗", "stock"),
        ("借了网贷还不上，催收爆通讯录", "internet_finance"),
        ("信用卡逾期还不上，银行要起诉我", "banking"),
        ("朋友向我借了两万元，写了借条不还", "private_lending"),
        ("客户欠我货款八万，打了欠条，判决后执行不到", "debt"),
        ("孩子在线下培训班报的课，机构关门了不退学费", "education"),
        ("线上理财课交了六千，想退课程费", "online_course"),
        ("健身房办了年卡，店关门跑路了", "prepaid_card"),
        ("银行卖给我妈的保险，说是存款", "insurance"),
        ("配资公司给我十倍杠杆炒股，不让提盈利", "margin_financing"),
        ("老板拖欠工资三个月", "out_of_scope"),
        ("离婚后房子归谁", "out_of_scope"),
        ("被车撞了，对方全责，误工费怎么算", "out_of_scope"),
        ("村里征地，补偿款没给够", "out_of_scope"),
    ],
)
def test_near_misses(text: str, code: str) -> None:
    assert said(text) == code


@pytest.mark.parametrize(
    ("plain", "disguised"),
    [
        ("加了微信让我刷单，垫付后不返钱", "加了v信让我耍单，垫付后不返钱"),
        ("投资平台无法提现", "投资平台无 法 提 现"),
        ("投资平台无法提现", "投\u200b资平台无法提\u200d现"),
        ("銀行的信用卡被盜刷了", "银行的信用卡被盗刷了"),
        ("装修公司拖延工期", "裝修公司拖延工期"),
        ("ＡＰＰ打不开，投资的钱没了", "APP打不开，投资的钱没了"),
    ],
)
def test_disguises_change_nothing(plain: str, disguised: str) -> None:
    one, other = C.classify(plain), C.classify(disguised)
    assert (one.object, one.fraud) == (other.object, other.fraud)
    assert one.object != taxonomy.OUT_OF_SCOPE


def words_for(text: str, code: str) -> set[str]:
    return {w for m in C.explain(text) if m.axis == "object" and m.code == code for w in m.words}


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("他们一直在处理财产的事", "fund", "理财"),
        ("长期权衡之后还是决定去", "option", "期权"),
        ("近期货款一直收不到", "futures", "期货"),
        ("约定金额是三千元", "debt", "定金"),
        ("停车行驶时要小心", "vehicle", "车行"),
        ("到店发现货物少了一半", "spot_commodity", "现货"),
        ("合理分配资源", "margin_financing", "配资"),
        ("让我拿出金额最大的那张票", "rogue_platform", "出金"),
    ],
)
def test_a_word_cut_out_of_two_others_is_no_word(text: str, code: str, word: str) -> None:
    assert word not in words_for(text, code)


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("银行经理让我买理财，产品亏了", "fund", "理财"),
        ("我在近期期货交易中亏了", "futures", "期货"),
        ("期权行权", "option", "期权"),
        ("经办理财产品的人走了", "fund", "理财产品"),
    ],
)
def test_a_word_of_its_own_is_found(text: str, code: str, word: str) -> None:
    assert word in words_for(text, code)


DOUBTFUL = [("理财", "处", "产")]


def test_jieba_decides_where_the_characters_cannot() -> None:
    """Without cutting, the word across two others would count."""
    text = "他在处理财产"
    assert not Cutter(DOUBTFUL, Dictionary().cut).stands(text, 3, 5)
    assert Cutter(DOUBTFUL, list).stands(text, 3, 5)


def test_jieba_is_not_asked_where_no_doubt_is() -> None:
    dictionary = Dictionary()
    assert Cutter(DOUBTFUL, dictionary.cut).stands("我买了理财", 3, 5)
    assert not dictionary.loaded


def test_dictionary_cache_is_private(tmp_path: Path) -> None:
    assert Dictionary(tmp_path / "jieba").cut("他在处理财产") == ["他", "在", "处理", "财产"]
    assert (tmp_path / "jieba").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("broken", [b"", b"no cache", b"N"])
def test_a_broken_dictionary_cache_is_made_anew(tmp_path: Path, broken: bytes) -> None:
    words = ["他", "在", "处理", "财产"]
    assert Dictionary(tmp_path).cut("他在处理财产") == words
    (cache,) = tmp_path.iterdir()
    whole = cache.read_bytes()
    assert Dictionary(tmp_path).cut("他在处理财产") == words
    cache.write_bytes(broken)
    assert Dictionary(tmp_path).cut("他在处理财产") == words
    assert cache.read_bytes() == whole


@pytest.mark.parametrize(
    ("text", "not_code"),
    [
        ("我没有炒股，也不是股民", "stock"),
        ("这不是保险，是别的东西", "insurance"),
        ("从来没买过基金", "fund"),
        ("我买的不是期货", "futures"),
    ],
)
def test_denied_things_do_not_count(text: str, not_code: str) -> None:
    assert said(text) != not_code


ROLE = rules.load().lexicon["role"]


@pytest.mark.parametrize("row", [{**ROLE, "before": ROLE["denied"]}, *ROLE["said"]])
def test_words_of_role_begin_with_the_signs_that_are_looked_for(row: dict[str, str]) -> None:
    """Only there the engine looks: a pattern that begins otherwise would never be read."""
    pattern = re.compile(row["before"].removesuffix("$"))

    @given(st.from_regex(pattern))
    @settings(max_examples=60, deadline=None)
    def begins(text: str) -> None:
        match = pattern.search(text)
        assert match is not None
        assert match.group()[0] in row["signs"]

    begins()


def test_a_question_is_no_denial() -> None:
    assert said("这不是非法集资吗，钱都拿不回来了") == "illegal_fundraising"


def test_claimed_and_true_are_weighed() -> None:
    assert said("说是存款，其实是保险，现在不给退保") == "insurance"


@pytest.mark.parametrize(
    "text",
    [
        "吃了他家的菜食物中毒住院了",
        "充电宝电池爆炸了，商家不赔",
        "商场跳楼价促销，买回来是次品",
        "这个店真是气死我了",
        "手机卡死了好几次",
        "累死我了，快递又丢了",
        "车子自燃了，差点要命",
        "老鼠药过期了能退吗",
        "业主群里大家都说物业不好",
        "游乐场的跳楼机门票不退",
    ],
)
def test_everyday_words_are_no_danger(text: str) -> None:
    assert C.classify(text).danger == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("钱都没了，我真的不想活了", "self_harm"),
        ("你们再不管我就从楼上跳下去自杀", "self_harm"),
        ("一辈子的积蓄没了，活不下去了", "self_harm"),
        ("我要拿刀砍死那个老板", "violence"),
        ("我要去他们店里投毒", "poisoning"),
        ("我们几百人明天去门口拉横幅", "crowd"),
    ],
)
def test_danger_is_heard(text: str, kind: str) -> None:
    assert C.classify(text).danger == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("网友带我投资，现在平台提现要先交保证金", "withdraw_fee"),
        ("兼职刷单垫付了三万不返了", "rebate"),
        ("自称客服让我共享屏幕，卡里的钱没了", "screen_share"),
        ("有人自称警察让我把钱转到安全账户", "safe_account"),
        ("说能帮我追回被骗的钱，要先交服务费", "second_swindle"),
        ("表姐拉我做传销，被骗了六万", "pyramid"),
    ],
)
def test_fraud_is_seen_and_named(text: str, kind: str) -> None:
    decision = C.classify(text)
    assert decision.fraud
    assert kind in decision.fraud_kinds
    assert decision.fraud_because


@pytest.mark.parametrize(
    "text",
    [
        "装修公司延期完工，要求赔偿",
        "衣服洗了一次就掉色",
        "信用卡逾期了，想协商分期",
        "健身房不给退卡",
        "快递弄丢了只赔一百",
    ],
)
def test_ordinary_disputes_are_no_fraud(text: str) -> None:
    assert not C.classify(text).fraud


def test_just_now() -> None:
    assert C.classify("我刚刚给对方转账两万，被拉黑了").just_now
    assert not C.classify("去年给对方转账两万，被拉黑了").just_now


@pytest.mark.parametrize("text", ["", "   ", "\n", "😀😀😀", "……？！", "\u200b\u200b", "\x00\x01"])
def test_nothing_said_is_asked(text: str) -> None:
    decision = C.classify(text)
    assert (decision.object, decision.ask, decision.fraud, decision.danger) == (
        "other_consumer",
        True,
        False,
        "",
    )


@pytest.mark.parametrize(
    "text",
    [
        "😀" * 100_000,
        "我在网上买保险退款投资平台提现不了" * 6_000,
        "车" * 100_000,
        os.urandom(100_000).decode("latin1"),
        "\u202e退款" * 30_000,
        "投\u200b资" * 30_000,
        "保险理财期货" * 20_000,
        "\ud800" * 1_000,
    ],
    ids=["emoji", "long", "one sign", "binary", "rtl", "zero-width", "doubtful", "surrogates"],
)
@pytest.mark.timeout(60)
def test_any_long_text_is_decided(text: str) -> None:
    """In the square of its length it would not be, in this time; ``make bench classify`` tells how long."""
    assert C.classify(text).object in taxonomy.codes()


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_a_whole_decision(text: str) -> None:
    decision = C.classify(text)
    shown = decision.to_json()
    assert decision.object in taxonomy.codes()
    assert decision.nature in taxonomy.NATURES
    assert decision.channel in taxonomy.CHANNELS
    assert decision.candidates[0].code == decision.object
    assert 1 <= len(shown["candidates"]) <= 3
    assert list(shown) == ["object", "nature", "channel", "fraud", "danger", "ask", "candidates"]
    assert 0 <= decision.margin <= 1


@given(st.text(alphabet="我在网上买了保险理财手机退款骗平台 ，。v信\u200b錢", max_size=120))
@settings(max_examples=100, deadline=None)
def test_reasons_are_the_persons_own_words(text: str) -> None:
    squeezed = "".join(text.split())
    for candidate in C.classify(text).candidates:
        for word in candidate.because:
            assert "".join(word.split()) in squeezed


def test_own_words_keep_their_spelling() -> None:
    assert "信用 卡" in C.classify("我的信用 卡被盗刷").candidates[0].because
    assert any("銀行" in w for w in C.classify("銀行扣了我的錢").candidates[0].because)


def test_a_vague_text_is_asked_and_a_plain_one_is_not() -> None:
    assert C.classify("你好，我想咨询一下").ask
    assert not C.classify("信用卡被盗刷了三千元，银行不管").ask


def test_evaluate_counts() -> None:
    rows = [
        {"text": "信用卡被银行多收年费", "accept": "banking", "fraud": "0", "nature": ""},
        {"text": "离婚抚养费怎么算", "accept": "out_of_scope", "fraud": "", "nature": ""},
        {"text": "离婚财产怎么分", "accept": "food|apparel", "fraud": "0", "nature": "quality"},
        {"text": "刷单被骗了三万", "accept": "rogue_platform", "fraud": "1", "nature": "other"},
    ]
    report = evaluate(rows, C)
    assert (report.rows, report.in_scope_rows, report.top1) == (4, 3, 0.6667)
    assert (report.out_of_scope, report.overall) == (1.0, 0.75)
    assert (report.fraud_recall, report.fraud_precision) == (1.0, 1.0)
    assert report.by_code["food"] == (0, 1)
    assert report.confusions == (("food", "out_of_scope", 1),)
    assert report.errors[0]["decided"] == "out_of_scope"
    assert "errors" not in report.to_json()


def test_evaluate_refuses_unknown_codes() -> None:
    with pytest.raises(ValueError, match="row 1"):
        evaluate([{"text": "x", "accept": "bread"}], C)
