"""A conversation written as a text file, played by real phones against the real bot.

The bot is ``bot.app.serve`` with python-telegram-bot over HTTP, its Bot API server the sandbox, its
database a file. What a person does is one line; what the bot says stands below it:

    王阿姨> 我在健身房办的卡退不了            a text or a /command
    王阿姨> [按钮]                           presses the newest button of that label
    王阿姨> (两次) [按钮]                    presses it twice before any answer comes
    王阿姨> (旧按钮) [按钮]                  presses it in the first message that carried it
    王阿姨> (照片 票据.jpg) 说明             also 文件, 语音, 贴纸; 相册 3 sends three photos at once
    王阿姨> (转发 张经理) 文字               forwards what someone wrote; with (转发照片 …) a picture
    王阿姨> (位置 31.2 121.5)                also (名片), (改 新的文字), (拉黑), (解除拉黑)
    陈老师@川沙新镇群> [按钮]                the same in a group
    陈老师、李老师@川沙新镇群> [按钮]        both at once
    管理员> [选群并绑定] 川沙工作群          opens a link that adds the bot to a new group
    陈老师> (打开 管理员)                    opens the newest link that the bot wrote to that person
    (重启)  (断电)  (来电)                   the bot's process ends without warning, and starts again
    (过 2 天)                                time goes by; also 分钟, 小时

``人物：李老师（工作人员）、张叔（消费者）`` adds to the cast, ``方式：正式`` runs without the demonstration,
``名册：试点`` adds the few points of ``POINTS`` to the network, ``市场监管所：某所（某街道）`` an office over a street;
``以前：预付卡、会员卡@花木街道，3天前，6人，某店`` are complaints of so many people that lie settled already;
``任职：李老师（某居委会）、周科长（管理员）`` gives people their offices, ``账目：60 件（某居委会）`` a desk a made-up past of so many
cases in this year; ``时间：2026-09-29`` is the day it begins, at ten; ``运营单位：…`` names the operator, ``#`` is a remark. Recorded: ``诉达→谁| …``, its buttons, notices over a press as ``（弹出）``, edits as
``（改）``, and how many messages were deleted. Each line of a person's takes a minute of a clock that otherwise stands still.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.adapters.clock import SystemClock
from bot.adapters.observe import observer
from bot.app import open_house, serve
from bot.bench import district
from bot.route.register import Desk
from bot.sandbox.people import People
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Person, Post, Query, World
from bot.services.network.import_points import write
from bot.services.network.load_register import changed
from bot.services.queue.drain import LONGEST_NAP
from bot.settings import Settings, load
from bot.texts import catalogue
from models.network import Office, Organisation, Staff
from models.party import Account
from tests.past_cases import past_cases

START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
"""A Tuesday, ten in the morning in Shanghai."""

STEP = timedelta(minutes=1)
PATIENCE = 90.0
ADMIN = 3001
ROLES = {"消费者": "consumer", "工作人员": "staff", "管理员": "admin"}
UNITS = {"分钟": "minutes", "小时": "hours", "天": "days"}
FILES = {"照片": "photo", "文件": "document", "语音": "voice", "视频": "video", "贴纸": "sticker"}
SHOWN = {kind: word for word, kind in FILES.items()} | {"audio": "音频", "video_note": "视频留言"}

LUJIAZUI = "310115005"  # 陆家嘴街道
POINTS = (
    Desk(
        "T1", "正大广场联络点", "point", LUJIAZUI, type="mall", tier="model",
        address="陆家嘴西路168号", lat=31.2370, lon=121.4990, precision="surveyed",
        hours="daily 09:00-22:00", street_code=LUJIAZUI, merchants=("正大广场",),
        fast_return_minutes=15, prepay_fen=500_00,
    ),
    Desk(
        "T2", "滨江鞋城联络点", "point", LUJIAZUI, type="market", address="滨江大道2号", lat=31.2381,
        lon=121.4985, precision="address", street_code=LUJIAZUI,
        takes=frozenset({"apparel", "daily_goods"}),
    ),
    Desk(
        "T3", "滨江集市联络点", "point", LUJIAZUI, type="market", address="滨江大道9号", lat=31.2402,
        lon=121.5010, precision="surveyed", hours="work 13:00-17:00", street_code=LUJIAZUI,
    ),
)  # fmt: skip
"""Three points with a place of their own, for the plays that say 名册：试点; invented."""

HEADINGS = (
    "人物：",
    "方式：",
    "运营单位：",
    "名册：",
    "市场监管所：",
    "时间：",
    "任职：",
    "账目：",
    "以前：",
)
RECORDED = re.compile(r"诉达→|\||  ")
LINE = re.compile(r"(?P<who>[^>@\s]+?)(?:@(?P<group>[^>]+))?> (?P<what>.*)")
ACT = re.compile(r"\((?P<verb>[^\s)]+)\s*(?P<rest>[^)]*)\)\s*(?P<text>.*)")
LINK = re.compile(r"https://t\.me/\S+")
CODE = re.compile(
    r"((?:code|joint|ev)_)?(?<![0-9A-Z])[2-9A-HJKMNP-TV-Z]{5}(?(1)|-)[2-9A-HJKMNP-TV-Z]{5}(?![0-9A-Z])"
)
ANCHORED = re.compile(r"\b[0-9a-f]{32}\b")
INVITED = re.compile(r"join_[\w-]+")
BEFORE = re.compile(
    r"^以前：(?P<kind>.+)@(?P<street>.+?)，(?P<days>\d+)天前，(?P<people>\d+)人(?:，(?P<merchant>.+))?$",
    re.MULTILINE,
)
BUTTON = re.compile(r"\[(?P<label>.*?)(?: ↗)?\](?: (?P<title>.+))?")


class StageLoop(asyncio.SelectorEventLoop):
    """Its time can be moved on, with the play's: who sleeps meanwhile has then slept enough."""

    ahead = 0.0

    def time(self) -> float:
        return super().time() + self.ahead


