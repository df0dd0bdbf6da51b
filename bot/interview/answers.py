"""What a person did at a question -> the answer's value, or :class:`Wrong`, or :class:`Choose`.

A parser takes (given, answers, ctx) and returns a JSON value. A typed option ("微信", "第二个", "没有") has
become ``given.value`` before a parser sees it. Everyday words and limits are data: ``words.toml``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from bot.facts.common import fold
from bot.facts.dates import parse_date
from bot.facts.money import parse_money, read_money, show_money
from bot.facts.names import parse_merchant, parse_person_name, read_platforms
from bot.facts.phones import parse_phone, read_phones
from bot.facts.places import PlaceMatch
from bot.interview.terms import SAME, Answers, Choose, Context, Given, Option, Wrong, value_of
from bot.texts.catalogue import TAG, load, say

Parse = Callable[[Given, Answers, Context], Any]


@cache
def words() -> Mapping[str, Any]:
    """The packaged ``words.toml``."""
    parsed: Mapping[str, Any] = tomllib.loads(
        files("bot.interview").joinpath("words.toml").read_text("utf-8")
    )
    return parsed


def limit(name: str) -> int:
    """A limit of ``words.toml``, such as the shortest story in characters."""
    return int(words()["limits"][name])


# Understanding short replies


def bare(text: str) -> str:
    """Letters, digits and 汉字 only, in one width and case; at most the first 2,000 characters are looked at."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", fold(text[:2000]))).lower()


def plain(text: str) -> str:
    """The person's words on one line, without invisible characters."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def _core(text: str) -> str:
    """``bare`` without the particles that politeness adds at the end."""
    return bare(text).rstrip("啊呀呢吧了的哦啦嘛哈哟呗")


def label(key: str, value: str) -> Option:
    """The option with its label's key: ``object.<code>`` for a category, else ``option.<key>.<value>``."""
    if key == "object" and value.startswith("g:"):
        return Option(value, say(f"option.object.group_{value[2:]}"))
    if key == "object" and value not in ("more", "unknown"):
        return Option(value, say(f"object.{value}"))
    return Option(value, say(f"option.{key}.{value}"))


@cache
def _names_of(key: str, value: str) -> frozenset[str]:
    """Every way to say one option: its label, and its words of ``words.toml``."""
    shown = label(key, value).label.key
    names = {load().raw(shown)} if shown in load() else set()
    said = words()["option"]
    names.update(said.get(key, {}).get(value, ()))
    names.update(said["any"].get(value, ()))
    return frozenset(filter(None, (bare(TAG.sub("", name)) for name in names)))


def pick(text: str, options: Iterable[Option]) -> str | None:
    """The value of the shown option that was typed instead of pressed: its number or its very words."""
    shown = tuple(options)
    number = re.fullmatch(r"第?([1-9]|1[0-2]|[一二三四五六七八九])[个项种条]?", _core(text))
    if number:
        said = number[1]
        place = int(said) if said.isascii() else "一二三四五六七八九".index(said) + 1
        return shown[place - 1].value if place <= len(shown) else None
    catalogue = load()
    return next(
        (
            option.value
            for option in shown
            if option.label.key in catalogue and bare(catalogue.plain(option.label)) == bare(text)
        ),
        None,
    )


def heard(text: str, key: str, values: tuple[str, ...], loose: bool) -> str | None:
    """The option that a typed reply means, or None.

    Exact words always count. With ``loose`` (questions that only take options) a number counts too, so does
    an exact opening ("有，我妈拉肚子了"), and in a short reply the longest known wording wins ("没有收到" before
    "收到"); a tie means nothing.
    """
    said, core = bare(text), _core(text)
    if not said:
        return None
    for value in values:
        if said in _names_of(key, value) or core in _names_of(key, value):
            return value
    if not loose:
        return None
    opening = re.split(r"[，,。.!！;；\s]", text.strip(), maxsplit=1)[0]
    if bare(opening) != said and (first := heard(opening, key, values, loose=False)):
        return first
    if len(said) > limit("short_reply"):
        return None
    found = {
        name: value
        for value in values
        for name in _names_of(key, value)
        if len(name) > 1 and name in said
    }
    longest = max(map(len, found), default=0)
    best = {value for name, value in found.items() if len(name) == longest}
    if len(best) == 1:
        return best.pop()
    return pick(text, tuple(label(key, value) for value in values)) if not best else None


def _asks(text: str) -> bool:
    """Whether the words end like a question: a name or a place does not."""
    return text.endswith(("?", "？", "吗", "嘛"))


def _needs_text(given: Given) -> str:
    """The typed words; raises Wrong for a voice message or a file where words are needed."""
    text = plain(given.text)
    if not text and given.voice:
        raise Wrong("voice")
    if not text and given.files:
        raise Wrong("file")
    return text


