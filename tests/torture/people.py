"""People on their phones: they do what they are asked to, however often the bot dies meanwhile.

A consumer reads the newest screen with buttons in her chat. Each screen carries its question and
version, so that a screen which was delivered twice is known and not answered twice.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bot.demo import ADMIN
from bot.ports import Press
from bot.sandbox.people import People
from bot.sandbox.world import Person, World

PATIENCE = 240.0
"""Seconds that she waits for an answer while the bot dies over and over."""

LOOK_AGAIN = 0.5
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
NEVER_PRESSED = ("list", "more", "page:", "g:")

# What a person types, by the question; what is not here is answered by a button.
TYPED: dict[str, Callable[[int], str]] = {
    "story": lambda n: (
        f"十月里买的电饭锅只用了两天就冒烟，店家说什么都不肯修，我的单据记号是海棠{n:04d}号"
    ),
    "merchant": lambda n: f"海棠厨具{n:04d}号店",
    "where": lambda n: "川沙新镇",
    "platform_shop": lambda n: f"海棠旗舰{n:04d}店",
    "when": lambda n: f"2026年10月{n % 28 + 1}日",
    "amount": lambda n: f"{10_000 + n}元",
    "name": lambda n: f"{SURNAMES[n % len(SURNAMES)]}{'秀英建国桂兰'[n % 6]}{'梅芳生福'[n % 4]}",
    "phone": lambda n: f"1390000{n:04d}",
    "address": lambda n: f"海棠弄{n:04d}号{n % 90 + 1}室",
    "extra": lambda n: f"还有一句：第{n:04d}号海棠保修卡也在我手里",
}


@dataclass(frozen=True, slots=True)
class Screen:
    """A message with buttons: the question it asks, its version, its buttons' data by row."""

    post: int
    question: str
    version: int
    presses: tuple[Press, ...]

    def options(self) -> list[Press]:
        """The buttons that answer the question."""
        return [
            press
            for press in self.presses
            if press.verb == "a" and not press.value.startswith(NEVER_PRESSED)
        ]


