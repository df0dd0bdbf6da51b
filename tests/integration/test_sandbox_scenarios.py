"""The packaged scenarios can be read, and the real bot lets each of them be played to its end."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bot.sandbox import scenarios
from tests.judge import judge_call, judge_update
from tests.transcripts.stage import on_stage, staged

SCRIPTS = {path.stem: path.read_text("utf-8") for path in scenarios.FOLDER.glob("*.txt")}
# What shows that the play came to where it wanted to go: whose phone, and what is said there.
ENDS = {
    "1_prepaid_card": ("周阿姨", "退回／赔付：3,000元"),
    "2_tips_group": ("张叔叔", "已登记"),
    "3_online_purchase": ("小刘", "已登记"),
    "4_withdraw": ("李阿姨", "您已撤回"),
    "5_two_takers": ("李老师", "接单"),
    "6_notice": ("孙叔叔", "已为您退订"),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_bot_answers_a_scenario_to_its_end(
    name: str, empty_house: Path, tmp_path: Path
) -> None:
    shutil.copytree(empty_house, tmp_path, dirs_exist_ok=True)
    played = on_stage(_play(name, tmp_path))
    assert "没看懂" not in played
    assert "（没有送到" not in played


async def _play(name: str, folder: Path) -> str:
    async with staged(SCRIPTS[name], folder) as stage:
        played = await stage.play(SCRIPTS[name])
        who, words = ENDS[name]
        person = next(p for p in stage.world.persons.values() if p.first_name == who)
        heard = [
            post.message.get("text", "")
            for post in stage.world.posts[person.id].values()
            if post.out
        ]
    assert any(words in text for text in heard), played[-3000:]
    return played


def test_a_scenario_is_what_persons_do() -> None:
    found = scenarios.load()
    assert [one.name for one in found] == list(ENDS)
    card = found[0]
    assert card.title == "健身房关门，退卡"
    assert card.cast == {"周阿姨": "consumer"}
    kinds = {step.act["kind"] for step in card.steps}
    assert kinds == {"text", "pick_button", "location", "photo"}
    both = next(step for step in found[4].steps if len(step.who) == 2)
    assert (both.who, both.group, both.act["label"]) == (
        ("陈老师", "李老师"),
        "川沙新镇",
        "✋ 接单",
    )
    assert both.note == "两个人同一刻点下去。"


@pytest.mark.parametrize(
    "line", ["诉达→王阿姨| 您好", "王阿姨 您好", "王阿姨> (跳舞)", "王阿姨> [没有关上"]
)
def test_a_line_that_nobody_can_play_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="nobody can"):
        scenarios.read("x", f"# 题\n# 事\n{line}\n")


def test_the_judge_sees_what_is_wrong() -> None:
    chat = {"id": 1, "type": "private"}
    message = {"message_id": 1, "date": 0, "chat": chat}
    judge_update({"update_id": 1, "message": message})
    with pytest.raises(AssertionError, match=r"Message\.mesage"):
        judge_update({"update_id": 1, "message": message | {"mesage": 1}})
    with pytest.raises(ValueError, match="date"):
        judge_update({"update_id": 1, "message": {"message_id": 1, "chat": chat}})
    call = {"method": "sendMessage", "params": {"chat_id": "1", "text": "a"}, "ok": True}
    judge_call(call | {"result": message})
    with pytest.raises(ValueError, match="text"):
        judge_call(call | {"params": {"chat_id": "1"}, "result": message})
    with pytest.raises(AssertionError, match="reply_to"):
        judge_call(call | {"params": {**call["params"], "reply_to": 1}, "result": message})
    with pytest.raises(ValueError, match="Message"):
        judge_call(call | {"result": True})
