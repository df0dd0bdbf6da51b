"""Every text has its use and every use its text, and no text says what it must not."""

from __future__ import annotations

import re
from functools import cache

import pytest

from bot.texts.catalogue import TAG, load
from tests.house_rules import tree
from tests.house_rules.words import Call, beginnings, calls, fields, literals, values

# In one process, which reads every file once for all rules.
pytestmark = pytest.mark.xdist_group("house rules")

# Texts that the code finds by a key it puts together: the beginning of the key, and one file that
# does so. Keep the beginnings long: what begins so counts as used.
DYNAMIC = {
    "alert.button.": "bot/services/warning/alert.py",
    "hot.trend_": "bot/services/warning/hot_list.py",
    "release.ask_": "bot/services/warning/release.py",
    "release.button.": "bot/services/warning/release.py",
    "release.state_": "bot/services/warning/release.py",
    "agree.answer.": "bot/services/mediation/agree.py",
    "agree.broken_by_her.": "bot/services/mediation/agree.py",
    "agree.button.": "bot/services/mediation/agree.py",
    "agree.sure.": "bot/services/mediation/agree.py",
    "agree.told.": "bot/services/mediation/agree.py",
    "agree.wish.": "bot/services/mediation/agree.py",
    "advance.button.back.": "bot/services/mediation/advance.py",
    "agent.guardian_": "bot/services/consumer/act_for.py",
    "agent.not_guardian_": "bot/services/consumer/act_for.py",
    "agent.whom.": "bot/services/consumer/act_for.py",
    "print.sign.": "bot/services/mediation/print_papers.py",
    "settings.": "bot/services/consumer/account_settings.py",
    "paper.": "bot/services/mediation/papers.py",
    "add.": "bot/services/consumer/follow.py",
    "admin.button.": "bot/services/admin/administer.py",
    "aside.": "bot/interview/asides.py",
    "ask.": "bot/interview/asking.py",
    "begin.": "bot/services/consumer/converse.py",
    "button.": "bot/services/consumer/converse.py",
    "appeal.state.": "bot/services/books/own_rating.py",
    "appeal.told.": "bot/services/books/judge_appeal.py",
    "appeal.toast.": "bot/services/books/judge_appeal.py",
    "book.advance.": "bot/services/books/fill_workbook.py",
    "book.column.": "bot/services/books/fill_workbook.py",
    "book.first.": "bot/services/books/fill_workbook.py",
    "book.ledger.": "bot/services/books/fill_workbook.py",
    "book.rating.": "bot/services/books/fill_workbook.py",
    "book.sheet.": "bot/services/books/fill_workbook.py",
    "picture.series.": "bot/services/books/draw_pictures.py",
    "plan.state.": "bot/services/books/plan_work.py",
    "plan.step.": "bot/services/books/plan_work.py",
    "plan.verdict.": "bot/services/books/plan_work.py",
    "rating.better.": "bot/services/books/own_rating.py",
    "rating.counted.": "bot/services/books/own_rating.py",
    "rating.decided.": "bot/services/books/rate_points.py",
    "rating.part.": "bot/services/books/own_rating.py",
    "rating.tier.": "bot/services/books/rate_points.py",
    "rating.toast.": "bot/services/books/rate_points.py",
    "report.button.": "bot/services/books/report.py",
    "report.by.": "bot/services/books/report.py",
    "report.level.": "bot/services/books/words.py",
    "report.toast.": "bot/services/books/report.py",
    "work.how_many.": "bot/services/books/record_work.py",
    "work.kind.": "bot/services/books/record_work.py",
    "work.sum.": "bot/services/books/record_work.py",
    "work.unit.": "bot/services/books/record_work.py",
    "card.role_": "bot/services/chain/hand_over.py",
    "channel.": "handlers/render.py",
    "command.": "bot/app.py",
    "card.street_": "bot/services/chain/hand_over.py",
    "demo.person.": "bot/__main__.py",
    "fraud.": "bot/services/consumer/reading.py",
    "nature.": "bot/services/consumer/reading.py",
    "danger.": "bot/services/consumer/help_first.py",
    "danger_card.": "bot/services/consumer/help_first.py",
    "desk.told_": "bot/services/consumer/follow.py",
    "event.": "bot/services/consumer/follow.py",
    "example.": "bot/services/consumer/converse.py",
    "file_kind.": "bot/services/consumer/keep_evidence.py",
    "mydata.button.": "bot/services/privacy/my_data.py",
    "leave.days_": "bot/services/network/leave.py",
    "hours.day_": "bot/route/offer.py",
    "official.": "bot/services/chain/authority.py",
    "paper.did_": "bot/services/chain/packet.py",
    "paper.column_": "bot/services/chain/packet.py",
    "kind.": "bot/services/chain/hand_over.py",
    "confirm.button.to_": "bot/services/admin/confirm_law.py",
    "digest.": "bot/services/admin/digest.py",
    "limits.effect.": "bot/services/admin/change_limits.py",
    "limits.group.": "bot/services/admin/change_limits.py",
    "limits.name.": "bot/services/admin/change_limits.py",
    "limits.unit.": "bot/services/admin/change_limits.py",
    "menu.about.": "bot/services/admin/administer.py",
    "people.button.": "bot/services/admin/people.py",
    "restrict.kind.": "bot/services/admin/people.py",
    "restrict.reason.": "bot/services/admin/people.py",
    "restrict.told.": "bot/services/admin/restrict.py",
    "robot.kind.": "bot/services/admin/bind_robot.py",
    "robot.says.": "bot/services/chain/robots.py",
    "robot.vendor.": "bot/services/admin/bind_robot.py",
    "search.act.": "bot/services/admin/read_audit.py",
    "search.period.": "bot/services/admin/read_audit.py",
    "step.what.": "bot/services/admin/people.py",
    "take_out.state.": "bot/services/admin/take_out.py",
    "take_out.what.": "bot/services/admin/take_out.py",
    "menu.group.": "bot/services/menus.py",
    "label.": "bot/interview/flow.py",
    "next.": "bot/services/consumer/follow.py",
    "activity.ask.": "bot/services/outreach/activity.py",
    "activity.button.": "bot/services/outreach/activity.py",
    "activity.person.": "bot/services/outreach/attendance.py",
    "activity.state.": "bot/services/outreach/activity.py",
    "activity.toast.": "bot/services/outreach/sign_up.py",
    "lesson.happened.": "bot/services/outreach/lesson.py",
    "lesson.ended.": "bot/services/outreach/lesson.py",
    "lesson.avoid.": "bot/services/outreach/lesson.py",
    "notice.ask_": "bot/services/outreach/compose.py",
    "notice.short.": "bot/services/outreach/broadcast.py",
    "readers.role.": "bot/services/outreach/choose_readers.py",
    "schedule.button.": "bot/services/outreach/schedule.py",
    "schedule.often.": "bot/services/outreach/when.py",
    "subscribe.cases_": "bot/services/outreach/subscribe.py",
    "subscribe.button.cases_": "bot/services/outreach/subscribe.py",
    "topic.": "bot/services/outreach/choose_readers.py",
    "notice.button.": "bot/services/outreach/notice_board.py",
    "notice.outcome.": "bot/services/outreach/notice_board.py",
    "notice.state.": "bot/services/outreach/notice_board.py",
    "notice.turned.": "bot/services/outreach/broadcast.py",
    "notice.finish.": "bot/services/outreach/notice_board.py",
    "object.": "bot/interview/answers.py",
    "offer.tier_": "bot/route/offer.py",
    "option.": "bot/interview/answers.py",
    "point_type.": "bot/services/network/import_points.py",
    "quality.": "bot/services/network/check_points.py",
    "precheck.": "bot/route/precheck.py",
    "rate.": "bot/services/consumer/follow.py",
    "redacted.": "bot/services/consumer/converse.py",
    "result.": "bot/services/staff/close_case.py",
    "return.": "bot/services/staff/return_case.py",
    "sensitive.kind.": "bot/services/privacy/consents.py",
    "skip.": "bot/interview/asking.py",
    "status.": "bot/services/consumer/follow.py",
    "relay.edit_": "bot/services/staff/relay_edit.py",
    "relay.off_": "bot/services/staff/relay.py",
    "relay.sent_": "bot/services/staff/relay.py",
    "relay.who_": "bot/services/staff/relay.py",
    "template.sample.": "bot/services/staff/edit_templates.py",
    "today.step_": "bot/services/staff/today.py",
    "trial.missing.": "bot/services/admin/administer.py",
    "unfit.": "bot/services/consumer/fetch_evidence.py",
    "why.": "bot/interview/asking.py",
    "wrong.": "bot/interview/terms.py",
}
BEGINNINGS = tuple(DYNAMIC)

