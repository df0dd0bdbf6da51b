"""Papers (文书) that a taker fills in, one short step after another, in her private talk.

A paper is a row of steps; what is filled in lies with the case (``Case.papers``) until it is confirmed, so
that nothing typed is lost to another button, a colleague who takes over, or a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from bot.facts.dates import coming_days, parse_date
from bot.facts.money import parse_money, show_money
from bot.ports import Press
from bot.services.consumer import drafts
from bot.services.sending import Answer, button, day_words
from bot.services.tables import Tables
from bot.texts.catalogue import Say, say
from models.case import Case
from models.party import Account

LONGEST = 500
"""Characters of one step: what is longer belongs into the talk, not into a paper to be signed."""

OLDEST = timedelta(days=180)
"""A day named without its year that lies further back was meant to come: 12月5日, said in November."""

OPEN, BACK, ANEW, YES, TICKED = "open", "back", "anew", "yes", "ticked"

Body = Mapping[str, Any]


class Unread(Exception):
    """What was typed is no answer to the step; ``why`` says what would be one."""

    def __init__(self, why: Say) -> None:
        super().__init__(why.key)
        self.why = why


@dataclass(frozen=True, slots=True)
class Step:
    """One question of a paper. ``read`` turns typed words into a JSON value, or raises Unread; None where
    only buttons count. ``choose`` turns an option's name into the value to keep; ``show`` the other way.
    ``ticks``: any number of the options, confirmed by a button of its own.
    """

    key: str
    options: tuple[str, ...] = ()
    read: Callable[[str, date], Any] | None = None
    when: Callable[[Body], bool] = lambda _body: True
    choose: Callable[[str, date], Any] = lambda option, _today: option
    show: Callable[[Any], Say | str] = str
    ticks: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A kind of paper; its texts are ``paper.<name>.…``, its buttons have the verb."""

    name: str
    verb: str
    steps: tuple[Step, ...]
    check: Callable[[Step, Any], Say | None] = lambda _step, _value: None

    def asked(self, body: Body) -> list[Step]:
        """The steps that apply, in order."""
        return [step for step in self.steps if step.when(body)]

    def next(self, body: Body) -> Step | None:
        """The first step that is not filled in; None when the paper is complete."""
        return next((step for step in self.asked(body) if step.key not in body), None)

    def lines(self, body: Body) -> list[Say]:
        """What is filled in, a line for each step."""
        return [
            say(
                "paper.line",
                label=say(f"paper.{self.name}.label.{step.key}"),
                value=self.shown(step, body[step.key]),
            )
            for step in self.asked(body)
            if step.key in body
        ]

    def shown(self, step: Step, value: Any) -> Say | str:
        """A value as it is read."""
        if isinstance(value, list):
            return several(say(f"paper.{self.name}.option.{step.key}_{one}") for one in value)
        if value in step.options:
            return say(f"paper.{self.name}.option.{step.key}_{value}")
        return step.show(value)


def several(items: Iterable[Say]) -> Say:
    """Things one under the other."""
    lines = [say("paper.item", item=item) for item in items]
    return say("paper.several", count=len(lines), items=lines)


async def pressed(
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    press: Press,
    form: Form,
) -> dict[str, Any] | None:
    """A button of the paper; the whole of it once it is confirmed, else None."""
    body = written(case, form)
    step = form.next(body)
    match press.question:
        case str(key) if key == YES and step is None and body:
            _keep(case, form, None)
            account.awaiting = None
            return body
        case str(key) if key == ANEW:
            _keep(case, form, {})
            await ask(case, account, answer, form)
        case str(key) if key == BACK:
            filled = [s.key for s in form.asked(body) if s.key in body]
            if filled:
                _keep(case, form, {k: v for k, v in body.items() if k != filled[-1]})
            await ask(case, account, answer, form)
        case str(key) if step is not None and key == step.key:
            await _chosen(tables, case, account, answer, press.value, form, step)
        case str(key) if key == OPEN and body:
            await ask(case, account, answer, form, say("paper.resumed"))
        case _:
            await ask(case, account, answer, form)
    return None


async def typed(
    tables: Tables, case: Case, account: Account, answer: Answer, text: str, form: Form
) -> None:
    """Words for the open step; what cannot be read is said, and the step is asked again."""
    step = form.next(written(case, form))
    if step is None:
        await ask(case, account, answer, form, say("paper.press"))
        return
    for option in step.options:
        label = tables.texts.plain(say(f"paper.{form.name}.option.{step.key}_{option}"))
        if text.strip() == label:
            await _chosen(tables, case, account, answer, option, form, step)
            return
    try:
        if step.read is None:
            raise Unread(say("paper.choose"))
        if len(text) > LONGEST:
            raise Unread(say("paper.long", most=LONGEST))
        await _filled(
            case, account, answer, form, step, step.read(text.strip(), drafts.today(tables))
        )
    except Unread as unread:
        await ask(case, account, answer, form, unread.why)