class StoppedClock(SystemClock):
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def go_on(self, moment: datetime) -> None:
        """Whoever naps until then wakes at once, as it would have by itself within the longest nap."""
        self.moment = max(self.moment, moment)
        loop = asyncio.get_running_loop()
        assert isinstance(loop, StageLoop), "a play runs by on_stage"
        loop.ahead += LONGEST_NAP


@dataclass(slots=True)
class Stage:
    """The sandbox, the bot and whoever is in the play. ``lines`` is the transcript as it was played."""

    settings: Settings
    sandbox: Sandbox
    clock: StoppedClock
    demo: bool
    lines: list[str] = field(default_factory=list)
    _seen: int = 0
    _dead: int = 0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _bot: asyncio.Task[None] | None = None

    @property
    def world(self) -> World:
        return self.sandbox.world

    @property
    def people(self) -> People:
        return self.sandbox.control.people

    # The bot's process

    async def start(self) -> None:
        self._stop = asyncio.Event()
        self._bot = asyncio.create_task(
            serve(self.settings, self._stop, demo=self.demo, clock=self.clock)
        )

    async def kill(self) -> None:
        """Ends it as a falling process would: nobody tells it to stop."""
        if self._bot is not None:
            self._bot.cancel()
            await asyncio.wait({self._bot})
            self._bot = None

    # Playing

    async def play(self, script: str) -> str:
        """Play every line a person has; returns the transcript with what the bot said."""
        for line in script.splitlines():
            if not line.strip() or RECORDED.match(line):
                continue
            self._write(line)
            if line.startswith(("#", *HEADINGS)):
                continue
            try:
                await self._perform(line)
            except Exception as error:
                error.add_note("\n".join(self.lines[-30:]))
                raise
        return "\n".join(self.lines) + "\n"

    def _write(self, line: str) -> None:
        heading = not self.lines or (line.startswith("#") and self.lines[-1].startswith("#"))
        if not heading and not line.startswith(HEADINGS):
            self.lines.append("")
        self.lines.append(line)

    async def _perform(self, line: str) -> None:
        said = LINE.fullmatch(line)
        if said is None:
            await self._happen(line)
            return
        self.clock.go_on(self.clock.moment + STEP)
        cast = [self._person(name) for name in said["who"].split("、")]
        chat = self._group(said["group"]) if said["group"] else cast[0].id
        presses = [
            query for person in cast for query in self._do(person, chat, said["what"].strip())
        ]
        if self._bot is not None:
            await self._quiet()
        self._record(chat, presses)

    async def _happen(self, line: str) -> None:
        act = ACT.fullmatch(line)
        if act is None:
            raise ValueError(f"nobody says this: {line}")
        if act["verb"] in ("重启", "断电"):
            await self.kill()
        if act["verb"] in ("重启", "来电"):
            await self.start()
        if act["verb"] == "过":
            number, unit = act["rest"].split()
            self.clock.go_on(self.clock.moment + timedelta(**{UNITS[unit]: int(number)}))
        if self._bot is not None:
            await self._quiet()
        self._record(0, [])

    def _person(self, name: str) -> Person:
        return next(p for p in self.world.persons.values() if p.first_name == name)

    def _group(self, name: str) -> int:
        return next(g.id for g in self.world.groups.values() if f"{g.title}群" == name)

    def _do(self, person: Person, chat: int, what: str) -> list[str]:
        """One act; returns the ids of the presses in it."""
        act = ACT.fullmatch(what)
        verb = act["verb"] if act else ""
        button = BUTTON.fullmatch(act["text"] if act and verb in ("两次", "旧按钮") else what)
        if button:
            post, found = self._button(chat, button["label"], first=verb == "旧按钮")
            times = 2 if verb == "两次" else 1
            return [q for _ in range(times) for q in self._press(person, post, found, button)]
        if act is not None and verb == "打开":
            self.people.open_link(person, self._link(act["rest"].strip()), {})
            return []
        if act is None:
            kind = {"kind": "text", "text": what}
            self.people.act({"person": person.id, "chat": chat, **kind})
            return []
        self.people.act({"person": person.id, "chat": chat, **self._deed(person, act)})
        return []

    def _deed(self, person: Person, act: re.Match[str]) -> dict[str, Any]:
        verb, rest, text = act["verb"], act["rest"].strip(), act["text"]
        kind = FILES.get(verb.removeprefix("转发"), "")
        if kind:
            forwarded = verb.startswith("转发")
            origin = {"forward_from": {"name": rest, "date": self.world.unix() - 86400}}
            named = origin if forwarded else {"name": rest}
            return {"kind": kind, "caption": text, **named}
        match verb:
            case "转发":
                return {
                    "kind": "forward",
                    "name": rest,
                    "date": self.world.unix() - 86400,
                    "text": text,
                }
            case "相册":
                return {"kind": "album", "files": [{}] * int(rest), "caption": text}
            case "位置":
                lat, lon = rest.split()
                return {"kind": "location", "lat": float(lat), "lon": float(lon)}
            case "名片":
                return {"kind": "contact"}
            case "改":
                mine = [p for p in self.world.posts[person.id].values() if not p.out]
                return {"kind": "edit", "message": mine[-1].id, "text": rest or text}
            case "拉黑":
                return {"kind": "block"}
            case "解除拉黑":
                return {"kind": "unblock"}
        raise ValueError(f"nobody can do this: {act[0]}")

    def _link(self, reader: str) -> str:
        """The newest link in what the bot wrote to somebody, as passed on to others."""
        posts = self.world.posts[self._person(reader).id].values()
        texts = [post.message.get("text", "") for post in posts if post.out]
        return next(found[0] for text in reversed(texts) if (found := LINK.search(text)))

    def _button(self, chat: int, label: str, first: bool) -> tuple[Post, dict[str, Any]]:
        posts = [post for post in self.world.posts.get(chat, {}).values() if not post.deleted]
        for post in posts if first else reversed(posts):
            rows = post.message.get("reply_markup", {}).get("inline_keyboard", ())
            for button in (button for row in rows for button in row):
                if button["text"] == label:
                    return post, button
        raise LookupError(f"no button reads {label}")

    def _press(
        self, person: Person, post: Post, button: dict[str, Any], asked: re.Match[str]
    ) -> list[str]:
        if "callback_data" in button:
            made = self.people.act(
                {
                    "person": person.id,
                    "chat": post.chat,
                    "kind": "press",
                    "message": post.id,
                    "data": button["callback_data"],
                }
            )
            return [made["query"]]
        title = asked["title"] or ""
        made = self.people.open_link(person, button["url"], {"title": title} if title else {})
        if "chat" in made:
            group = self.world.groups[made["chat"]]
            group.members += [p.id for p in self.world.persons.values() if p.staff]
        return []

    # Waiting

    async def _quiet(self) -> None:
        """Until the bot has taken, handled and sent everything; what is due later comes at once."""
        async with asyncio.timeout(PATIENCE):
            await self._at_rest()
            with self._database() as rows:
                await self._settled(rows)

    async def _at_rest(self) -> None:
        """Until the bot has taken all there is."""
        while True:
            await asyncio.sleep(0.01)
            if self._bot is not None and self._bot.done():
                self._bot.result()
                raise RuntimeError("the bot ended by itself")
            if self.world.polling and not self.world.pending():
                return

    async def _settled(self, rows: sqlite3.Connection) -> None:
        seen, later = -1, None
        while True:
            await self._at_rest()
            version = rows.execute("PRAGMA data_version").fetchone()[0]
            if version != seen:
                # Asked again only when somebody wrote.
                seen, later = version, self._later(rows)
            unanswered = any(query.answer is None for query in self.world.queries.values())
            if later is None or unanswered:
                continue
            if later == "":
                return
            self.clock.go_on(datetime.fromisoformat(later))
            seen = -1

    def _later(self, rows: sqlite3.Connection) -> str | None:
        """None while there is work in hand, else when the next work is due; '' when nothing is owed.

        An update that could not be handled ends the play.
        """
        broken = rows.execute("SELECT last_error FROM inbox WHERE last_error <> ''").fetchall()
        if broken:
            raise AssertionError(f"an update could not be handled: {broken}")
        if rows.execute("SELECT 1 FROM inbox WHERE state IN ('open', 'leased')").fetchone():
            return None
        now = self.clock.moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        if rows.execute(
            "SELECT 1 FROM outbox WHERE state = 'leased' OR (state = 'due' AND run_at <= :now)"
            " UNION ALL SELECT 1 FROM delivery JOIN notice ON notice.id = notice_id"
            " WHERE delivery.state = 'leased' OR"
            " (delivery.state = 'due' AND notice.state = 'sending' AND run_at <= :now)"
            " UNION ALL SELECT 1 FROM timer WHERE state = 'waiting' AND due_at <= :now",
            {"now": now},
        ).fetchone():
            return None
        due = rows.execute("SELECT min(run_at) FROM outbox WHERE state = 'due'").fetchone()[0]
        return f"{due}+00:00" if due else ""

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        path = self.settings.database_url.removeprefix("sqlite:///")
        rows = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            yield rows
        finally:
            rows.close()

    # Recording

    def _record(self, own: int, presses: Sequence[str]) -> None:
        touched: dict[int, dict[int, bool]] = {}
        gone: dict[int, int] = {}
        for event in self.world.events_after(self._seen):
            self._seen = event["seq"]
            if event["kind"] == "delete":
                gone[event["chat"]] = gone.get(event["chat"], 0) + 1
            if event["kind"] in ("message", "edit"):
                post = self.world.posts[event["chat"]][event["message_id"]]
                if post.out:
                    new = event["kind"] == "message"
                    if not post.deleted:
                        touched.setdefault(post.chat, {}).setdefault(post.id, new)
        for query in presses:
            self._popup(self.world.queries[query])
        order = [own, *self.world.persons, *sorted(self.world.groups, key=self._name)]
        for chat in dict.fromkeys(order):
            if chat in gone:
                self.lines.append(f"  （从{self._name(chat)}的聊天里删掉 {gone.pop(chat)} 条）")
            # As they stand in the chat: two senders at work at once come to their ends in any order.
            for number, new in sorted(touched.get(chat, {}).items()):
                self._show(self.world.posts[chat][number], new)
        self._failures()

    def _popup(self, query: Query) -> None:
        if query.answer and query.answer["text"]:
            who = self.world.persons[query.person].first_name
            self.lines.append(f"  （弹出 {who}）{query.answer['text']}")

    def _name(self, chat: int) -> str:
        if chat in self.world.groups:
            return f"{self.world.groups[chat].title}群"
        return self.world.persons[chat].first_name

    def _show(self, post: Post, new: bool) -> None:
        message = post.message
        kinds = [f"（{word}）" for kind, word in SHOWN.items() if kind in message]
        if "venue" in message:
            kinds = [f"（地点）{message['venue']['title']}"]
        text = "".join(kinds) + self._stable(message.get("text") or message.get("caption") or "")
        first, *rest = text.split("\n")
        self.lines.append(
            f"诉达→{self._name(post.chat)}| {'' if new else '（改）'}{first}".rstrip()
        )
        self.lines += [f"| {line}".rstrip() for line in rest]
        for row in message.get("reply_markup", {}).get("inline_keyboard", ()):
            self.lines.append("  " + " ".join(_bracket(button) for button in row))
        keys = post.keyboard or {}
        for row in keys.get("keyboard", ()):
            self.lines.append("  （键盘）" + " ".join(f"[{button['text']}]" for button in row))
        if "remove_keyboard" in keys:
            self.lines.append("  （收起键盘）")

    def _stable(self, text: str) -> str:
        """Random tokens under names that stay the same from one run to the next."""
        with self._database() as rows:
            tokens = rows.execute("SELECT token FROM case_file ORDER BY created_at, id").fetchall()
        for number, (token,) in enumerate(tokens, 1):
            text = text.replace(token, f"〈代号{number}〉")
        text = INVITED.sub("join_〈邀请〉", text)
        text = CODE.sub(lambda found: f"{found[1] or ''}〈查询码〉", text)
        return ANCHORED.sub("〈锚〉", text)

    def _failures(self) -> None:
        """What could not be sent is recorded."""
        with self._database() as rows:
            lost = rows.execute(
                "SELECT target FROM outbox WHERE state IN ('dead', 'unknown') ORDER BY id"
            ).fetchall()
        for (target,) in lost[self._dead :]:
            chat = target.removeprefix("tg:")
            self.lines.append(f"  （没有送到 {self._name(int(chat)) if chat else '取文件'}）")
        self._dead = len(lost)