SOURCES = {
    name: tree.code(name) for name in tree.under("bot/", "handlers/", "models/", suffix=".py")
}
TEXTS = load("zh")
KEYS = sorted(TEXTS.keys())


@cache
def every_call() -> list[Call]:
    return [call for name, source in SOURCES.items() for call in calls(name, source)]


def test_every_text_asked_for_exists() -> None:
    missing = [
        f"{call.where}: no text {call.key}{'…' if call.dynamic else ''}"
        for call in every_call()
        if not (
            any(key.startswith(call.key) for key in KEYS) if call.dynamic else call.key in TEXTS
        )
    ]
    assert not missing, "\n".join(missing)


def test_every_text_is_given_what_it_wants() -> None:
    missing = [
        f"{call.where}: {call.key} also wants {sorted(wanted - call.args)}"
        for call in every_call()
        if not call.dynamic and call.args is not None and call.key in TEXTS
        if (wanted := fields(TEXTS.raw(call.key))) - call.args
    ]
    assert not missing, "\n".join(missing)


def test_keys_are_put_together_from_declared_beginnings_only() -> None:
    undeclared = [
        f"{call.where}: {call.key}… is not in DYNAMIC"
        for call in every_call()
        if call.dynamic
        and not call.key.startswith(BEGINNINGS)
        # A helper that is handed the beginning: its file is named for what it is handed.
        and (call.key or call.where.split(":")[0] not in DYNAMIC.values())
    ]
    assert not undeclared, "\n".join(undeclared)