async def _chosen(
    tables: Tables,
    case: Case,
    account: Account,
    answer: Answer,
    option: str,
    form: Form,
    step: Step,
) -> None:
    body = written(case, form)
    ticked = list(body.get(_ticks(step), ()))
    if step.ticks and option == TICKED:
        await _filled(case, account, answer, form, step, ticked)
    elif step.ticks and option in step.options:
        now = [one for one in step.options if (one in ticked) != (one == option)]
        _keep(case, form, {**body, _ticks(step): now})
        await ask(case, account, answer, form)
    elif option in step.options:
        value = step.choose(option, drafts.today(tables))
        await _filled(case, account, answer, form, step, value)
    else:
        await ask(case, account, answer, form)


async def _filled(
    case: Case, account: Account, answer: Answer, form: Form, step: Step, value: Any
) -> None:
    wrong = form.check(step, value)
    if wrong is None:
        body = {k: v for k, v in written(case, form).items() if k != _ticks(step)}
        _keep(case, form, {**body, step.key: value})
    await ask(case, account, answer, form, wrong)


async def ask(
    case: Case, account: Account, answer: Answer, form: Form, before: Say | None = None
) -> None:
    """The next step, or the whole paper with its confirmation."""
    body = written(case, form)
    step = form.next(body)
    account.awaiting = {"verb": form.verb, "case": case.token}
    ending = [button("button.never_mind", "sx", case)]
    if any(one.key in body for one in form.steps):
        ending.insert(0, button("paper.button.back", form.verb, case, BACK))
    if step is None:
        await answer(
            before,
            say(f"paper.{form.name}.preview", number=case.number or ""),
            say("paper.lines", lines=form.lines(body)),
            say(f"paper.{form.name}.before"),
            buttons=[
                [button(f"paper.{form.name}.yes", form.verb, case, YES)],
                [button("paper.button.anew", form.verb, case, ANEW)],
                ending,
            ],
        )
        return
    asked = form.asked(body)
    await answer(
        before,
        say(
            "paper.step",
            name=say(f"paper.{form.name}.name"),
            number=case.number or "",
            step=asked.index(step) + 1,
            steps=len(asked),
        ),
        say(f"paper.{form.name}.ask.{step.key}"),
        buttons=[
            *(
                [button(_option(form, step, body, option), form.verb, case, step.key, option)]
                for option in step.options
            ),
            *([[button("paper.button.ticked", form.verb, case, step.key, TICKED)]] * step.ticks),
            ending,
        ],
        # Each tick changes the list in its place.
        slot=f"{form.verb}:{case.token}:{len(case.events)}:{step.key}" if step.ticks else "",
    )


def _option(form: Form, step: Step, body: Body, option: str) -> Say:
    label = say(f"paper.{form.name}.option.{step.key}_{option}")
    if not step.ticks:
        return label
    ticked = option in body.get(_ticks(step), ())
    return say("paper.tick_on" if ticked else "paper.tick_off", label=label)


def _ticks(step: Step) -> str:
    """Where the ticks of a step are kept until they are confirmed."""
    return f"{step.key}?"


def written(case: Case, form: Form) -> dict[str, Any]:
    """What is filled in so far."""
    return dict((case.papers or {}).get(form.name) or {})


def _keep(case: Case, form: Form, body: Body | None) -> None:
    kept = dict(case.papers or {})
    kept.pop(form.name, None)
    if body:
        kept[form.name] = dict(body)
    case.papers = kept or None


# Readers


def words(shortest: int) -> Callable[[str, date], str]:
    """Words of at least so many characters."""

    def read(text: str, _today: date) -> str:
        if len(text) < shortest:
            raise Unread(say("close.reason_short"))
        return text

    return read


def money(text: str, _today: date) -> int:
    """A sum, in fen."""
    found = parse_money(text)
    if found is None or found.fen <= 0:
        raise Unread(say("wrong.amount"))
    return found.fen


def past_day(text: str, today: date) -> dict[str, str]:
    """A day that has been, with the words it was told in (an hour may stand there)."""
    found = parse_date(text, today)
    if found is None or found.first != found.last or not today - OLDEST <= found.first <= today:
        raise Unread(say("paper.day_past"))
    return {"on": found.first.isoformat(), "said": text}


def coming_day(text: str, today: date) -> str:
    """A day to come, today included, as an ISO date."""
    found = coming_days(text, today)
    if found is None or found[0] != found[1]:
        raise Unread(say("paper.day_coming"))
    return found[0].isoformat()


def in_days(option: str, today: date) -> str:
    """``days_3``: three days from today, as an ISO date; other options as they are."""
    head, _, count = option.partition("_")
    return (today + timedelta(days=int(count))).isoformat() if head == "days" else option


def show_fen(value: Any) -> str:
    return show_money(int(value))


def show_day(value: Any) -> Say:
    return day_words(date.fromisoformat(value))


def show_past(value: Any) -> Say | str:
    day = day_words(date.fromisoformat(value["on"]))
    return say("paper.day_said", day=day, said=value["said"]) if value["said"] else day