@dataclass(slots=True)
class Phone:
    """``acts`` counts the updates that its owner caused."""

    world: World
    person: Person
    acts: int = field(default=0, init=False)

    # What she does

    def act(self, kind: str, **more: Any) -> None:
        self.acts += 1
        People(self.world).act({"kind": kind, "person": self.person.id} | more)

    def say(self, text: str) -> None:
        self.act("text", text=text)

    def press(self, screen: Screen, press: Press, times: int = 1) -> None:
        for _ in range(times):
            self.act("press", message=screen.post, data=press.pack())

    # What she sees

    def posts(self) -> list[Any]:
        return [p for p in self.world.posts.get(self.person.id, {}).values() if not p.deleted]

    def screens(self, after: int = 0) -> list[Screen]:
        """Every screen of hers younger than the post ``after``, oldest first."""
        found = []
        for post in self.posts():
            rows = post.message.get("reply_markup", {}).get("inline_keyboard", ())
            presses = tuple(
                Press.unpack(button["callback_data"])
                for row in rows
                for button in row
                if "callback_data" in button
            )
            if post.out and presses and post.id > after:
                first = presses[0]
                found.append(Screen(post.id, first.question, first.version, presses))
        return found

    async def sees(self, what: Callable[[], Any], said: str) -> Any:
        """Waits for it: nobody is left without an answer. Raises AssertionError after a while."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not (found := what()):
                    await self.world.event_signal.wait(LOOK_AGAIN)
        except TimeoutError:
            texts = [post.message.get("text", "") for post in self.posts()][-4:]
            raise AssertionError(
                f"{self.person.first_name} never saw {said}; last: {texts}"
            ) from None
        return found

    def verb(self, verb: str, value: str = "", after: int = 0) -> tuple[Screen, Press] | None:
        """The newest button of this meaning, in a message younger than the post ``after``."""
        for screen in reversed(self.screens(after)):
            for press in screen.presses:
                if press.verb == verb and value in ("", press.value):
                    return screen, press
        return None


@dataclass(slots=True)
class Reader(Phone):
    """Somebody who subscribed to notices."""

    async def subscribe(self) -> None:
        self.act("start")
        self.say("/subscribe")
        await self.sees(lambda: self.verb("u"), "that she subscribed")

    def times_shown(self, words: str) -> int:
        return sum(words in post.message.get("text", "") for post in self.posts() if post.out)


@dataclass(slots=True)
class Admin(Phone):
    """Sends notices to ``readers``; ``announced`` are their texts."""

    readers: list[Reader] = field(default_factory=list)
    announced: list[str] = field(default_factory=list)
    sent: set[str] = field(default_factory=set)

    async def announce(self) -> None:
        """One notice, from the menu to its board or first reader; 发送 is tapped twice.

        She waits for each screen: a tap goes by another way than a line and may arrive before it.
        """
        text = f"第{len(self.announced) + 1:04d}号通知：海棠路便民服务点改在二楼"
        self.say("/admin")
        asked = self.posts()[-1].id
        self.press(*await self.sees(lambda: self.verb("m", "outreach", asked), "the menu"))
        self.press(
            *await self.sees(lambda: self._about("new", after=asked), "the group of notices")
        )
        await self.sees(lambda: self.verb("m", "stop", asked), "that a text is wanted")
        self.announced.append(text)
        self.say(text)
        screen, send = await self.sees(self._preview, "the preview")
        self.sent.add(send.value)
        self.press(screen, send, times=2)
        await self.sees(
            lambda: (
                self._about("result", send.value) or any(r.times_shown(text) for r in self.readers)
            ),
            "that it is sent",
        )

    def _preview(self) -> tuple[Screen, Press] | None:
        return self._about("send")

    def _about(self, act: str, notice: str = "", after: int = 0) -> tuple[Screen, Press] | None:
        """The button that does this to the notice, or to one that was not sent yet."""
        for screen in reversed(self.screens(after)):
            for press in screen.presses:
                wanted = press.value == notice if notice else press.value not in self.sent
                if press.verb == "mn" and wanted and press.question == act:
                    return screen, press
        return None


@dataclass(slots=True)
class Consumer(Phone):
    """``typed`` holds (question, words) of all she typed, ``lines`` what she added at the review."""

    number: int
    dice: random.Random
    typed: dict[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def newest(self, after: int) -> Screen | None:
        """The newest screen of the interview whose version is greater than ``after``."""
        for screen in reversed(self.screens()):
            if screen.question and screen.version > after:
                return screen
        return None

    def case_number(self) -> str:
        """As she was told it. Raises AssertionError when she was not."""
        for post in self.posts():
            if found := re.search(r"PD\d{6}-\d{4}", post.message.get("text", "")):
                return found[0]
        raise AssertionError(f"consumer {self.number} was told no number")

    # The whole of it

    async def complain(self) -> None:
        """From /start to a filed case, then once more 查进度."""
        self.act("start")
        hello = await self.sees(lambda: self.verb("go", "complaint"), "the start screen")
        self.press(*hello)
        version = 0
        while True:
            screen = await self.sees(lambda v=version: self.newest(v), f"a screen after {version}")
            if screen.question == "review":
                break
            version = await self.answer(screen)
        await self.finish(screen)

    async def answer(self, screen: Screen) -> int:
        """Answers one question; returns the version that she has now dealt with."""
        key = screen.question
        if key == "consent":
            agree = next(press for press in screen.presses if press.value == "yes")
            self.press(screen, agree)
            return screen.version
        if key in TYPED and key not in self.typed:
            self.typed[key] = TYPED[key](self.number)
            self.say(self.typed[key])
            return screen.version
        options = screen.options()
        assert options, f"{key} was asked again and offers nothing to press"
        press = self.dice.choice(options)
        if self.dice.random() < 0.3:
            # The second tap comes too late: it is told so, and the question is put once more.
            self.press(screen, press, times=2)
            return screen.version + 1
        self.press(screen, press)
        return screen.version

    async def finish(self, review: Screen) -> None:
        """Three more lines without waiting, submit tapped three times, then 查进度."""
        for at in range(3):
            self.lines.append(f"补一句{'甲乙丙'[at]}：海棠{self.number:04d}号的发票在")
            self.say(self.lines[-1])
        screen = await self.sees(
            lambda: self.newest(review.version + 2), "the review with her lines"
        )
        submit = next(press for press in screen.presses if press.verb == "f")
        self.press(screen, submit, times=3)
        # What tells of health wants a consent of its own first.
        filed = await self.sees(
            lambda: self.verb("tp") or self.verb("ok", "sensitive"), "that it is filed"
        )
        if filed[1].verb == "ok":
            self.press(*filed, times=2)
            await self.sees(lambda: self.verb("tp"), "that it is filed")
        self.say("/status")
        asked = self.posts()[-1].id
        await self.sees(lambda: self.screens()[-1].post > asked, "her case's progress")


def people_of(world: World, first: int, count: int, seed: int) -> list[Consumer]:
    """``count`` consumers with numbers from ``first``."""
    made = []
    for number in range(first, first + count):
        person = world.add_person(f"消费者{number}", number=50_000 + number)
        made.append(Consumer(world, person, number, random.Random(seed * 100_003 + number)))
    return made


def bureau_of(world: World, readers: int) -> Admin:
    """The demonstration's admin, with so many readers who have still to subscribe."""
    people = [
        Reader(world, world.add_person(f"读者{number}", number=60_000 + number))
        for number in range(readers)
    ]
    return Admin(world, world.persons[ADMIN], people)
