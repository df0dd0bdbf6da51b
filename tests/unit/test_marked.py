"""Formatted words are shown with their marks, and nothing that was typed becomes markup."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ports import Button, Media, Message
from bot.services.outreach.compose import safe
from bot.texts.catalogue import Catalogue, Say, say
from bot.texts.marked import TAGS, Mark, Marked
from handlers.render import render, split_html

TEXTS = Catalogue({"body": "{text}", "foot": "<i>foot</i>", "label": "{text}"})


def shown(marked: Marked) -> str:
    return TEXTS.html(say("body", text=marked))


class Nested(HTMLParser):
    """Reads markup strictly: every tag is closed, the innermost first."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words = ""

    def handle_starttag(self, tag: str, _attrs: object) -> None:
        assert tag in set(TAGS.values())
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


@st.composite
def marked(draw: st.DrawFn) -> Marked:
    text = draw(st.text("ab<>&\"'{}🙂退 \n", min_size=1, max_size=30))
    place = st.integers(0, len(text))
    marks = draw(
        st.lists(
            st.builds(
                Mark,
                st.sampled_from([*TAGS, "mention"]),
                place,
                place,
                st.just('https://a.cn/?x=1&y="2"'),
            ),
            max_size=6,
        )
    )
    return Marked(text, tuple(marks))


@given(marked())
def test_any_marks_are_closed_and_nested_and_no_word_is_lost(text: Marked) -> None:
    reader = Nested()
    reader.feed(shown(text))
    reader.close()
    assert reader.open == []
    assert reader.words == text.text


@given(marked())
def test_a_channel_without_marks_shows_the_bare_words(text: Marked) -> None:
    assert TEXTS.plain(say("body", text=text)) == text.text


@given(marked())
def test_it_outlives_the_queue(text: Marked) -> None:
    said = Say.from_json(say("body", text=text).to_json())
    assert said == say("body", text=text)


@given(marked(), st.integers(2, 12))
def test_a_long_one_is_cut_with_its_tags_closed(text: Marked, limit: int) -> None:
    for piece in split_html(shown(text), limit):
        reader = Nested()
        reader.feed(piece)
        reader.close()
        assert reader.open == []


def test_bold_in_a_link() -> None:
    text = Marked("看这里 吧", (Mark("text_link", 0, 3, "https://a.cn/?a=1&b"), Mark("bold", 1, 2)))
    assert shown(text) == '<a href="https://a.cn/?a=1&amp;b">看<b>这</b>里</a> 吧'


def test_crossing_marks_are_untangled() -> None:
    text = Marked("abcd", (Mark("bold", 0, 3), Mark("italic", 2, 4)))
    assert shown(text) == "<b>ab<i>c</i></b><i>d</i>"


def test_white_space_at_the_ends_takes_its_marks_along() -> None:
    assert Marked("  ab ", (Mark("bold", 1, 3),)).strip() == Marked("ab", (Mark("bold", 0, 1),))


def test_a_picture_and_its_words_are_one_message_where_they_fit() -> None:
    press = Button(say("label", text="go"), link="https://a.cn")
    words = say("body", text=Marked("字" * 1000, (Mark("bold", 0, 2),)))
    photo = Media("photo", "id")
    (only,) = render(Message((words,), ((press,),), (photo,), captioned=True), TEXTS)
    assert only.method == "sendPhoto"
    assert only.params["caption"].startswith("<b>字字</b>")
    assert only.params["reply_markup"]
    long = say("body", text="字" * 1025)
    assert [c.method for c in render(Message((long,), (), (photo,), captioned=True), TEXTS)] == [
        "sendPhoto",
        "sendMessage",
    ]


@pytest.mark.parametrize(
    "address", ["https://www.samr.gov.cn", "https://a.cn/x?y=1#z", "https://a-b.gov.cn:443/"]
)
def test_addresses_that_people_may_be_led_to(address: str) -> None:
    assert safe(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://a.cn", "javascript:alert(1)", "tg://user?id=1", "https://", "https://a", "https://1.2.3.4/",
        "https://[::1]/", "https://me:word@a.cn/", "https://gov.cn@evil.cn", "https://a.cn:8443/", "https://xn--a.cn/",
        "https://аpple.com/", "https://a.cn/\u202egnp", "https://a.cn/ b", "https://a.cn/\\", "https://a.cn:x/", "HTTPS:a.cn",
        "https://a.cn/" + "x" * 500,
    ],
)  # fmt: skip
def test_addresses_that_nobody_is_led_to(address: str) -> None:
    assert not safe(address)


def test_what_is_escaped_is_read_back() -> None:
    assert (
        html.unescape(re.sub("<[^>]+>", "", shown(Marked("<b>&", (Mark("bold", 0, 4),))))) == "<b>&"
    )
