"""Delivery of updates to the bot's webhook: in order per chat, tried again with growing delay."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import httpx

from bot.sandbox.errors import Json
from bot.sandbox.world import World

log = logging.getLogger(__name__)

LONGEST_DELAY = 20.0  # times the first
# Deliveries stay on this machine over plain http: no certificates need loading.
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class Webhook:
    """Runs beside the server. ``first_delay`` in seconds doubles with every failure, up to twenty times."""

    def __init__(
        self,
        world: World,
        reply: Callable[[str, Json], Awaitable[Any]],
        *,
        first_delay: float = 1.0,
    ) -> None:
        self.world = world
        self.reply = reply
        self.first_delay = first_delay
        self._busy: dict[object, asyncio.Task[None]] = {}
        self._again_at: dict[int, float] = {}

    async def run(self) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=30, verify=PLAIN) as client:
            try:
                while not self.world.closed:
                    wait = self._start(client)
                    await self.world.queue_signal.wait(wait)
            finally:
                for task in self._busy.values():
                    task.cancel()
                for task in list(self._busy.values()):
                    with suppress(asyncio.CancelledError):
                        await task

    def _start(self, client: httpx.AsyncClient) -> float:
        """Starts what is due and free; returns the seconds until something else may be."""
        hook = self.world.meta["webhook"]
        if not hook.get("url"):
            return 60.0
        if self.world.held:
            loop_age = asyncio.get_running_loop().time() - self.world.held_at
            if loop_age >= 1.0:
                self.world.release()
        now = asyncio.get_running_loop().time()
        wait = 1.0 if self.world.held else 60.0
        passed: set[object] = set()
        self.world.pending()  # forgets what is too old
        for number, entry in list(self.world.updates.items()):
            key = chat_key(entry["update"])
            if key in self._busy or key in passed:
                continue
            due = self._again_at.get(number, 0.0)
            if due > now:
                passed.add(key)
                wait = min(wait, due - now)
            elif len(self._busy) < hook["connections"]:
                self._busy[key] = asyncio.create_task(self._deliver(client, key, number, entry))
        return wait

    async def _deliver(
        self, client: httpx.AsyncClient, key: object, number: int, entry: Json
    ) -> None:
        hook = self.world.meta["webhook"]
        headers = {"X-Telegram-Bot-Api-Secret-Token": hook["secret"]} if hook["secret"] else {}
        problem, answer = "", b""
        try:
            response = await client.post(hook["url"], json=entry["update"], headers=headers)
            answer = response.content
            if not response.is_success:
                problem = f"Wrong response from the webhook: {response.status_code} {response.reason_phrase}"
        except httpx.ConnectError:
            problem = "Connection refused"
        except httpx.HTTPError:
            problem = "Read timeout expired"
        finally:
            self._busy.pop(key, None)
        if not problem:
            self.world.taken_at = time.monotonic()
        if problem:
            self._failed(number, entry, problem)
        elif entry.pop("again", False):
            self.world.queue_signal.fire()
        else:
            self._again_at.pop(number, None)
            self.world.forget(number)
            self.world.queue_signal.fire()
            await self._answered(answer)

    def _failed(self, number: int, entry: Json, problem: str) -> None:
        if number not in self.world.updates:
            return
        entry["tries"] += 1
        delay = self.first_delay * min(2 ** (entry["tries"] - 1), LONGEST_DELAY)
        self._again_at[number] = asyncio.get_running_loop().time() + delay
        hook = dict(self.world.meta["webhook"])
        if hook:
            hook["error"] = {"at": self.world.unix(), "message": problem}
            self.world.set("webhook", hook)
        self.world.queue_signal.fire()

    async def _answered(self, answer: bytes) -> None:
        """A method call may stand in the body of the 200; its result is not told to anyone."""
        if not answer.lstrip().startswith(b"{"):
            return
        with suppress(ValueError):
            body = httpx.Response(200, content=answer).json()
            if isinstance(body, dict) and "method" in body:
                try:
                    await self.reply(str(body.pop("method")), body)
                except Exception as error:
                    log.warning("a method in a webhook answer failed: %s", error)


def chat_key(update: Json) -> object:
    """What must stay in order: the chat, or for a button press the person who pressed."""
    for kind, body in update.items():
        if isinstance(body, dict):
            who = body.get("from" if kind == "callback_query" else "chat") or {}
            return kind == "callback_query", who.get("id", update["update_id"])
    return update["update_id"]