def declines(text: str) -> bool:
    """Whether the whole reply is "没有" or "不知道": at a question that may be skipped, that skips it."""
    known = words()["option"]["any"]
    names = {*known["no"], *known["unknown"], *words()["option"]["extra"]["none"]}
    return bare(text) in names or _core(text) in names


# Parsers


def choice(given: Given, _answers: Answers, _ctx: Context) -> str:
    """One of the options, nothing else."""
    if given.value:
        return given.value
    _needs_text(given)
    raise Wrong("choose")


def transfer_time(given: Given, answers: Answers, ctx: Context) -> str:
    """When money left (gate): an option, or a date that is turned into one; yesterday counts as urgent."""
    if not given.value and (when := parse_date(given.text, ctx.today)):
        return "day" if (ctx.today - when.first).days <= 1 else "earlier"
    return choice(given, answers, ctx)


def story(given: Given, _answers: Answers, _ctx: Context) -> str:
    """What happened, in the person's words; "" when told by voice. Raises Wrong when too short."""
    text = given.text.strip()
    if given.voice and not text:
        return ""
    _needs_text(given)
    if not tells(text):
        raise Wrong("story")
    return text


def tells(text: str) -> bool:
    """Whether the words are enough for a story."""
    return len(bare(text)) >= limit("story_min")


def speaks_for_another(text: str) -> bool:
    """Whether the story is somebody else's: "我妈被忽悠办了卡", "帮老人问一下"; not "给孩子买的"."""
    return re.search(words()["for_another"]["pattern"], text[:5000]) is not None


def category(given: Given, _answers: Answers, ctx: Context) -> str:
    """A code of the taxonomy; ``more`` opens the groups, ``g:<group>`` a group's codes; whoever does
    not know leaves it to the staff (``unknown``)."""
    groups = dict(ctx.taxonomy)
    codes = tuple(code for group in groups.values() for code in group)
    if given.value == "more" and groups:
        raise Choose(
            "object", tuple(label("object", f"g:{g}") for g in groups), say("choose.group")
        )
    if given.value.startswith("g:") and groups.get(given.value[2:]):
        options = tuple(label("object", code) for code in groups[given.value[2:]])
        raise Choose("object", (*options, label("object", "more")), say("choose.object"))
    if given.value in codes or given.value in ctx.candidates:
        return given.value
    if given.value == "unknown":
        return str(words()["category"]["unsure"])
    if given.value:
        raise Wrong("stale")
    text = _needs_text(given)
    if code := heard(text, "object", codes, loose=False):
        return code
    raise Wrong("choose")


def words_of(reason: str, shortest: int = 2) -> Parse:
    """Free words, at least ``shortest`` letters of them; raises ``Wrong(reason)`` otherwise."""

    def parse(given: Given, _answers: Answers, _ctx: Context) -> str | None:
        if given.value == "unknown":
            return None
        text = _needs_text(given)
        if len(bare(text)) < shortest or _asks(text):
            raise Wrong(reason)
        if len(text) > limit("short_text"):
            raise Wrong("long", most=limit("short_text"))
        return text

    return parse


def postal(given: Given, answers: Answers, ctx: Context) -> str | None:
    """An address to write to: words that tell a place, not a sum or a sentence."""
    text: str | None = words_of("address", 4)(given, answers, ctx)
    if text is not None and not _tells_a_place(text) and not ctx.gazetteer.find(text, limit=1):
        raise Wrong("address")
    return text


def merchant(given: Given, answers: Answers, ctx: Context) -> str | None:
    """Who is complained about: a shop, a company, a platform or a person; None when not known."""
    text = words_of("merchant")(given, answers, ctx)
    name = None if text is None else parse_merchant(text)
    if text is not None and name is None:
        raise Wrong("merchant")
    return name


def extra(given: Given, _answers: Answers, _ctx: Context) -> str:
    """Anything else; "" when there is nothing or it was told by voice."""
    if given.value == "none" or (given.voice and not given.text.strip()):
        return ""
    text = _needs_text(given)
    if not bare(text):
        raise Wrong("choose")
    return given.text.strip()


def spot(mode: str, text: str = "", **known: Any) -> dict[str, Any]:
    """A place's value: every name present, None where unknown."""
    return {
        "mode": mode,
        "text": text,
        "street": None,
        "committee": None,
        "lat": None,
        "lon": None,
    } | known


def found_at(match: PlaceMatch, text: str) -> dict[str, Any]:
    """A typed address that the gazetteer knows."""
    return spot("address", text, street=match.street_code, committee=match.committee_code)


