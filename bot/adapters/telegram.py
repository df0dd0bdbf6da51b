"""The way to Telegram and back: raw updates in, rendered calls out, errors in neutral words.

python-telegram-bot's own polling confirms updates that are only in memory, and drops a whole batch
when one of them does not parse; so updates are fetched raw, stored, and only then confirmed.
"""

from __future__ import annotations

import asyncio
import json
import re
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

import httpx
import structlog
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import (
    Bot,
    InputFile,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    TelegramError,
)
from telegram.request import HTTPXRequest

from bot.adapters.trust import trust
from bot.ports import Clock, Gone, Media, Message, Vault
from models.delivery import Meta, Refused

log = structlog.get_logger(__name__)

PREFIX = "tg:"
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
POLL_SECONDS = 30
POLL_SLACK = 15
SILENCE = timedelta(seconds=POLL_SECONDS + 2 * POLL_SLACK)
"""A poll that works is answered within this."""

BATCH = 100
OFFSET_LIFE = timedelta(days=6)
"""Update ids start anew after a week without updates (Bot API, Update); then an old offset would
hide the new ones."""

LARGEST = 2**63
"""No id that a database keeps as a number is beyond it."""

FIRST_WAIT = 1.0
LONGEST_WAIT = 30.0
GAP_WAIT = timedelta(milliseconds=300)
TOO_MANY_REQUESTS = 429
GATEWAY_TIMEOUT = 504

_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_INPUT = {
    "photo": InputMediaPhoto,
    "video": InputMediaVideo,
    "audio": InputMediaAudio,
    "document": InputMediaDocument,
}


DELETABLE = timedelta(hours=48)
"""Bot API, deleteMessage: a message can only be deleted within 48 hours after it was sent."""


class _NotThere(Exception):
    """The message is gone."""


class TokenRefused(Exception):
    """Telegram does not know the token; nothing can be done until it is mended."""


class Flood(TelegramError):
    """429: nothing more for ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many requests: wait {seconds:g} s")
        self.seconds = seconds


class Unheard(TelegramError):
    """A gateway gave up waiting for Telegram: the call may have been carried out."""


class Store(Protocol):
    """The part of the database that the poller needs."""

    def write(self) -> AbstractAsyncContextManager[AsyncSession]: ...
    def read(self) -> AbstractAsyncContextManager[AsyncSession]: ...


class Accept(Protocol):
    """Stores updates (key, seq, chat key, payload) that are new; ``bot.services.queue.intake.accept``."""

    def __call__(
        self,
        session: AsyncSession,
        source: str,
        rows: Sequence[tuple[str, int, str, Mapping[str, Any]]],
        /,
        *,
        now: datetime,
        wait_for_gap: timedelta = ...,
    ) -> Awaitable[int]: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One Bot API call without its chat; a Media among ``params`` becomes a file id or an upload."""

    method: str
    params: dict[str, Any]


Render = Callable[[Message, bool], Sequence[Call]]
"""A message, and whether the chat is private, as calls."""


class PatientRequest(HTTPXRequest):
    """Tells two answers apart that the library does not: how long to wait after a 429, as a plain
    number, and a 504, after which nobody knows whether the call was carried out."""

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        code, payload = await super().do_request(*args, **kwargs)
        if code == TOO_MANY_REQUESTS:
            try:
                seconds = float(json.loads(payload)["parameters"]["retry_after"])
            except (ValueError, KeyError, TypeError):
                seconds = FIRST_WAIT
            raise Flood(seconds)
        if code == GATEWAY_TIMEOUT:
            raise Unheard("504 Gateway Timeout")
        return code, payload


def build_bot(token: str, base_url: str = "https://api.telegram.org", proxy: str = "") -> Bot:
    """The bot, with one connection for polling and a pool for sending."""
    base_url = base_url.rstrip("/")
    more: dict[str, Any] = {"proxy": proxy or None, "httpx_kwargs": {"verify": trust()}}
    return Bot(
        token,
        base_url=f"{base_url}/bot",
        base_file_url=f"{base_url}/file/bot",
        request=PatientRequest(connection_pool_size=64, read_timeout=20, **more),
        get_updates_request=PatientRequest(connection_pool_size=1, **more),
    )


