"""THE table: every question the interview (访谈) can ask, in the order in which it asks.

Texts are found by name: ``ask.<key>`` the question, ``why.<key>`` why it is asked, ``example.<key>`` what is
expected, ``label.<key>`` its short name, ``option.<key>.<value>`` a button. To add a question, add a row here
and its texts; nothing else.

The value (``v``) of an answer, per question; an option's value unless said otherwise:

=================================  =================================================================
story                              str, the person's own words; "" when told by voice
object                             str, a code of the taxonomy
merchant, platform_shop, app_name,
mileage, course_left, address      str; None: not known
where, home                        {"mode", "text", "street", "committee", "lat", "lon"}: mode is
                                   pin | address | street | online | none | unknown; ``street`` and
                                   ``committee`` are codes, ``lat`` and ``lon`` degrees (pin only),
                                   None where unknown; home never holds a pin
when                               {"first", "last": ISO dates, "approx": bool}; None: not remembered
amount, claim_amount, balance_left int, fen (分); 0: none; None: not known
claim                              {"want": an option or "other", "text": the words typed, or ""}
evidence                           int, how many files were kept
name, phone                        str; phone as digits
extra                              str; "" for nothing more, or told by voice
=================================  =================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.interview import answers as read
from bot.interview.terms import SAME, Answers, Context, Given, Kind, value_of

Rule = Callable[[Answers, Context], bool]
Values = Callable[[Answers, Context], tuple[str, ...]]
Carries = Callable[[Any, Given, Context], dict[str, Any]]

EVERY: frozenset[Kind] = frozenset({"complaint", "clue", "consult"})
FILED: frozenset[Kind] = frozenset({"complaint", "clue"})
COMPLAINT: frozenset[Kind] = frozenset({"complaint"})
CLUE: frozenset[Kind] = frozenset({"clue"})
CONSULT: frozenset[Kind] = frozenset({"consult"})
NEVER: frozenset[Kind] = frozenset()


def always(_answers: Answers, _ctx: Context) -> bool:
    """The rule of a question without a condition."""
    return True


def none(_answers: Answers, _ctx: Context) -> tuple[str, ...]:
    """The options of a question that is answered in words."""
    return ()


@dataclass(frozen=True, slots=True)
class Question:
    """One row: asked of ``kinds`` when ``when`` holds; may be skipped by the kinds in ``skippable``.

    ``prefixes`` begin the values beyond ``options`` that Choose may have offered; the parser checks them.
    ``carries`` names answers to other
    questions that this one contains. ``place`` asks the channel for its location button. ``spared``
    may be skipped by whoever seems to be swindled: police and bank come first, and nobody negotiates there.
    """

    key: str
    parse: read.Parse
    when: Rule = always
    options: Values = none
    kinds: frozenset[Kind] = FILED
    skippable: frozenset[Kind] = NEVER
    prefixes: tuple[str, ...] = ()
    carries: Carries = read.nothing
    place: bool = False
    spared: bool = False

    def may_skip(self, ctx: Context) -> bool:
        """Whether a person may go on without an answer."""
        return ctx.kind in self.skippable or (self.spared and ctx.fraud)

    @property
    def loose(self) -> bool:
        """Whether only options count, so that a typed reply may be matched freely."""
        return self.parse in (read.choice, read.transfer_time, read.evidence)


def among(*values: str) -> Values:
    """Always the same options."""
    return lambda _answers, _ctx: values


def object_of(answers: Answers, ctx: Context) -> str:
    """The category in force: the person's word, else the classifier's."""
    return str(value_of(answers, "object") or ctx.object)


def is_online(answers: Answers, ctx: Context) -> bool:
    """Whether it was bought online: the person's word, else the classifier's."""
    where: dict[str, object] | None = value_of(answers, "where")
    return where["mode"] == "online" if where else ctx.online


def about(*codes: str) -> Rule:
    """Holds for these categories."""
    return lambda answers, ctx: object_of(answers, ctx) in codes


def goods_online(answers: Answers, ctx: Context) -> bool:
    """Things sent by post: who has them now decides what can be asked for."""
    return is_online(answers, ctx) and object_of(answers, ctx) in PARCELS


def money_trail(answers: Answers, ctx: Context) -> bool:
    """Investment or a fraud pattern: who took the money decides which door is right."""
    return ctx.fraud or object_of(answers, ctx) in INVESTMENT


def app_matters(answers: Answers, ctx: Context) -> bool:
    return ctx.fraud or object_of(answers, ctx) in THROUGH_APP


def urgent_first(_answers: Answers, ctx: Context) -> bool:
    """Money that has just moved is a matter for police and bank (反电信网络诈骗法 art. 20)."""
    return ctx.finance or ctx.fraud


def category_open(answers: Answers, ctx: Context) -> bool:
    return "object" in answers or (ctx.ask_object and bool(ctx.candidates or ctx.taxonomy))


def category_options(_answers: Answers, ctx: Context) -> tuple[str, ...]:
    if not ctx.candidates:
        return (*(f"g:{group}" for group, _ in ctx.taxonomy), "unknown")
    return (*ctx.candidates, *(("more",) if ctx.taxonomy else ()), "unknown")


def paid(answers: Answers, _ctx: Context) -> bool:
    fen: int | None = value_of(answers, "amount")
    return fen != 0


def wants_money(answers: Answers, _ctx: Context) -> bool:
    claim: dict[str, str] | None = value_of(answers, "claim")
    return claim is not None and claim["want"] in ("refund", "compensate")


def claim_options(_answers: Answers, ctx: Context) -> tuple[str, ...]:
    """Money has nothing to replace or repair."""
    if ctx.finance or ctx.fraud:
        return ("refund", "perform", "compensate", "apology", "stop")
    return ("refund", "replace", "repair", "perform", "compensate", "apology", "stop")


def claim_amount_options(answers: Answers, _ctx: Context) -> tuple[str, ...]:
    return (SAME, "unknown") if value_of(answers, "amount") else ("unknown",)


def for_another(answers: Answers, ctx: Context) -> bool:
    """A parent's, a child's or another's matter by her own words; nobody else is asked."""
    said = ctx.for_another or value_of(answers, "minor") == "yes"
    return said or "for_whom" in answers