def _bracket(button: dict[str, Any]) -> str:
    return f"[{button['text']}{' ↗' if 'url' in button else ''}]"


def on_stage(scene: Coroutine[Any, Any, str]) -> str:
    """Run what plays on a stage, in a loop whose time goes on with the play's."""
    with asyncio.Runner(loop_factory=StageLoop) as runner:
        return runner.run(scene)


async def furnish(folder: Path) -> None:
    """Make a data folder with its keys, its tables and the network in them."""
    async with open_house(load(env_file=None, data_dir=folder), demo=True):
        pass


async def _add_office(session: AsyncSession, name: str, street: str) -> None:
    """An office of the bureau, over one street."""
    below = (await session.scalars(select(Organisation).where(Organisation.name == street))).one()
    last = await session.scalar(select(func.max(Organisation.serial))) or 0
    office = Office(code="office", name=name, parent_id=below.parent_id, serial=last + 1)
    session.add(office)
    await session.flush()
    below.parent_id = office.id
    await changed(session)


async def _give_office(
    session: AsyncSession, world: World, name: str, where: str, now: datetime
) -> None:
    """Somebody is staff of a desk, or an admin, before the play begins."""
    person = next(p for p in world.persons.values() if p.first_name == name)
    account = Account(address=f"tg:{person.id}", created_at=now, seen_at=now)
    account.name, account.is_admin = name, where == "管理员"
    session.add(account)
    await session.flush()
    if not account.is_admin:
        desk = await session.scalar(select(Organisation).where(Organisation.name == where))
        assert desk is not None
        session.add(Staff(account_id=account.id, organisation_id=desk.id, joined_at=now))