def _streets(key: str, page: int, ctx: Context, said: str) -> Choose:
    """One page of the list of streets and towns (街镇); raises Wrong when there is no such page."""
    streets, size = tuple(ctx.gazetteer.streets.values()), limit("street_page")
    pages = -(-len(streets) // size)
    if not 1 <= page <= pages:
        raise Wrong("stale")
    options = [
        Option(f"s:{street.code}", say("form.plain", text=street.name))
        for street in streets[(page - 1) * size : page * size]
    ]
    if page > 1:
        options.append(Option(f"page:{page - 1}", say("choose.page_back")))
    if page < pages:
        options.append(Option(f"page:{page + 1}", say("choose.page_on")))
    return Choose(key, tuple(options), say("choose.street", page=page, pages=pages), said)


def _offered(key: str, matches: Iterable[PlaceMatch], said: str, ctx: Context) -> Choose:
    """The places that a typed address may mean; two committees of one name are told apart by their street."""
    options = []
    for match in matches:
        committee = ctx.gazetteer.committees.get(match.committee_code or "")
        value = f"c:{committee.code}" if committee else f"s:{match.street_code}"
        shown = f"{committee.street}{committee.name}" if committee else match.name
        options.append(Option(value, say("form.plain", text=shown)))
    return Choose(key, (*options, label(key, "list")), say("choose.place"), said)


def _pressed_place(key: str, given: Given, ctx: Context) -> dict[str, Any]:
    """The place behind a button. Raises Choose for the list, Wrong for a code that is not known."""
    sort, _, code = given.value.partition(":")
    text = plain(given.text)
    if sort == "list":
        raise _streets(key, 1, ctx, text)
    if sort == "page":
        raise _streets(key, int(code) if re.fullmatch(r"[0-9]{1,3}", code) else 0, ctx, text)
    if sort == "s" and (street := ctx.gazetteer.streets.get(code)):
        return spot("street", text or street.name, street=code)
    if sort == "c" and (committee := ctx.gazetteer.committees.get(code)):
        shown = text or f"{committee.street}{committee.name}"
        return spot("address", shown, street=committee.street_code, committee=code)
    if sort in ("s", "c") or (sort == "typed" and not text):
        raise Wrong("stale")
    return spot({"outside": "none", "typed": "address"}.get(sort, sort), text)


def _is_online(text: str) -> bool:
    """Whether it happened on the net: such words, or a platform's name that is not part of an address."""
    said, known = bare(text), words()["online"]
    if any(word in said for word in known["words"]):
        return True
    named = any(
        platform.platform.kind not in known["not_kinds"] for platform in read_platforms(text)
    )
    return named and not re.search(known["address"], text)


def _tells_a_place(text: str) -> bool:
    return re.search(words()["place"]["signs"], bare(text)) is not None


def place(key: str) -> Parse:
    """A pin, a typed address, a street of the list, or an option that says there is no place.

    At ``home`` a pin is only used to offer the nearest three streets and is not kept: where a person lives to
    the metre is more than the case needs.
    """

    def parse(given: Given, _answers: Answers, ctx: Context) -> dict[str, Any]:
        if given.value:
            return _pressed_place(key, given, ctx)
        if given.place:
            lat, lon, title = given.place
            if not (-90 <= lat <= 90 and -180 <= lon <= 180):
                raise Wrong("place")
            if key == "where":
                return spot("pin", plain(title), lat=lat, lon=lon)
            near = ctx.gazetteer.nearest_streets(lat, lon, 3)
            options = tuple(Option(f"s:{s.code}", say("form.plain", text=s.name)) for s, _ in near)
            last = (label(key, "list"), label(key, "outside"))
            raise Choose(key, (*options, *last), say("choose.near"), plain(title))
        text = _needs_text(given)
        if len(bare(text)) < 2 or _asks(text):
            raise Wrong("place")
        if len(text) > limit("short_text"):
            raise Wrong("long", most=limit("short_text"))
        if ctx.gazetteer.too_wide(bare(text)):
            raise Wrong("place_wide")
        if key == "home" and ctx.gazetteer.says_outside(bare(text)):
            return spot("none", text)
        matches = ctx.gazetteer.find(text, limit=3)
        if key == "where" and not matches:
            if any(word in bare(text) for word in words()["nowhere"]["words"]):
                return spot("none", text)
            if _is_online(text):
                return spot("online", text)
        if len(matches) > 1:
            raise _offered(key, matches, text, ctx)
        if not matches and not _tells_a_place(text):
            kept = Option("typed", say("choose.place_typed"))
            others = ("list", "unknown") if key == "where" else ("list",)
            options = (kept, *(label(key, other) for other in others))
            raise Choose(key, options, say("choose.place_open", text=text), text)
        return found_at(matches[0], text) if matches else spot("address", text)

    return parse


def moment(given: Given, _answers: Answers, ctx: Context) -> dict[str, Any] | None:
    """A day or a span of days in the past; None when not remembered."""
    if given.value == "unknown":
        return None
    when = parse_date(_needs_text(given), ctx.today)
    if when is None:
        raise Wrong("when")
    if when.first > ctx.today:
        raise Wrong("future")
    return {
        "first": when.first.isoformat(),
        "last": when.last.isoformat(),
        "approx": when.approx,
    }


def money(key: str) -> Parse:
    """A sum in fen (分); 0 for none, None for not known. A huge one is asked back by Choose."""

    def parse(given: Given, answers: Answers, _ctx: Context) -> int | None:
        sort, _, number = given.value.partition(":")
        if sort == "fen" and re.fullmatch(r"[0-9]{1,15}", number):
            return int(number)
        if sort == "none":
            return 0
        if sort == "unknown":
            return None
        if sort == SAME and isinstance(paid := value_of(answers, "amount"), int):
            return paid
        if given.value:
            raise Wrong("stale")
        read = parse_money(_needs_text(given))
        if read is None or read.fen < 0:
            raise Wrong("amount")
        if read.fen > limit("amount_huge_fen"):
            shown = say("choose.amount_yes", amount=show_money(read.fen))
            prompt = say("choose.amount", amount=show_money(read.fen))
            raise Choose(key, (Option(f"fen:{read.fen}", shown),), prompt, plain(given.text))
        return read.fen

    return parse


def wanted(text: str) -> tuple[str, ...]:
    """The wants named in a text, in the order of their first mention."""
    said = bare(text)
    first = {
        want: min((said.find(word) for word in known if word in said), default=-1)
        for want, known in words()["claim"]["wants"].items()
    }
    return tuple(
        sorted((want for want, at in first.items() if at >= 0), key=lambda want: first[want])
    )


def claim(given: Given, _answers: Answers, _ctx: Context) -> dict[str, Any]:
    """What the person wants (诉求), concrete enough to be met (order 121 art. 10)."""
    if given.value:
        return {"want": given.value, "text": ""}
    text = _needs_text(given)
    wants = wanted(text)
    if not wants and any(word in bare(text) for word in words()["claim"]["vague"]):
        raise Wrong("claim_vague")
    if not wants and len(bare(text)) < limit("claim_min"):
        raise Wrong("claim")
    if len(text) > limit("short_text"):
        raise Wrong("long", most=limit("short_text"))
    return {"want": wants[0] if wants else "other", "text": text}


def evidence(given: Given, _answers: Answers, ctx: Context) -> int:
    """How many files are kept when the person says that it is all; the service collects them."""
    if given.value == "none" or (given.value == "done" and ctx.files):
        return ctx.files
    if given.value == "done":
        raise Wrong("evidence_empty")
    if given.files or given.voice:
        raise Wrong("evidence_more", count=ctx.files)
    raise Wrong("evidence")


def person_name(given: Given, _answers: Answers, _ctx: Context) -> str:
    """The person's real name (order 121 art. 10)."""
    text = _needs_text(given)
    for number in read_phones(text):
        text = re.sub(words()["name"]["before_phone"], "", text.partition(number.said)[0])
    name = parse_person_name(text)
    if name is None:
        raise Wrong("name")
    return name


def phone(given: Given, _answers: Answers, _ctx: Context) -> str:
    """A mobile number or a landline with its area code, typed or from the shared contact."""
    number = parse_phone(given.phone or _needs_text(given))
    if number is None:
        raise Wrong("phone")
    return number


# What an answer says about a later question; never overwrites


def nothing(_value: Any, _given: Given, _ctx: Context) -> dict[str, Any]:
    """Most answers say nothing more."""
    return {}


def sum_in_claim(_value: Any, given: Given, _ctx: Context) -> dict[str, Any]:
    """ "退我3000元" names the sum as well."""
    sums = read_money(given.text)
    if len(sums) == 1 and sums[0].fen <= limit("amount_huge_fen"):
        return {"claim_amount": sums[0].fen}
    return {}


def phone_in_name(_value: Any, given: Given, _ctx: Context) -> dict[str, Any]:
    """ "我叫王秀英，电话……" names the phone as well."""
    spans = read_phones(given.text)
    number = parse_phone(spans[0].said) if len(spans) == 1 else None
    return {"phone": number} if number else {}


def home_in_address(_value: Any, given: Given, ctx: Context) -> dict[str, Any]:
    """A postal address with one known committee (居村委) in it says where the person lives."""
    matches = ctx.gazetteer.find(given.text, limit=3)
    if len(matches) == 1 and matches[0].committee_code:
        return {"home": found_at(matches[0], plain(given.text))}
    return {}