class TelegramChannel:
    """Transport for one bot. ``source`` names it in the inbox."""

    def __init__(self, bot: Bot, render: Render, clock: Clock, vault: Vault | None = None) -> None:
        self.bot = bot
        self.source = f"{PREFIX}{bot.token.partition(':')[0]}"
        self.last_poll: datetime | None = None
        self.last_contact: datetime | None = None
        self._render = render
        self._clock = clock
        self._vault = vault

    # In

    async def connect(self, stop: asyncio.Event) -> bool:
        """Make the bot ready, waiting for the network; False when ``stop`` came first.

        Raises TokenRefused.
        """
        wait = FIRST_WAIT
        while not stop.is_set():
            try:
                await self.bot.initialize()
                self.last_contact = self._clock.now()
                return True
            except InvalidToken as error:
                raise TokenRefused("Telegram does not know BOT_TOKEN") from error
            except TelegramError as error:
                log.warning("telegram unreachable, waiting", seconds=wait, error=_name(error))
                wait = await _pause(stop, wait)
        return False

    def reachable(self, polling: bool) -> bool:
        """Whether Telegram was reached at all, and, when polling, whether that has not fallen silent."""
        if self.last_contact is None or not polling:
            return self.last_contact is not None
        return self._clock.now() - self.last_contact < SILENCE

    async def poll(self, db: Store, accept: Accept, stop: asyncio.Event) -> None:
        """Fetch, store, commit, and only then confirm, until ``stop``. Raises TokenRefused."""
        wait = FIRST_WAIT
        lost = False
        offset = await self._offset(db)
        while not stop.is_set():
            try:
                updates = await self._fetch(offset, stop)
                if updates is None:
                    return
                offset = await self._store(db, accept, updates) or offset
            except InvalidToken as error:
                raise TokenRefused("Telegram does not know BOT_TOKEN") from error
            except Conflict as error:
                await self._conflict(error)
                wait = await _pause(stop, wait)
            except Flood as error:
                await _pause(stop, error.seconds)
            except (TelegramError, TimeoutError, KeyError) as error:
                lost = True
                log.warning("telegram unreachable, waiting", seconds=wait, error=_name(error))
                wait = await _pause(stop, wait)
            except Exception as error:
                # The database is away: the updates stay with Telegram.
                log.error("updates could not be stored", error=_name(error))
                wait = await _pause(stop, wait)
            else:
                if lost:
                    log.info("telegram reachable again")
                wait, lost = FIRST_WAIT, False
                self.last_poll = self._clock.now()

    async def take(self, db: Store, accept: Accept, body: bytes) -> None:
        """A webhook request that knew the secret: store its update; answer 200 after this.

        Raises ValueError on a body that is no update.
        """
        try:
            update = json.loads(body)
        except RecursionError:
            raise ValueError("not an update") from None
        rows = _rows([update])
        if not rows:
            raise ValueError("not an update")
        async with db.write() as session:
            await accept(session, self.source, rows, now=self._clock.now(), wait_for_gap=GAP_WAIT)

    async def _fetch(self, offset: int | None, stop: asyncio.Event) -> list[Any] | None:
        """Raw updates; None when ``stop`` came first. A poll that hangs is given up."""
        params: dict[str, Any] = {
            "timeout": POLL_SECONDS,
            "limit": BATCH,
            "allowed_updates": list(ALLOWED_UPDATES),
        }
        if offset is not None:
            params["offset"] = offset
        asking = asyncio.create_task(
            self._api("getUpdates", params, read_timeout=POLL_SECONDS + POLL_SLACK)
        )
        halt = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait(
                {asking, halt},
                timeout=POLL_SECONDS + 2 * POLL_SLACK,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if asking in done:
                updates: list[Any] = asking.result()
                return updates
            if halt in done:
                return None
            raise TimeoutError("the poll hung")
        finally:
            halt.cancel()
            if not asking.done():
                asking.cancel()
                await asyncio.wait({asking})

    async def _store(self, db: Store, accept: Accept, updates: Sequence[Any]) -> int | None:
        """Store a batch and the next offset in one commit; that offset."""
        rows = _rows(updates)
        if not rows:
            return None
        following = max(seq for _, seq, _, _ in rows) + 1
        now = self._clock.now()
        async with db.write() as session:
            await accept(session, self.source, rows, now=now)
            await session.merge(
                Meta(key=self._offset_key, value={"next": following, "at": now.isoformat()})
            )
        return following

    @property
    def _offset_key(self) -> str:
        return f"{self.source}:offset"

    async def _offset(self, db: Store) -> int | None:
        async with db.read() as session:
            kept = await session.get(Meta, self._offset_key)
        if kept is None:
            return None
        if self._clock.now() - datetime.fromisoformat(kept.value["at"]) > OFFSET_LIFE:
            return None
        return int(kept.value["next"])

    async def _conflict(self, error: Conflict) -> None:
        if "webhook" in error.message:
            log.warning("a webhook was set; removing it, since this process polls")
            await self._api("deleteWebhook", {})
        else:
            log.error("another process polls with this token; only one may")

    # Out

    async def send(
        self, target: str, message: Message, edit_ids: Sequence[Any] | None, /
    ) -> list[Any]:
        """A ``bot.services.queue.deliver.Sender``: the ids of the messages made or edited.

        Raises Refused; final where ``edit_ids`` cannot become this message.
        """
        chat_id = int(target.removeprefix(PREFIX))
        calls = self._render(message, chat_id > 0)
        if edit_ids:
            return await self._edit(chat_id, calls, edit_ids)
        ids: list[Any] = []
        for call in calls:
            try:
                ids += await self._say(chat_id, call)
            except Refused as refusal:
                picture = call.method not in ("sendMessage", "sendVenue") and len(calls) > 1
                if not picture or not refusal.final or refusal.blocked:
                    raise
                # A file that Telegram won't take must not keep back the words.
                log.warning("a file could not be shown", method=call.method, error=refusal.reason)
        return ids

    async def _edit(
        self, chat_id: int, calls: Sequence[Call], edit_ids: Sequence[Any]
    ) -> list[Any]:
        if len(calls) != len(edit_ids) or any(
            call.method != "sendMessage"
            or not {"inline_keyboard"} >= call.params.get("reply_markup", {}).keys()
            for call in calls
        ):
            raise Refused("what was sent before cannot become this message", final=True)
        for call, message_id in zip(calls, edit_ids, strict=True):
            params = {**call.params, "chat_id": chat_id, "message_id": message_id}
            try:
                await self._ask("editMessageText", params)
            except Refused as refusal:
                if "not modified" not in refusal.reason:
                    raise
        return list(edit_ids)

    async def _say(self, chat_id: int, call: Call) -> list[Any]:
        try:
            return await self._say_once(chat_id, call, upload=False)
        except Refused as refusal:
            if not re.search(r"file.?(id|identifier)", refusal.reason) or self._vault is None:
                raise
            return await self._say_once(chat_id, call, upload=True)

    async def _say_once(self, chat_id: int, call: Call, upload: bool) -> list[Any]:
        params: dict[str, Any] = {"chat_id": chat_id}
        for name, value in call.params.items():
            if isinstance(value, Media):
                params[name] = await self._file(value, upload)
            elif name == "media":
                params[name] = [
                    _INPUT[item["type"]](media=await self._file(item["media"], upload))
                    for item in value
                ]
            else:
                params[name] = value
        result = await self._ask(call.method, params)
        made = result if isinstance(result, list) else [result]
        return [message["message_id"] for message in made]

    async def _file(self, file: Media, upload: bool) -> str | InputFile:
        if file.file_id and not (upload and file.vault_key):
            return file.file_id
        if self._vault is None or not file.vault_key:
            raise Refused("a file is not kept here", final=True)
        try:
            content = await self._vault.get(file.vault_key)
        except KeyError:
            raise Refused("a file is no longer kept", final=True) from None
        return InputFile(content, filename=file.name or file.vault_key, attach=True)

    async def download(self, file_id: str, most: int) -> bytes:
        """A file that a person sent, of at most ``most`` bytes.

        Raises Refused: final when it is larger or gone.
        """
        about = await self._ask("getFile", {"file_id": file_id})
        if int(about.get("file_size", 0)) > most:
            raise Refused("the file is larger than is taken", final=True)
        path = str(about.get("file_path", ""))
        try:
            content = await self.bot.request.retrieve(f"{self.bot.base_file_url}/{path}")
        except TelegramError as error:
            raise refusal_of(error) from error
        if len(content) > most:
            raise Refused("the file is larger than is taken", final=True)
        return content

    async def answer_press(self, press_id: str, text: str = "", alert: bool = False) -> None:
        """Stop the pressed button's spinner; of no weight, so a failure is only logged."""
        params: dict[str, Any] = {"callback_query_id": press_id}
        if text:
            params |= {"text": text[:200], "show_alert": alert}
        try:
            await self._ask("answerCallbackQuery", params)
        except Refused as refusal:
            log.info("a press was not answered", error=refusal.reason)

    async def take_back(
        self, target: str, messages: Sequence[tuple[str, datetime]], instead: str
    ) -> Gone:
        """Delete messages younger than 48 h, and put ``instead`` in the place of older ones.

        A file gives way to an empty picture; a voice, a round video and a place can be neither deleted
        nor changed by then. What is gone already counts as deleted. Raises Refused, when no answer
        about a message was to be had; then it may all be done again.
        """
        chat_id = int(target.removeprefix(PREFIX))
        counts = {"deleted": 0, "emptied": 0, "left": 0}
        for number, at in messages:
            where = {"chat_id": chat_id, "message_id": int(number)}
            young = self._clock.now() - at < DELETABLE
            gone = young and await self._can("deleteMessage", where)
            if gone:
                counts["deleted"] += 1
            else:
                counts[await self._empty(where, instead)] += 1
        return Gone(**counts)

    async def _empty(self, where: Mapping[str, Any], instead: str) -> str:
        try:
            if await self._can("editMessageText", {**where, "text": instead}):
                return "emptied"
            for kind in (InputMediaPhoto, InputMediaDocument):
                picture = InputFile(_BLANK, filename="blank.png", attach=True)
                media = {**where, "media": kind(media=picture, caption=instead)}
                if await self._can("editMessageMedia", media):
                    return "emptied"
        except _NotThere:
            return "deleted"
        return "left"

    async def _can(self, method: str, params: dict[str, Any]) -> bool:
        """Whether Telegram did it, or finds it done; raises Refused on anything else than a plain no."""
        try:
            await self._ask(method, params)
        except Refused as refusal:
            if not refusal.final or refusal.blocked:
                raise
            if method == "deleteMessage":
                return "not found" in refusal.reason
            if "not found" in refusal.reason:
                raise _NotThere from None
            return "not modified" in refusal.reason
        return True

    async def _ask(self, method: str, params: dict[str, Any]) -> Any:
        try:
            return await self._api(method, params)
        except TelegramError as error:
            raise refusal_of(error) from error
        except KeyError as error:
            raise Refused("an answer of 200 without a result") from error

    async def _api(self, method: str, params: dict[str, Any], **timeouts: float) -> Any:
        # Spelled get_Updates, since the library advises against its own method names here; but its
        # own methods parse what comes back, and a message that was sent must not fail in that.
        endpoint = re.sub(r"(?=[A-Z])", "_", method)
        answer = await self.bot.do_api_request(endpoint, api_kwargs=params, **timeouts)  # type: ignore[arg-type]
        self.last_contact = self._clock.now()
        return answer


def refusal_of(error: TelegramError) -> Refused:
    """What the deliverer should make of an error."""
    reason = error.message
    match error:
        case Flood():
            return Refused(reason, retry_after=timedelta(seconds=error.seconds))
        case ChatMigrated():
            return Refused(reason, migrate_to=f"{PREFIX}{error.new_chat_id}")
        case Forbidden():
            return Refused(reason, final=True, blocked=True)
        case BadRequest():
            # Telegram says so of new chats too for a moment: only the second time counts.
            absent = "chat not found" in reason.lower()
            return Refused(reason, final=not absent, blocked=absent)
        case EndPointNotFound():
            return Refused(reason, final=True)
        case InvalidToken():
            return Refused("Telegram does not know BOT_TOKEN", down=True)
        case NetworkError():
            cause = error.__cause__
            if isinstance(cause, _NOT_SENT):
                return Refused(_name(cause), down=True)
            if isinstance(cause, httpx.HTTPError):
                return Refused(_name(cause), unknown=True)
            return Refused(reason)
    return Refused(reason, unknown=True)


def _png(width: int, height: int) -> bytes:
    """A grey picture."""
    lines = (b"\0" + b"\xc8" * width) * height
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", zlib.compress(lines)),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


_BLANK = _png(160, 90)


def _rows(updates: Sequence[Any]) -> list[tuple[str, int, str, Mapping[str, Any]]]:
    return [
        (str(update["update_id"]), update["update_id"], chat_key(update), sound(update))
        for update in updates
        if isinstance(update, dict)
        and type(update.get("update_id")) is int
        and 0 <= update["update_id"] < LARGEST
    ]


def sound(value: Any) -> Any:
    """A JSON value without what no database keeps: lone surrogates become ``?``, NUL goes. One such
    letter would keep back every update behind it."""
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {sound(key): sound(member) for key, member in value.items()}
    if isinstance(value, list):
        return [sound(member) for member in value]
    return value


def chat_key(update: Mapping[str, Any]) -> str:
    """The chat whose order the update belongs to; one that cannot be told has a line of its own."""
    try:
        for kind, body in update.items():
            if kind == "update_id":
                continue
            chat = body.get("chat") or body.get("message", {}).get("chat") or body.get("from")
            number = int(chat["id"])
            if abs(number) < LARGEST:
                return f"{PREFIX}{number}"
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        pass
    return f"{PREFIX}update:{update['update_id']}"


def _name(error: BaseException) -> str:
    """The kind of an error; a network error's own words may hold the token."""
    cause = error.__cause__ if isinstance(error, NetworkError) else None
    return type(cause or error).__name__


async def _pause(stop: asyncio.Event, seconds: float) -> float:
    """Wait, unless ``stop`` comes first; the next wait."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
    return min(seconds * 2, LONGEST_WAIT)