def names_another(answers: Answers, _ctx: Context) -> bool:
    return value_of(answers, "for_whom") not in (None, "self")


def no_institution(answers: Answers, ctx: Context) -> bool:
    """Where an institution's own answer was asked for, the merchant is not asked about again."""
    return object_of(answers, ctx) not in INSTITUTIONS


INVESTMENT = (
    "stock", "futures", "forex", "rogue_platform", "bond", "option", "fund", "illegal_fundraising",
    "internet_finance", "advisory", "online_course", "margin_financing", "spot_commodity", "hard_case",
)  # fmt: skip
THROUGH_APP = (
    "stock", "futures", "forex", "rogue_platform", "option", "fund", "internet_finance", "advisory",
    "margin_financing", "spot_commodity", "internet_service",
)  # fmt: skip
INSTITUTIONS = ("banking", "insurance", "telecom", "utilities")
PARCELS = ("apparel", "electronics", "daily_goods")
TRIPS = ("catering_hotel", "travel_transport")
HARMFUL = ("food", "catering_hotel", "medical_beauty", "daily_goods")
PAPERS = ("housing", "private_lending", "debt", "commercial")
COURSES = ("education", "online_course")

YES_NO = among("yes", "no", "unknown")
PLACES = ("s:", "c:", "page:", "typed")

