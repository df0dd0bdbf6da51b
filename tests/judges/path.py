"""The staff's end of the one complaint that every judge follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from bot.ports import Press
from tests.integration.sandbox_helpers import TEACHER
from tests.torture.people import Consumer


class Town(Protocol):
    """Whatever server it is: the messages of each chat by their ids."""

    @property
    def posts(self) -> Mapping[int, Mapping[int, Any]]: ...


async def staff_takes(
    town: Town, consumer: Consumer, act: Callable[[dict[str, Any]], object]
) -> None:
    """The first of the desk takes the case in the group and opens it in her private talk."""
    act({"kind": "start", "person": TEACHER})
    group, post, press = await consumer.sees(lambda: card(town, "st"), "a card in a group")
    asked = {"kind": "press", "person": TEACHER, "chat": group, "message": post}
    act(asked | {"data": press.pack()})
    name = consumer.typed["name"]
    await consumer.sees(
        lambda: any(name in str(post.message) for post in town.posts.get(TEACHER, {}).values()),
        "that the staff member reads her story",
    )


def card(town: Town, verb: str) -> tuple[int, int, Press] | None:
    """A button of this meaning in any group: chat, message, press."""
    for chat, posts in town.posts.items():
        for post in posts.values() if chat < 0 else ():
            for row in post.message.get("reply_markup", {}).get("inline_keyboard", ()):
                for button in row:
                    if "callback_data" in button:
                        press = Press.unpack(button["callback_data"])
                        if press.verb == verb:
                            return chat, post.id, press
    return None
