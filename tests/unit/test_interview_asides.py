"""Chit-chat, questions in the middle of the form, and words that steer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.interview.answers import words
from bot.interview.asides import aside, control
from bot.interview.questions import BY_KEY, QUESTIONS
from bot.texts.catalogue import load


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("你好", "hello"), ("您好！", "hello"), ("在吗？", "here"), ("谢谢谢谢", "thanks"), ("谢谢啊", "thanks"),
        ("哈哈哈哈", "laugh"), ("嗯嗯", "fine"), ("好的", "fine"), ("OK", "fine"), ("😀😀", "wordless"), ("？？", "wordless"),
        ("什么意思", "lost"), ("等一下", "wait"), ("气死我了", "upset"), ("拜拜", "bye"),
        ("多久能办好？", "how_long"), ("要等多久", "how_long"), ("什么时候有结果", "how_long"),
        ("要钱吗", "cost"), ("这个投诉收费吗？", "cost"), ("是免费的吗", "cost"),
        ("你是机器人吗", "robot"), ("你是谁", "robot"), ("是真人吗", "robot"),
        ("会不会告诉商家", "told_merchant"), ("商家会知道是我吗", "told_merchant"),
        ("12315电话是多少", "hotline"), ("投诉电话是多少", "hotline"),
        ("怎么上传照片", "photo"), ("照片怎么发", "photo"), ("可以发照片吗", "photo"),
        ("能匿名吗", "anonymous"), ("为什么要真实姓名", "anonymous"),
        ("你们是骗子吗", "safe"), ("能退回来吗", "promise"), ("有用吗", "promise"), ("要去现场吗", "visit"),
        ("需要什么材料", "what_need"), ("没有发票可以吗", "what_need"), ("写错了怎么办", "change"),
        ("还有多少题", "steps_left"), ("可以语音吗", "voice"), ("怎么发位置", "location"),
        ("我要投诉另一件事", "another"), ("还有一件事要投诉", "another"), ("我还想投诉别的商家", "another"),
        ("明天再填可以吗", "later"), ("谁能看到", "who_sees"),
        ("我现在就转", "about_to_pay"), ("他又催我转钱", "about_to_pay"), ("那我还要不要交", "about_to_pay"),
        ("客服一直让我再充一笔", "about_to_pay"), ("我正要去转账", "about_to_pay"),
    ],
)  # fmt: skip
def test_what_is_beside_the_question_is_answered(text: str, key: str) -> None:
    for question in (BY_KEY["merchant"], BY_KEY["phone"], BY_KEY["where"], None):
        said = aside(text, question)
        assert said is not None, text
        assert said.key == f"aside.{key}"
        assert load().plain(said)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("harm", "嗯"), ("harm", "对"), ("payee_personal", "是的"), ("merchant", "不知道"), ("extra", "没有"),
        ("received", "收到"), ("when", "记不清"), ("amount", "三千五，能退吗"), ("evidence", "好了"),
        ("story", "健身房关门了，我的钱还能要回来吗"), ("story", "他们说免费，结果收费三百"), ("claim", "免费修好"),
        ("merchant", "在水一方足浴"), ("merchant", "好又多超市"), ("merchant", "另一家店"), ("extra", "还有别的"), ("where", "晚安旅馆旁边"),
        ("story", "中介不退押金，说要等多久也不肯讲，我已经等了三个月了，一点办法也没有，请帮帮我这个老太婆吧"),
        ("extra", "老板说12315电话打了也没用"), ("name", "谢好"),
        ("story", "他让我转两万到他的个人账户，转完就把我拉黑了，我现在才知道是骗子"), ("gate", "刚转"), ("gate", "没转"),
        ("claim", "付清尾款再交货"), ("payee_personal", "转给他个人"), ("merchant", "打钱给王某某"),
        ("claim", "他让我打官司"), ("extra", "他叫我交钱取货"), ("story", "他们还要我付违约金"), ("extra", "我先交了"),
    ],
)  # fmt: skip
def test_an_answer_is_no_aside(key: str, text: str) -> None:
    assert aside(text, BY_KEY[key]) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("返回", "back"), ("上一步", "back"), ("返回上一步吧", "back"), ("跳过", "skip"), ("我不想填", "skip"),
        ("暂停", "pause"), ("明天再说吧", "pause"), ("取消", "cancel"), ("我要取消", "cancel"), ("不投诉了", "cancel"),
        ("算了", "cancel"), ("我不投诉了", "cancel"), ("找人工", "human"), ("人工", "human"), ("请帮我转人工", "human"),
        ("我想找真人", "human"), ("帮助", "help"), ("怎么用啊", "help"), ("查进度", "status"), ("我想查进度", "status"),
        ("我的投诉处理得怎么样了", "status"), ("提交", "submit"), ("确认提交", "submit"), ("改", "edit"), ("我要改一下", "edit"),
        ("我要取消订单", None), ("取消订单", None), ("取消自动续费", None), ("人工智能课程", None), ("返回的货丢了", None),
        ("商家不给提交退款", None), ("帮助中心没人理", None), ("过", "skip"), ("过期了", None), ("结束", None), ("结束投诉吧", "cancel"),
        ("改签", None), ("改 金额", None), ("我", None), ("", None), ("人工流产手术", None), ("我要退款", None),
    ],
)  # fmt: skip
def test_words_that_steer(text: str, expected: str | None) -> None:
    assert control(text) == expected


def test_no_way_of_saying_an_option_steers_or_is_chit_chat() -> None:
    for key, options in words()["option"].items():
        for value, known in options.items():
            for word in known:
                assert control(word) is None, (key, value, word)
                if key in BY_KEY:
                    assert aside(word, BY_KEY[key]) is None, (key, value, word)
    for key in sorted(load().keys()):
        if key.startswith("option."):
            assert control(load().raw(key)) is None, key


@given(st.text(max_size=80), st.sampled_from([None, *QUESTIONS]))
def test_nothing_makes_them_fail(text: str, question: object) -> None:
    said = aside(text, question)  # type: ignore[arg-type]
    assert said is None or load().plain(said)
    control(text)
