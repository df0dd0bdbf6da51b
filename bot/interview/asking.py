"""One question as a message: progress, the question, why it is asked, and what can be pressed."""

from __future__ import annotations

from dataclasses import dataclass

from bot.interview.answers import label
from bot.interview.flow import progress, show, skippable
from bot.interview.questions import Question
from bot.interview.terms import KEEP, Answers, Context, Option
from bot.texts.catalogue import Say, load, say


@dataclass(frozen=True, slots=True)
class Asked:
    """``parts`` are paragraphs; ``skip`` is the label of the skip button, None where an answer is needed.

    ``later`` offers to leave everything open that may be left open. ``keyboard`` is "location" where the channel offers its place button, else "".
    """

    parts: tuple[Say, ...]
    options: tuple[Option, ...]
    keyboard: str
    skip: Say | None
    later: bool = False


LATER = 3
"""So many questions that may be skipped must be open before they are offered to be skipped together."""


def ask(question: Question, answers: Answers, ctx: Context) -> Asked:
    """The message for this question; an answer given before is shown and can be kept."""
    key = question.key
    step, steps = progress(question, answers, ctx)
    parts = [say("form.step", step=step, steps=steps), _text("ask", key, ctx)]
    if key == "evidence" and ctx.evidence_list:
        items = [say("form.item", text=item) for item in ctx.evidence_list]
        parts.append(say("form.checklist", items=items))
    parts.append(_text("why", key, ctx))
    options = [label(key, value) for value in question.options(answers, ctx)]
    given = show(key, answers, ctx) if key in answers else None
    if given is not None:
        parts.append(say("form.before", value=given))
        options.append(Option(KEEP, say("form.keep")))
    return Asked(
        tuple(parts),
        tuple(options),
        "location" if question.place else "",
        skip_label(key) if question.may_skip(ctx) else None,
        later=(ctx.finance or ctx.fraud)
        and "story" in answers
        and key != "gate"
        and len(skippable(answers, ctx)) >= LATER,
    )


def _text(stem: str, key: str, ctx: Context) -> Say:
    """``<stem>.<key>_<kind>`` where this kind of talk has its own words, else ``<stem>.<key>``."""
    own = f"{stem}.{key}_{ctx.kind}"
    return say(own if own in load() else f"{stem}.{key}")


def skip_label(key: str) -> Say:
    """What the button says that goes on without an answer."""
    own = f"skip.{key}"
    return say(own if own in load() else "skip.default")
