"""The interview as a person goes through it: order, branches, back, edit, review."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import bot.route
from bot.facts.places import Committee, Gazetteer, Street
from bot.facts.summary import read_facts
from bot.interview.asking import ask
from bot.interview.flow import (
    answer,
    applicable,
    find_question,
    next_question,
    prefill,
    previous,
    progress,
    prune,
    review,
    show,
    skip,
    skip_rest,
)
from bot.interview.questions import BY_KEY, QUESTIONS
from bot.interview.terms import KEEP, Choose, Context, Given, Kind, Wrong
from bot.route.region import load_region
from bot.texts.catalogue import Say, load

TODAY = date(2026, 11, 23)
TAXONOMY = (
    ("finance", ("stock", "forex", "rogue_platform", "insurance", "banking", "online_course")),
    ("goods", ("food", "apparel", "electronics", "vehicle")),
    ("services", ("housing", "prepaid_card", "education", "express", "telecom")),
)
GATE, EXTRA = BY_KEY["gate"], BY_KEY["extra"]
PUDONG = Path(next(iter(bot.route.__path__))) / "network" / "pudong"


def rows(name: str) -> list[dict[str, str]]:
    with (PUDONG / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def gazetteer() -> Gazetteer:
    names = {row["code"]: row["name"] for row in rows("streets.csv")}
    streets = tuple(
        Street(row["code"], row["name"], float(row["lat"]), float(row["lon"]))
        for row in rows("streets.csv")
        if row["lat"]
    )
    committees = tuple(
        Committee(row["code"], row["name"], row["street_code"], names[row["street_code"]])
        for row in rows("committees.csv")
        if row["street_code"] in names
    )
    return Gazetteer(streets, committees, load_region("pudong").words)


def context(kind: Kind = "complaint", **known: Any) -> Context:
    return Context(kind=kind, today=TODAY, gazetteer=gazetteer(), taxonomy=TAXONOMY, **known)


def talk(ctx: Context, given: dict[str, Given], answers: dict[str, Any] | None = None) -> list[str]:
    """The keys asked, in order, until the review."""
    answers, asked = dict(answers or {}), []
    while question := next_question(answers, ctx):
        asked.append(question.key)
        if question.key in given:
            answers = answer(question, given[question.key], answers, ctx)
        elif question.may_skip(ctx):
            answers = skip(question, answers, ctx)
        else:
            answers = answer(question, DEFAULT[question.key], answers, ctx)
    return asked


STORY = "上周在张江一家超市买了一箱牛奶，回家发现已经过期了，店里不肯退"
DEFAULT = {
    "gate": Given(value="earlier"),
    "story": Given(STORY),
    "object": Given(value="food"),
    "merchant": Given("联华超市张江店"),
    "where": Given(value="unknown"),
    "payee_personal": Given(value="yes"),
    "institution_replied": Given(value="not_asked"),
    "amount": Given("68"),
    "claim": Given(value="refund"),
    "asked_merchant": Given(value="refused"),
    "evidence": Given(value="none"),
    "name": Given("王秀英"),
    "phone": Given("13812345678"),
}


def test_a_complaint_is_asked_in_order_and_ends_in_review() -> None:
    asked = talk(context(object="food"), {})
    assert asked == [
        "story", "merchant", "where", "harm", "sample_kept", "when", "amount", "paid_by", "claim",
        "claim_amount", "asked_merchant", "evidence", "name", "phone", "address", "home", "extra",
    ]  # fmt: skip


def test_a_clue_asks_for_no_demand_and_may_stay_anonymous() -> None:
    ctx = context("clue", object="food")
    asked = talk(ctx, {})
    assert not {"claim", "claim_amount", "asked_merchant"} & set(asked)
    for key in ("name", "phone", "address", "amount"):
        assert BY_KEY[key].may_skip(ctx)
    shown = ask(BY_KEY["name"], {}, ctx)
    assert "可以不留姓名" in load().plain(shown.parts[-1])
    assert shown.skip is not None
    assert load().plain(shown.skip) == "不留姓名"


def test_a_complaint_needs_name_and_phone() -> None:
    ctx = context()
    for key in ("name", "phone", "story", "merchant"):
        assert ask(BY_KEY[key], {}, ctx).skip is None
        with pytest.raises(Wrong, match="needed"):
            skip(BY_KEY[key], {}, ctx)


def test_a_consultation_is_short_and_leaves_the_phone_open() -> None:
    assert talk(context("consult", object="food"), {}) == ["story", "where", "phone", "home"]


@pytest.mark.parametrize("known", [{"finance": True}, {"fraud": True}])
@pytest.mark.parametrize("kind", ["complaint", "clue", "consult"])
def test_money_on_the_move_is_asked_first(kind: Kind, known: dict[str, bool]) -> None:
    question = next_question(
        {"story": {"v": "我把钱转给老师了", "said": "", "by": "person"}}, context(kind, **known)
    )
    assert question is GATE


@pytest.mark.parametrize(
    ("code", "extras"),
    [
        ("rogue_platform", ["payee_personal", "licensed", "app_name"]),
        ("insurance", ["institution_replied", "policy_stage"]),
        ("banking", ["institution_replied", "card_theft"]),
        ("online_course", ["payee_personal", "licensed", "course_left"]),
        ("prepaid_card", ["shop_closed", "balance_left"]),
        ("education", ["shop_closed", "course_left"]),
        ("housing", ["paper", "housing_part"]),
        ("food", ["harm", "sample_kept"]),
        ("vehicle", ["repaired", "mileage"]),
        ("express", ["parcel", "insured"]),
        ("travel_transport", ["used"]),
        ("electronics", ["repaired"]),
        ("other_consumer", []),
        ("out_of_scope", []),
    ],
)
def test_each_category_asks_its_own(code: str, extras: list[str]) -> None:
    asked = talk(context(object=code), {})
    here = asked[asked.index("where") + 1 : asked.index("when")]
    assert here == extras


CODES = [
    "stock", "futures", "forex", "rogue_platform", "bond", "option", "fund", "insurance", "illegal_fundraising",
    "private_lending", "debt", "internet_finance", "commercial", "hard_case", "advisory", "online_course",
    "margin_financing", "spot_commodity", "banking", "food", "apparel", "electronics", "daily_goods", "vehicle",
    "housing", "medical_beauty", "catering_hotel", "travel_transport", "education", "prepaid_card", "telecom",
    "internet_service", "express", "utilities", "other_consumer", "out_of_scope",
]  # fmt: skip


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("mode", ["online", "unknown"])
def test_no_category_asks_more_than_three_of_its_own(code: str, mode: str) -> None:
    asked = talk(context(object=code), {"where": Given(value=mode)})
    here = asked[asked.index("where") + 1 : asked.index("when")]
    assert len([key for key in here if key != "platform_shop"]) <= 3


def test_online_goods_ask_for_shop_and_parcel() -> None:
    asked = talk(context(object="apparel"), {"where": Given("淘宝上买的")})
    assert asked[asked.index("where") + 1 :][:3] == ["platform_shop", "received", "returned"]


def test_no_money_no_payment_no_sum() -> None:
    asked = talk(context(object="food"), {"amount": Given("没花钱"), "claim": Given("道歉")})
    assert not {"paid_by", "claim_amount"} & set(asked)


def test_an_institutions_own_answer_replaces_asking_the_merchant() -> None:
    asked = talk(context(object="banking", finance=True), {})
    assert "institution_replied" in asked
    assert "asked_merchant" not in asked


def test_an_unsure_category_is_asked_with_candidates_then_groups_then_codes() -> None:
    ctx = context(ask_object=True, candidates=("food", "catering_hotel"))
    question = BY_KEY["object"]
    answers = answer(BY_KEY["story"], Given(STORY), {}, ctx)
    assert next_question(answers, ctx) is question
    assert [o.value for o in ask(question, answers, ctx).options] == [
        "food",
        "catering_hotel",
        "more",
        "unknown",
    ]
    with pytest.raises(Choose) as groups:
        answer(question, Given(value="more"), answers, ctx)
    assert [o.value for o in groups.value.options] == ["g:finance", "g:goods", "g:services"]
    with pytest.raises(Choose) as codes:
        answer(question, Given(value="g:goods"), answers, ctx)
    assert "electronics" in [o.value for o in codes.value.options]
    answers = answer(question, Given(value="electronics"), answers, ctx)
    assert "repaired" in {q.key for q in applicable(answers, ctx)}


def test_a_known_category_is_not_asked_but_can_be_changed() -> None:
    ctx = context(object="food")
    answers = answer(BY_KEY["story"], Given(STORY), {}, ctx)
    assert "object" not in {q.key for q in applicable(answers, ctx)}
    answers = answer(BY_KEY["harm"], Given("有，我妈拉肚子了"), answers, ctx)
    assert answers["harm"]["v"] == "yes"
    answers = answer(BY_KEY["object"], Given(value="electronics"), answers, ctx)
    assert "harm" not in answers
    assert answers["object"]["v"] == "electronics"


def finished(ctx: Context, **given: Given) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    while question := next_question(answers, ctx):
        answers = (
            answer(
                question,
                given.get(question.key, DEFAULT.get(question.key, Given(value="none"))),
                answers,
                ctx,
            )
            if (question.key in given or question.key in DEFAULT)
            else skip(question, answers, ctx)
        )
    return answers


def test_editing_one_answer_drops_what_hung_on_it_and_asks_only_the_rest() -> None:
    ctx = context(object="food")
    answers = finished(ctx, paid_by=Given("微信"), claim_amount=Given(value="same"))
    assert answers["claim_amount"]["v"] == 6800
    edited = answer(BY_KEY["amount"], Given(value="none"), answers, ctx)
    assert "paid_by" not in edited
    assert next_question(edited, ctx) is BY_KEY["claim_amount"]
    again = answer(BY_KEY["amount"], Given("88"), edited, ctx)
    assert next_question(again, ctx) is BY_KEY["paid_by"]
    assert answers["paid_by"]["v"] == "wechat"  # what was passed in is not changed


def test_the_same_sum_follows_the_amount_and_a_sum_of_her_own_does_not() -> None:
    ctx = context(object="food")
    same = finished(ctx, paid_by=Given("微信"), claim_amount=Given(value="same"))
    assert answer(BY_KEY["amount"], Given("138"), same, ctx)["claim_amount"]["v"] == 13800
    kept = answer(BY_KEY["claim_amount"], Given(value=KEEP), same, ctx)
    assert answer(BY_KEY["amount"], Given("138"), kept, ctx)["claim_amount"]["v"] == 13800
    own = finished(ctx, paid_by=Given("微信"), claim_amount=Given("50"))
    assert answer(BY_KEY["amount"], Given("138"), own, ctx)["claim_amount"]["v"] == 5000


@pytest.mark.parametrize("said", ["不知道", "不清楚", "弄不清"])
def test_who_does_not_know_the_category_leaves_it_to_the_staff(said: str) -> None:
    ctx = context(ask_object=True, candidates=("food", "catering_hotel"))
    answers = answer(BY_KEY["story"], Given(STORY), {}, ctx)
    answers = answer(BY_KEY["object"], Given(said), answers, ctx)
    assert answers["object"]["v"] == "other_consumer"
    assert next_question(answers, ctx) is BY_KEY["merchant"]


@pytest.mark.parametrize(
    ("story", "replied"),
    [
        ("买的牛奶过期了，店里不肯退", "refused"),
        ("办了卡想退，老板一直不肯退钱", "refused"),
        ("找了平台，客服说过了期限不给退", "refused"),
        ("发消息他不回消息，电话也打不通", "no_reply"),
        ("健身房关门了，卡里还有三千", "gone"),
        ("交了两万八，老师把我拉黑了", "gone"),
        ("商家答应三天内退款，到现在没有", "agreed_not_done"),
        ("店里不肯退，后来电话也不接了，已经关门了", None),
        ("牛奶过期了，我还没去找店里", None),
        ("晚上快关门了才买的，回家发现坏了", None),
        ("我不肯退会员，是他们自动扣的", None),
        ("买的时候老板承诺保本", None),
    ],
)
def test_what_the_merchant_answered_is_read_in_the_story(story: str, replied: str | None) -> None:
    ctx = context(object="food")
    answers, read = prefill(story, read_facts(story, TODAY, gazetteer()), {}, ctx)
    assert answers.get("asked_merchant", {}).get("v") == replied
    assert ("asked_merchant" in read) is (replied is not None)


def test_all_that_may_wait_is_left_at_once_and_the_rest_still_asked() -> None:
    swindled = context(object="rogue_platform", finance=True, fraud=True)
    answers: dict[str, Any] = {}
    for key in ("gate", "story", "merchant", "where"):
        answers = answer(BY_KEY[key], DEFAULT[key], answers, swindled)
    before = next_question(answers, swindled)
    assert before is BY_KEY["payee_personal"]
    assert ask(before, answers, swindled).later
    later = skip_rest(answers, swindled)
    assert talk(swindled, {}, later) == ["amount", "evidence", "name", "phone"]
    # Who is not swindled negotiates, and the staff need to know what for.
    dispute = context(object="fund", finance=True)
    assert talk(dispute, {}, skip_rest(prune(answers, dispute), dispute))[:3] == [
        "payee_personal", "amount", "claim",
    ]  # fmt: skip
    shop = context(object="food")
    asked = ask(BY_KEY["harm"], answers, shop)
    assert not asked.later


def test_back_goes_to_the_answered_question_before() -> None:
    ctx = context(object="food")
    answers = answer(BY_KEY["story"], Given(STORY), {}, ctx)
    assert previous(BY_KEY["story"], answers, ctx) is None
    assert previous(BY_KEY["merchant"], answers, ctx) is BY_KEY["story"]
    answers = answer(BY_KEY["merchant"], Given("联华超市"), answers, ctx)
    assert previous(BY_KEY["where"], answers, ctx) is BY_KEY["merchant"]
    assert previous(None, answers, ctx) is BY_KEY["merchant"]


def test_an_answer_given_before_is_shown_and_can_be_kept() -> None:
    ctx = context(object="food")
    answers = answer(BY_KEY["amount"], Given("三万五"), {}, ctx)
    shown = ask(BY_KEY["amount"], answers, ctx)
    assert "35,000元" in load().plain(shown.parts[-1])
    assert shown.options[-1].value == KEEP
    assert answer(BY_KEY["amount"], Given(value=KEEP), answers, ctx) == answers
    assert KEEP not in [option.value for option in ask(BY_KEY["amount"], {}, ctx).options]


def test_progress_counts_up_to_the_last_question() -> None:
    ctx = context(object="food")
    keys = [question.key for question in applicable({}, ctx)]
    assert [progress(BY_KEY[key], {}, ctx)[0] for key in keys] == list(range(1, len(keys) + 1))
    assert progress(BY_KEY[keys[-1]], {}, ctx) == (len(keys), len(keys))
    assert "第1步" in load().plain(ask(BY_KEY["story"], {}, ctx).parts[0])


def test_the_review_shows_every_answer_in_plain_words() -> None:
    ctx = context(object="prepaid_card")
    answers = finished(
        ctx,
        where=Given("张江镇"), when=Given("大概两个月前"), amount=Given("三千多块"), paid_by=Given("支付宝"),
        balance_left=Given("1200"), shop_closed=Given("店都关门了"), extra=Given("没有了"),
    )  # fmt: skip
    lines = {key: load().plain(line) for key, line in review(answers, ctx)}
    assert set(lines) == {question.key for question in applicable(answers, ctx)}
    assert lines["shop_closed"] == "店还开吗：关门了"
    assert lines["paid_by"] == "付款方式：支付宝"
    assert lines["balance_left"] == "卡内余额：1,200元"
    assert "三千多块" in lines["amount"]
    assert "约" in lines["when"]
    assert "张江镇" in lines["where"]
    assert lines["address"] == "通讯地址：没有填"
    assert lines["evidence"] == "证据：暂时没有"
    assert lines["extra"] == "补充：没有"


def test_a_story_fills_in_what_it_says_and_only_the_rest_is_asked() -> None:
    story = "我上周三在淘宝上买了一件羽绒服，花了1280元，微信付的，穿了一次就跑绒，要求退款。我的电话13812345678"
    ctx = context(object="apparel", online=True)
    answers, read = prefill(story, read_facts(story, TODAY, gazetteer()), {}, ctx)
    assert {"object", "where", "when", "amount", "paid_by", "claim", "phone"} <= set(read)
    assert answers["amount"]["v"] == 128000
    assert answers["where"]["v"]["mode"] == "online"
    assert answers["paid_by"]["v"] == "wechat"
    assert answers["claim"]["v"]["want"] == "refund"
    assert answers["phone"]["v"] == "13812345678"
    assert answers["story"] == {"v": story, "said": story, "by": "person"}
    lines = {key: load().plain(line) for key, line in review(answers, ctx) if key != "object"}
    assert "请核对" in lines["amount"]
    left = set(talk(ctx, {}, answers))
    assert not left & set(read)
    assert "name" in left


def test_reading_never_overwrites_and_never_guesses() -> None:
    ctx = context(object="food")
    story = "我在店里买了点东西，回家一看是坏的，老板态度很差"
    answers, read = prefill(story, read_facts(story, TODAY, gazetteer()), {}, ctx)
    assert not {"amount", "when", "where", "home", "phone", "paid_by", "claim"} & set(read)
    told = answer(BY_KEY["amount"], Given("100"), answers, ctx)
    later = "其实一共花了500元"
    again, read = prefill(later, read_facts(later, TODAY, gazetteer()), told, ctx)
    assert again["amount"]["v"] == 10000
    assert "amount" not in read
    assert again["story"]["v"] == story


def test_several_sums_or_days_are_left_to_be_asked() -> None:
    ctx = context(object="food")
    story = "前年三月办的卡，今年5月2号去用，一次说要300元，一次说要500元，我弄不明白"
    _, read = prefill(story, read_facts(story, TODAY, gazetteer()), {}, ctx)
    assert not {"amount", "when"} & set(read)


@pytest.mark.parametrize(
    ("story", "key"),
    [
        ("在超市买的酸奶，今年9月1号到期，当天就坏了", "when"),
        ("我爸今年76岁，被人拉去听课，买了一张理疗床", "when"),
        ("老板说下个月5号就退钱，到现在也没有个准信", "when"),
        ("抖音直播间买的翡翠手镯，拿去鉴定说是假的", "merchant"),
        ("店家说要求我们先付款，我们没有答应，后来就不理人了", "claim"),
    ],
)
def test_what_a_story_only_seems_to_say_is_left_to_be_asked(story: str, key: str) -> None:
    ctx = context(object="food")
    _, read = prefill(story, read_facts(story, TODAY, gazetteer()), {}, ctx)
    assert key not in read


def test_a_story_told_anew_replaces_what_was_only_read() -> None:
    ctx = context(object="food")
    first = "在店里花了300元买的海参是坏的，要求退款"
    answers, _ = prefill(first, read_facts(first, TODAY, gazetteer()), {}, ctx)
    anew = "记错了，买海参花了500元，是坏的"
    again, read = prefill(
        anew, read_facts(anew, TODAY, gazetteer()), answers, context(object="catering_hotel")
    )
    assert (answers["amount"]["v"], again["amount"]["v"]) == (30000, 50000)
    assert again["object"]["v"] == "catering_hotel"
    assert set(read) == {"object", "amount"}
    assert again["claim"] == answers["claim"]


@pytest.mark.parametrize(
    ("story", "want"),
    [
        ("床垫有味道，想退货", "refund"),
        ("车修了四次，要求换车", "replace"),
        ("手镯是假的，我要求退一赔三", "compensate"),
    ],
)
def test_a_plain_demand_in_the_story_is_read(story: str, want: str) -> None:
    answers, read = prefill(
        story, read_facts(story, TODAY, gazetteer()), {}, context(object="daily_goods")
    )
    assert "claim" in read
    assert answers["claim"]["v"]["want"] == want


def test_a_strangers_phone_is_not_taken_for_hers() -> None:
    ctx = context(object="food")
    story = "老板的电话是13812345678，打过去说不退，一直推来推去"
    _, read = prefill(story, read_facts(story, TODAY, gazetteer()), {}, ctx)
    assert "phone" not in read


def test_where_she_lives_is_not_where_it_happened() -> None:
    ctx = context(object="food")
    story = "我住在张江镇，前天在楼下买的面包发霉了，店家不认账"
    answers, read = prefill(story, read_facts(story, TODAY, gazetteer()), {}, ctx)
    assert "where" not in read
    assert answers["home"]["v"]["street"] == "310115125"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("改 金额", "amount"), ("修改金额", "amount"), ("金额错了", "amount"), ("我要改一下电话", "phone"),
        ("电话号码写错了", "phone"), ("名字填错了", "name"), ("请帮我改地址", "address"),
        ("商家地址不对", "where"), ("改类别", "object"), ("改 我的要求", "claim"), ("改证据", "evidence"),
        ("改签机票不给退", None), ("金额", None), ("改", None), ("商家错了还不认", None),
        ("他们改了合同金额", None), ("", None),
    ],
)  # fmt: skip
def test_a_correction_finds_its_question(text: str, key: str | None) -> None:
    assert find_question(text) == key


def test_every_label_can_be_named_in_a_correction() -> None:
    for question in QUESTIONS:
        assert find_question(f"改 {load().raw(f'label.{question.key}')}") == question.key


def test_a_stale_button_is_refused() -> None:
    ctx = context(object="food")
    for question in QUESTIONS:
        with pytest.raises(Wrong, match="stale"):
            answer(question, Given(value="yesterday's button"), {}, ctx)


def test_prune_keeps_what_is_no_question() -> None:
    assert prune({"note": {"v": 1}}, context()) == {"note": {"v": 1}}


def rendered(said: Say | str | None) -> str:
    """Fails where a key or an argument is missing. Category names belong to another room."""
    if isinstance(said, Say):
        return (
            said.key
            if said.key.startswith("object.")
            else load().html(
                Say(
                    said.key,
                    {k: rendered(v) if isinstance(v, Say) else v for k, v in said.args.items()},
                )
            )
        )
    return said or ""


WORDS = st.sampled_from(
    ["", "你好", "不知道", "三千五", "上周三", "张江镇", "王秀英", "13812345678", "退款500元", "淘宝", "没有",
     "1", "第二个", STORY, "讨个说法", "浦东新区张江镇广兰路1号", "12345678901234567890", "😀", "\u200b", "改 金额", "9999亿元"]
)  # fmt: skip
GIVEN = st.builds(
    Given,
    text=WORDS | st.text(max_size=40),
    value=st.sampled_from(
        ["", "", "", "yes", "no", "list", "page:2", "page:99", "page:x", "s:310115125", "s:1", "c:1", "more", "g:goods", "g:",
         "g:none", "online", "none", "unknown", "fen:100", "fen:x", "same", "done", "refund", KEEP, "food", "earlier"]
    ),
    place=st.none() | st.tuples(st.floats(-100, 100), st.floats(-200, 200), st.text(max_size=5)),
    files=st.integers(0, 2),
    voice=st.booleans(),
    phone=st.sampled_from(["", "13812345678", "x"]),
)  # fmt: skip
CONTEXT = st.builds(
    Context,
    kind=st.sampled_from(["complaint", "clue", "consult"]),
    today=st.just(TODAY),
    gazetteer=st.builds(gazetteer),
    object=st.sampled_from(["", *CODES]),
    finance=st.booleans(),
    fraud=st.booleans(),
    ask_object=st.booleans(),
    candidates=st.sampled_from([(), ("food",), ("food", "stock", "fund")]),
    online=st.booleans(),
    files=st.integers(0, 3),
    evidence_list=st.sampled_from([(), ("小票", "照片")]),
    taxonomy=st.sampled_from([(), TAXONOMY]),
)
STEP = st.tuples(
    st.sampled_from(["answer", "answer", "answer", "skip", "back", "edit"]),
    GIVEN,
    st.sampled_from(QUESTIONS),
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ctx=CONTEXT, steps=st.lists(STEP, max_size=25))
def test_whatever_a_person_does_the_talk_goes_on_and_ends(ctx: Context, steps: list[Any]) -> None:
    answers: dict[str, Any] = {}
    current = next_question(answers, ctx)
    for act, given_now, other in steps:
        if act == "back":
            current = previous(current, answers, ctx) or current
        elif act == "edit":
            current = other
        elif current is None:
            break
        else:
            before = {key: dict(record) for key, record in answers.items()}
            refused: Wrong | Choose | None = None
            try:
                new = (
                    skip(current, answers, ctx)
                    if act == "skip"
                    else answer(current, given_now, answers, ctx)
                )
            except (Wrong, Choose) as no:
                refused = no
            assert answers == before
            if isinstance(refused, Wrong):
                assert rendered(refused.say)
            elif isinstance(refused, Choose):
                assert (refused.question, bool(refused.options)) == (current.key, True)
                for option in refused.options:
                    assert rendered(option.label)
                    assert len(option.value.encode()) <= 20
            else:
                answers = new
                current = next_question(answers, ctx)
        if current is not None:
            asked = ask(current, answers, ctx)
            assert all(rendered(part) for part in asked.parts)
            x, y = progress(current, answers, ctx)
            assert 1 <= x <= y
        asked_now = {question.key for question in applicable(answers, ctx)}
        assert set(answers) <= asked_now
        for key, line in review(answers, ctx):
            assert key in asked_now
            assert rendered(line)
    for _ in range(len(QUESTIONS)):
        if (current := next_question(answers, ctx)) is None:
            break
        if current.may_skip(ctx):
            answers = skip(current, answers, ctx)
        else:
            default = (
                Given(value=(ctx.candidates or ("food",))[0])
                if current.key == "object"
                else DEFAULT[current.key]
            )
            answers = answer(current, default, answers, ctx)
    assert next_question(answers, ctx) is None
    for key in answers:
        assert show(key, answers, ctx) is not None


def test_every_offered_option_is_accepted_or_leads_on() -> None:
    ctx = context(ask_object=True, candidates=("food", "stock"), files=1, fraud=True)
    for question in QUESTIONS:
        base = {"amount": {"v": 100, "said": "1元", "by": "person"}}
        todo = [option.value for option in ask(question, base, ctx).options]
        seen: set[str] = set()
        while todo:
            value = todo.pop()
            if value in seen or value == KEEP:
                continue
            seen.add(value)
            try:
                answers = answer(question, Given(value=value), base, ctx)
            except Choose as choose:
                todo += [option.value for option in choose.options]
            else:
                assert question.key in answers or question.key not in {
                    q.key for q in applicable(base, ctx)
                }


def test_the_next_question_is_derived_from_the_answers_alone() -> None:
    ctx = context(object="food")
    answers = finished(ctx)
    for key in list(answers):
        rest = prune({k: v for k, v in answers.items() if k != key}, ctx)
        following = next_question(rest, ctx)
        assert following is not None
        assert following.key == key


def test_only_who_speaks_for_another_is_asked_for_whom() -> None:
    asked = {"for_whom", "for_name"}
    assert not asked & {q.key for q in applicable({}, context())}
    ctx = context(for_another=True)
    keys = [q.key for q in applicable({}, ctx)]
    assert keys.index("for_whom") + 1 == keys.index("name"), "right before her own name"
    mine = answer(BY_KEY["for_whom"], Given(value="self"), {}, ctx)
    assert "for_name" not in {q.key for q in applicable(mine, ctx)}
    hers = answer(BY_KEY["for_whom"], Given(text="我妈"), {}, ctx)
    assert hers["for_whom"]["v"] == "elder"
    assert next_question({**hers, **answered(hers, ctx, "for_name")}, ctx) == BY_KEY["for_name"]
    brief = context(for_another=True, brief=True)
    assert next_question(answered({}, brief, "for_whom"), brief) is None


def answered(answers: dict[str, Any], ctx: Context, *but: str) -> dict[str, Any]:
    """The same with something at every other question of this talk."""
    rest = {q.key: {"v": None, "by": "person"} for q in applicable(answers, ctx)}
    return {**{k: v for k, v in rest.items() if k not in but}, **answers}


def test_money_that_a_child_spent_is_a_guardians_matter() -> None:
    spent = {"minor": {"v": "yes", "said": "", "by": "person"}}
    ctx = context(object="internet_service")
    assert "for_whom" in {q.key for q in applicable(spent, ctx)}
