"""The small quiz (小测验): some questions, one tap each. How far it is stands in its buttons, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass

from bot.law import quiz
from bot.law.quiz import Question
from bot.ports import Press
from bot.services.consumer import library
from bot.services.sending import Answer, button
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say

VERB = "lz"
SEEDS = 100_000


@dataclass(frozen=True, slots=True)
class Round:
    """``seed`` says which questions, ``step`` at which one, ``right`` how many before it were right."""

    seed: int
    step: int = 0
    right: int = 0

    @property
    def questions(self) -> tuple[Question, ...]:
        return quiz.load().draw(self.seed)

    @property
    def slot(self) -> str:
        return f"quiz:{self.seed}"

    def pack(self, *more: int) -> str:
        return ".".join(map(str, (self.seed, self.step, self.right, *more)))

    @staticmethod
    def unpack(value: str, count: int) -> tuple[Round, list[int]] | None:
        """A round and the numbers after it, None when there are not ``count`` in all or it has no such step."""
        parts = value.split(".")
        if len(parts) != count or not all(part.isdecimal() and len(part) < 7 for part in parts):
            return None
        numbers = [int(part) for part in parts]
        now = Round(*numbers[:3])
        fits = now.step < len(now.questions) and now.right <= now.step
        return (now, numbers[3:]) if fits else None


async def pressed(tables: Tables, answer: Answer, press: Press) -> Say | None:
    """Begin a round; an answer; the next question or the score; stop. The same tap twice says the same twice."""
    if press.question == "answer":
        return await _answered(answer, press.value)
    if press.question == "next":
        return await _next(answer, press.value)
    if press.question == "stop":
        await answer(say("quiz.stopped"), buttons=[[library.home()]])
        return None
    await _ask(answer, Round(int(tables.clock.now().timestamp()) % SEEDS))
    return None


async def _ask(answer: Answer, now: Round) -> None:
    question = now.questions[now.step]
    await answer(
        say("quiz.step", step=now.step + 1, steps=len(now.questions)),
        say("quiz.ask", text=question.ask),
        buttons=[
            *(
                [button(say("quiz.answer", text=text), VERB, question="answer", value=now.pack(at))]
                for at, text in enumerate(question.answers, 1)
            ),
            [button("quiz.button.stop", VERB, question="stop")],
        ],
        slot=now.slot,
    )


async def _answered(answer: Answer, value: str) -> Say | None:
    read = Round.unpack(value, 4)
    if read is None:
        return say("toast.stale")
    now, (chosen,) = read
    question = now.questions[now.step]
    right = chosen == question.right
    after = Round(now.seed, now.step, now.right + right)
    last = now.step + 1 == len(now.questions)
    await answer(
        say("quiz.step", step=now.step + 1, steps=len(now.questions)),
        say("quiz.ask", text=question.ask),
        say("quiz.right" if right else "quiz.wrong", text=question.answers[question.right - 1]),
        say("quiz.why", text=question.why),
        buttons=[
            [
                button(
                    "quiz.button.score" if last else "quiz.button.next",
                    VERB,
                    question="next",
                    value=".".join(map(str, (after.seed, after.step, after.right))),
                )
            ],
            [
                button("quiz.button.card", library.VERB, question="card", value=question.card),
                button("quiz.button.stop", VERB, question="stop"),
            ],
        ],
        slot=now.slot,
    )
    return None


async def _next(answer: Answer, value: str) -> Say | None:
    parts = value.split(".")
    # The last answer counts already: a round may have one more right than it has steps behind it.
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 7 for part in parts):
        return say("toast.stale")
    seed, step, right = map(int, parts)
    now = Round(seed, step + 1, right)
    steps = len(now.questions)
    if now.step < steps and right <= now.step:
        await _ask(answer, now)
    elif now.step == steps and right <= steps:
        await answer(
            say("quiz.score", right=right, steps=steps),
            _praise(right, steps),
            buttons=[[button("quiz.button.again", VERB)], [library.home()]],
            slot=now.slot,
        )
    else:
        return say("toast.stale")
    return None


def _praise(right: int, steps: int) -> Say:
    if right == steps:
        return say("quiz.praise_all")
    return say("quiz.praise_most") if 2 * right >= steps else say("quiz.praise_some")
