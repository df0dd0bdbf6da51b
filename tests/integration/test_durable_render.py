"""What Telegram is asked to show for a message."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ports import Button, Media, Message, Press
from bot.texts.catalogue import Catalogue, load, say
from handlers.render import TEXT_LIMIT, render, short_lines, split_html

TEXTS = Catalogue(
    {
        "plain": "您好",
        "named": "<b>{name}</b> & 您好",
        "long": "{text}",
        "yes": "是的",
        "far": "这是一个很长很长的按钮名称",
        "channel.share_place": load().raw("channel.share_place"),
        "channel.place_hint": load().raw("channel.place_hint"),
        "channel.place_done": load().raw("channel.place_done"),
    }
)
ONE_BUTTON = ((Button(say("yes"), Press("ok", "A1", "q", 3, "v")),),)


def methods(message: Message, private: bool = True) -> list[str]:
    return [call.method for call in render(message, TEXTS, private)]


def test_words_of_a_person_are_never_markup() -> None:
    (call,) = render(Message((say("named", name="<a href='x'>王</a> & 李"),)), TEXTS)
    assert call.method == "sendMessage"
    assert call.params["parse_mode"] == "HTML"
    assert call.params["text"].startswith("<b>&lt;a href='x'&gt;王&lt;/a&gt; &amp; 李</b>")


def test_paragraphs_are_apart_and_links_bring_no_preview() -> None:
    (call,) = render(Message((say("plain"), say("plain"))), TEXTS)
    assert call.params["text"] == "您好\n\n您好"
    assert call.params["link_preview_options"] == {"is_disabled": True}


def test_a_button_carries_its_press_and_a_link_its_address() -> None:
    rows = (*ONE_BUTTON, (Button(say("yes"), link="https://t.me/x?start=1"),))
    (call,) = render(Message((say("plain"),), rows), TEXTS)
    assert call.params["reply_markup"] == {
        "inline_keyboard": [
            [{"text": "是的", "callback_data": "ok|A1|q|3|v"}],
            [{"text": "是的", "url": "https://t.me/x?start=1"}],
        ]
    }


def test_labels_that_a_phone_would_cut_get_a_line_each() -> None:
    short, long = (Button(say(key), Press("v")) for key in ("yes", "far"))
    (call,) = render(Message((say("plain"),), ((short, short), (short, long))), TEXTS)
    shape = [len(row) for row in call.params["reply_markup"]["inline_keyboard"]]
    assert shape == [2, 1, 1]


def test_a_place_is_asked_for_in_private_only() -> None:
    message = Message((say("plain"),), keyboard="location")
    (call,) = render(message, TEXTS)
    assert call.params["reply_markup"]["keyboard"][0][0]["request_location"] is True
    (call,) = render(message, TEXTS, private=False)
    assert "reply_markup" not in call.params


@pytest.mark.parametrize("keyboard", ["location", "remove"])
@pytest.mark.parametrize("paragraphs", [1, 2])
def test_both_kinds_of_keyboard_take_two_messages(keyboard: str, paragraphs: int) -> None:
    message = Message((say("plain"),) * paragraphs, ONE_BUTTON, keyboard=keyboard)
    first, last = render(message, TEXTS)
    assert first.params["reply_markup"].keys() & {"keyboard", "remove_keyboard"}
    assert last.params["reply_markup"].keys() == {"inline_keyboard"}
    assert last.params["text"] == "您好"


def test_pictures_go_before_the_words_and_share_an_album_where_they_may() -> None:
    photos = tuple(Media("photo", f"p{n}") for n in range(12))
    files = (Media("document", "d1"), Media("document", "d2"), Media("voice", "v1"))
    calls = render(Message((say("plain"),), ONE_BUTTON, (*photos, *files)), TEXTS)
    assert [call.method for call in calls] == [
        "sendMediaGroup",
        "sendMediaGroup",
        "sendMediaGroup",
        "sendVoice",
        "sendMessage",
    ]
    assert [len(call.params.get("media", [])) for call in calls] == [10, 2, 2, 0, 0]
    assert all("reply_markup" not in call.params for call in calls[:-1])


def test_a_lone_file_is_sent_by_its_kind() -> None:
    for kind, method in [
        ("photo", "sendPhoto"),
        ("video", "sendVideo"),
        ("document", "sendDocument"),
        ("audio", "sendAudio"),
        ("voice", "sendVoice"),
        ("video_note", "sendVideoNote"),
    ]:
        assert methods(Message((), media=(Media(kind, "x"),))) == [method]


def test_a_venue_without_words_carries_the_buttons_itself() -> None:
    message = Message((), ONE_BUTTON, venue=(31.2, 121.5, "某联络点", ""))
    (call,) = render(message, TEXTS)
    assert call.method == "sendVenue"
    assert call.params["address"] == "某联络点", "Telegram refuses an empty one"
    assert "reply_markup" in call.params


def test_a_long_message_is_cut_between_sentences_and_its_buttons_hang_on_the_last_part() -> None:
    text = "我买的东西坏了，商家不肯退。" * 600
    calls = render(Message((say("long", text=text),), ONE_BUTTON), TEXTS)
    assert len(calls) == 3
    assert all(call.params["text"].endswith("。") for call in calls)
    assert "".join(call.params["text"] for call in calls) == text
    assert ["reply_markup" in call.params for call in calls] == [False, False, True]


def test_a_mistake_in_a_button_or_keyboard_is_loud() -> None:
    with pytest.raises(ValueError, match="yes"):
        render(Message((say("plain"),), ((Button(say("yes")),),)), TEXTS)
    with pytest.raises(ValueError, match="piano"):
        render(Message((say("plain"),), keyboard="piano"), TEXTS)


PIECES = st.lists(
    st.one_of(
        st.sampled_from(["<b>", "<i>", "\n\n", "\n", "。", " ", "&lt;", "&amp;", "😀", "a < b"]),
        st.text(st.characters(exclude_characters="<>&", codec="utf-8"), max_size=12),
    ),
    max_size=60,
)


def well_formed(pieces: list[str]) -> str:
    text, opened = "", []
    for piece in pieces:
        if piece in ("<b>", "<i>") and piece in opened:
            if opened[-1] == piece:
                opened.pop()
                text += piece.replace("<", "</")
            continue
        if piece in ("<b>", "<i>"):
            opened.append(piece)
        text += piece.replace("a < b", "a &lt; b")
    return text + "".join(tag.replace("<", "</") for tag in reversed(opened))


def shown(text: str) -> str:
    return html.unescape(re.sub(r"</?[bi]>", "", text))


@given(PIECES, st.integers(10, 80))
def test_cutting_loses_no_word_and_leaves_no_tag_open(pieces: list[str], limit: int) -> None:
    text = well_formed(pieces)
    cut = split_html(text, limit)
    for piece in cut:
        assert 0 < len(shown(piece).encode("utf-16-le")) // 2 <= limit
        opened: list[str] = []
        for slash, tag in re.findall(r"<(/?)([bi])>", piece):
            if slash:
                assert opened.pop() == tag
            else:
                opened.append(tag)
        assert opened == []
        assert not re.search(r"&(?!lt;|amp;|gt;|quot;|#)", piece)
    squeezed = re.sub(r"\s+", "", "".join(shown(piece) for piece in cut))
    assert squeezed == re.sub(r"\s+", "", shown(text))


def test_the_limit_is_telegrams() -> None:
    assert len(split_html("字" * TEXT_LIMIT)) == 1
    assert len(split_html("字" * (TEXT_LIMIT + 1))) == 2
    assert len(split_html("😀" * (TEXT_LIMIT // 2 + 1))) == 2


def test_short_lines_are_one_sentence_each_and_one_button_a_row() -> None:
    row = (Button(say("button.progress"), Press("tp")), Button(say("button.add"), Press("ta")))
    message = Message((say("told.judge", days=30),), (row,), short=True)
    (call,) = render(Message.from_json(message.to_json()), load())
    assert len(call.params["reply_markup"]["inline_keyboard"]) == 2
    assert call.params["text"].count("\n") == 1


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("一句。两句！三句", "一句。\n两句！\n三句"),
        ("他说“好。”然后走了。", "他说“好。”\n然后走了。"),
        ("<b>先停。</b>再说", "<b>先停。</b>\n再说"),
        ("<code>抄。这段。</code>不动", "<code>抄。这段。</code>不动"),
        ("真的？！好。", "真的？！\n好。"),
        ("已有。\n换行", "已有。\n换行"),
        ("", ""),
    ],
)
def test_sentences_get_lines_of_their_own(text: str, lines: str) -> None:
    assert short_lines(text) == lines