def test_every_declared_beginning_is_used_where_it_says() -> None:
    idle = [
        f"{beginning} is not put together in {name}"
        for beginning, name in DYNAMIC.items()
        if name not in SOURCES
        or not (
            any(key.startswith(beginning) for key in beginnings(SOURCES[name]))
            or beginning.rstrip(".") in literals(SOURCES[name])
        )
    ]
    assert not idle, "\n".join(idle)


def test_every_text_is_used() -> None:
    data = [name for name in tree.under("bot/", suffix=".toml") if "/texts/" not in name]
    named = frozenset().union(
        *(literals(source) for source in SOURCES.values()),
        *(values(tree.code(name)) for name in data),
    )
    unused = [key for key in KEYS if key not in named and not key.startswith(BEGINNINGS)]
    assert not unused, "texts that nothing says:\n" + "\n".join(unused)


def unshowable(raw: str) -> str | None:
    """Why a text cannot be shown as it stands, or None."""
    tags = TAG.findall(raw)
    opened = [tag.strip("<>") for tag in tags if not tag.startswith("</")]
    if not raw.strip():
        return "it is empty"
    if not all(name.isidentifier() for name in fields(raw)):
        return "an argument has no name"
    if re.search(r"[<>]", TAG.sub("", raw)):
        return "only the tags <b> <i> <u> <code> are known"
    if sorted(opened) != sorted(tag.strip("</>") for tag in tags if tag.startswith("</")):
        return "a tag is not closed"
    return None


def test_every_text_can_be_shown() -> None:
    wrong = [f"{key}: {why}" for key in KEYS if (why := unshowable(TEXTS.raw(key)))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("raw", ["", " ", "{}", "{0}", "<a>b</a>", "1 < 2", "<b>x", "<b>x</i>"])
def test_what_cannot_be_shown_is_found(raw: str) -> None:
    assert unshowable(raw)


# Written apart, so that this file does not say them either.
REPLACED_RULES = "暂行" + "办法"
ACCEPTED = "受" + "理"
# A liaison point registers and forwards; to accept a complaint in the law's sense is for the bureau.
OF_AN_OFFICER = ("official.", "paper.did_accept")
OFFICERS = {
    "bot/services/chain/authority.py",  # the officer's buttons
    "bot/services/chain/limits.py",  # reminds an officer of her clocks
    "bot/services/staff/desk.py",  # tells an officer which of the desk's buttons do not fit
    "bot/services/network/enlist.py",  # the button of the officer's list
    "bot/services/consumer/follow.py",  # an ACCEPT or REFUSE of the case's own events, which only authority.py makes
}
MAY_SAY_ACCEPTED = re.compile(
    f"(?:不予|不|是否|决定|未|才算|能否|可能){ACCEPTED}|{ACCEPTED}(?:与否|条件|范围)"
)


def test_the_replaced_rules_are_named_nowhere() -> None:
    """市场监督管理投诉举报处理办法 (总局令第121号) replaced them."""
    found = [
        name
        for name in tree.under("bot/", "handlers/", "models/", "docs/", "README.md")
        if REPLACED_RULES in (tree.text(name) or "")
    ]
    assert not found, f"{REPLACED_RULES} is named in {found}"


def test_no_text_says_that_a_complaint_was_accepted() -> None:
    found = [
        key
        for key in KEYS
        if not key.startswith(OF_AN_OFFICER)
        and ACCEPTED in MAY_SAY_ACCEPTED.sub("", TEXTS.raw(key))
    ]
    assert not found, f"{ACCEPTED} is said in {found}: say 已登记 or 已转交联络点"


def test_only_what_an_officer_did_may_be_called_accepted() -> None:
    naming = {
        call.where.split(":")[0] for call in every_call() if call.key.startswith(OF_AN_OFFICER)
    } - OFFICERS
    assert not naming, f"only {sorted(OFFICERS)} speak of what an officer decided"


def test_the_reader_of_the_code_finds_what_it_should() -> None:
    source = (
        "say('a.b', x=1)\nSay('c.d', {'y': 2})\nsay(f'ask.{key}')\nsay('e.f', **rest)\n"
        "say('g.h' if x else 'i.j')\ntexts.say('k.l')\nessay('m.n')\n"
    )
    assert list(calls("x.py", source)) == [
        Call("x.py:1", "a.b", False, frozenset({"x"})),
        Call("x.py:2", "c.d", False, frozenset({"y"})),
        Call("x.py:3", "ask.", True, frozenset()),
        Call("x.py:4", "e.f", False, None),
        Call("x.py:5", "g.h", False, frozenset()),
        Call("x.py:5", "i.j", False, frozenset()),
        Call("x.py:6", "k.l", False, frozenset()),
    ]
    assert fields("{a} and {b.c} but not {{d}}") == {"a", "b"}
    assert values('x = ["a.b", {y = "c.d"}]') == {"a.b", "c.d"}
    assert beginnings("f'ask.{key}'") == {"ask."}