async def _give_past(session: AsyncSession, cases: int, name: str, now: datetime) -> None:
    """Cases that a desk has had this year, up to last month."""
    dice = Random(cases)
    desk = (await session.scalars(select(Organisation).where(Organisation.name == name))).one()
    points = [
        replace(point, good=0.9)
        for point in await district.points_of(session, dice)
        if desk.id in {point.id, point.street[0]}
    ]
    await district.add_cases(session, dice, points, now.year, cases, now.month - 1)


@asynccontextmanager
async def staged(script: str, folder: Path) -> AsyncIterator[Stage]:
    """A stage with the cast of ``script``, its bot running; all of it is gone afterwards."""
    clock = StoppedClock()
    if begins := re.search("^时间：(.+)$", script, re.MULTILINE):
        clock.moment = datetime.fromisoformat(f"{begins[1]}T10:00+08:00").astimezone(UTC)
    demo = not re.search("^方式：正式$", script, re.MULTILINE)
    world = World(None, clock, open_groups=True)
    world.flood.on = False
    for line in re.findall(r"^人物：(.+)$", script, re.MULTILINE):
        for name, role in re.findall(r"([^、（]+)（([^）]+)）", line):
            number = 1000 * (1 + list(ROLES).index(role)) + 10 + len(world.persons)
            world.add_person(name, number=number, role=ROLES[role])
    operator = re.search(r"^运营单位：(.+)$", script, re.MULTILINE)
    settings = load(
        env_file=None,
        bot_token=world.token,
        data_dir=folder,
        admin_ids=(ADMIN,),
        operator_name=operator[1] if operator else "",
        cross_border_basis="consent" if operator else "",
        send_per_second=29_000,
        chat_per_second=1_000,
        chat_burst=5_000,
        group_per_minute=20_000,
    )
    if re.search("^名册：试点$", script, re.MULTILINE):
        async with open_house(settings, demo=True) as house, house.db.write() as session:
            await write(session, [(desk, True) for desk in POINTS], "a play", clock.now())
    if over := re.search("^市场监管所：(.+)（(.+)）$", script, re.MULTILINE):
        async with open_house(settings, demo=True) as house, house.db.write() as session:
            await _add_office(session, over[1], over[2])
    for before in BEFORE.finditer(script):
        async with open_house(settings, demo=True) as house, house.db.write() as session:
            at = clock.now() - timedelta(days=int(before["days"]))
            where = (before["kind"], before["street"])
            await past_cases(session, at, *where, int(before["people"]), before["merchant"] or "")
    offices = re.search("^任职：(.+)$", script, re.MULTILINE)
    past = re.search(r"^账目：(\d+) 件（(.+)）$", script, re.MULTILINE)
    if offices or past:
        async with open_house(settings, demo=True) as house, house.db.write() as session:
            for name, where in re.findall(r"([^、（]+)（([^）]+)）", offices[1] if offices else ""):
                await _give_office(session, world, name, where, clock.now())
            if past:
                await _give_past(session, int(past[1]), past[2], clock.now())
    sandbox = Sandbox(world, observe=observer(settings.database_url, catalogue.load()))
    url = await sandbox.start()
    stage = Stage(settings.model_copy(update={"api_base_url": url}), sandbox, clock, demo)
    try:
        await stage.start()
        yield stage
        await stage.kill()
    finally:
        await stage.kill()
        await asyncio.wait_for(sandbox.stop(), 10)