QUESTIONS: tuple[Question, ...] = (
    Question(
        "gate", read.transfer_time, when=urgent_first, kinds=EVERY,
        options=among("just_now", "day", "earlier", "none"),
    ),
    Question("story", read.story, kinds=EVERY),
    Question(
        "object", read.category, when=category_open, kinds=EVERY,
        options=category_options, prefixes=("",),
    ),
    Question("merchant", read.merchant, options=among("unknown")),
    Question(
        "where", read.place("where"), kinds=EVERY, skippable=CONSULT, place=True,
        options=among("list", "online", "none", "unknown"), prefixes=PLACES,
    ),
    Question("platform_shop", read.words_of("platform_shop"), when=is_online, skippable=FILED),
    # A few more by category: three at most, short, never in the way
    Question("payee_personal", read.choice, when=money_trail, options=YES_NO, spared=True),
    Question(
        "licensed", read.choice, when=about(*INVESTMENT), skippable=FILED,
        options=among("found", "not_found", "not_checked"),
    ),
    Question("app_name", read.words_of("short"), when=app_matters, skippable=FILED),
    Question(
        "institution_replied", read.choice, when=about(*INSTITUTIONS),
        options=among("not_asked", "waiting", "no_reply", "unhappy"),
    ),
    Question(
        "policy_stage", read.choice, when=about("insurance"), skippable=FILED,
        options=among("buying", "surrender", "claiming", "refused"),
    ),
    Question(
        "card_theft", read.choice, when=about("banking"), skippable=FILED, options=YES_NO,
    ),
    Question(
        "paper", read.choice, when=about(*PAPERS), skippable=FILED,
        options=among("yes", "no", "lost"),
    ),
    Question(
        "housing_part", read.choice, when=about("housing"), skippable=FILED,
        options=among("buy", "rent", "decorate", "property"),
    ),
    Question(
        "shop_closed", read.choice, when=about("prepaid_card", "education"), skippable=FILED,
        options=among("open", "closed", "moved", "new_owner"),
    ),
    Question(
        "balance_left", read.money("balance_left"), when=about("prepaid_card"), skippable=FILED,
        options=among("unknown"), prefixes=("fen:",),
    ),
    Question("course_left", read.words_of("short", 1), when=about(*COURSES), skippable=FILED),
    Question("harm", read.choice, when=about(*HARMFUL), skippable=FILED, options=YES_NO),
    Question(
        "sample_kept", read.choice, when=about("food"), skippable=FILED,
        options=among("yes", "no"),
    ),
    Question(
        "received", read.choice, when=goods_online, skippable=FILED,
        options=among("yes", "no", "partly"),
    ),
    Question(
        "returned", read.choice, when=goods_online, skippable=FILED,
        options=among("not_yet", "sent_back", "not_let"),
    ),
    Question(
        "repaired", read.choice, when=about("electronics", "vehicle"), skippable=FILED,
        options=among("no", "once", "more"),
    ),
    Question("mileage", read.words_of("short", 1), when=about("vehicle"), skippable=FILED),
    Question(
        "used", read.choice, when=about(*TRIPS), skippable=FILED,
        options=among("not_yet", "partly", "done"),
    ),
    Question(
        "parcel", read.choice, when=about("express"), skippable=FILED,
        options=among("lost", "damaged", "late", "other"),
    ),
    Question("insured", read.choice, when=about("express"), skippable=FILED, options=YES_NO),
    Question("minor", read.choice, when=about("internet_service"), skippable=FILED, options=YES_NO),
    # What, how much, and what for
    Question("when", read.moment, skippable=FILED, options=among("unknown")),
    Question(
        "amount", read.money("amount"), skippable=CLUE,
        options=among("none", "unknown"), prefixes=("fen:",),
    ),
    Question(
        "paid_by", read.choice, when=paid, skippable=FILED,
        options=among("wechat", "alipay", "bank_transfer", "card", "cash", "other"),
    ),
    Question(
        "claim", read.claim, kinds=COMPLAINT, carries=read.sum_in_claim,
        options=claim_options, spared=True,
    ),
    Question(
        "claim_amount", read.money("claim_amount"), when=wants_money, kinds=COMPLAINT,
        skippable=COMPLAINT, options=claim_amount_options, prefixes=("fen:",),
    ),
    Question(
        "asked_merchant", read.choice, when=no_institution, kinds=COMPLAINT,
        options=among("not_yet", "refused", "no_reply", "gone", "agreed_not_done"), spared=True,
    ),
    Question("evidence", read.evidence, options=among("done", "none")),
    # Who (order 121 art. 10: name, phone, address; art. 28: a report needs none of them)
    Question(
        "for_whom", read.choice, when=for_another, kinds=COMPLAINT, skippable=COMPLAINT,
        options=among("self", "elder", "child", "minor", "other"),
    ),
    Question("for_name", read.person_name, when=names_another, kinds=COMPLAINT),
    Question("name", read.person_name, skippable=CLUE, carries=read.phone_in_name),
    Question("phone", read.phone, kinds=EVERY, skippable=CLUE | CONSULT),
    Question("address", read.postal, skippable=FILED, carries=read.home_in_address),
    Question(
        "home", read.place("home"), kinds=EVERY, skippable=EVERY, place=True,
        options=among("list", "outside"), prefixes=PLACES,
    ),
    Question("extra", read.extra, skippable=FILED, options=among("none")),
)  # fmt: skip

BRIEF = frozenset(
    {"gate", "story", "object", "merchant", "where", "amount", "claim", "name", "phone"}
)
"""What is asked when staff write it down for somebody; the rest is kept where the story says it."""

BY_KEY: dict[str, Question] = {question.key: question for question in QUESTIONS}
