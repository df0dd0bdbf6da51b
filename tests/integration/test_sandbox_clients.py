"""Two libraries that know the Bot API by themselves talk with the stand-in over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import telegram
import telegram.error
import telegram.ext
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramForbiddenError, TelegramRetryAfter
from aiogram.filters import CommandStart
from aiogram.filters.command import CommandObject
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaPhoto,
    Message,
)

from bot.sandbox.people import PIXEL
from tests.integration.sandbox_helpers import ADMIN, AUNT, Phone, running, until
from tests.judge import read_all_types


@pytest.fixture(autouse=True)
def reads_by_itself() -> None:
    read_all_types()


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with running() as phone:
        yield phone


async def newest(phone: Phone, words: str) -> None:
    """Waits until the bot's newest message to the consumer reads so."""

    async def said() -> bool:
        shown = await phone.get("messages", chat=AUNT)
        return bool(shown) and shown[-1]["message"].get("text") == words

    await until(said)


async def test_an_aiogram_bot_holds_a_talk(phone: Phone) -> None:
    dispatcher = Dispatcher()
    yes = InlineKeyboardMarkup(
        inline_keyboard=[[InlineKeyboardButton(text="对", callback_data="yes")]]
    )

    @dispatcher.message(CommandStart())
    async def greet(message: Message, command: CommandObject) -> None:
        await message.answer(f"<b>您好</b> {command.args}", parse_mode="HTML", reply_markup=yes)

    @dispatcher.callback_query(F.data == "yes")
    async def pressed(query: CallbackQuery) -> None:
        await query.answer("好")
        assert isinstance(query.message, Message)
        await query.message.edit_text("记下了")

    @dispatcher.message(F.photo)
    async def photo(message: Message, bot: Bot) -> None:
        assert message.photo
        fetched = await bot.download(message.photo[-1])
        assert fetched
        picture = InputMediaPhoto(media=BufferedInputFile(fetched.read(), "a.png"))
        await message.answer_media_group([picture, picture])
        await message.answer("收到照片")

    server = TelegramAPIServer.from_base(phone.sandbox.url)
    async with Bot(phone.world.token, session=AiohttpSession(api=server)) as bot:
        polling = asyncio.create_task(
            dispatcher.start_polling(bot, handle_signals=False, close_bot_session=False)
        )
        await phone.act("start", payload="case-7")
        await newest(phone, "您好 case-7")
        await phone.act("pick_button", label="对")
        await newest(phone, "记下了")
        await phone.act("photo")
        await newest(phone, "收到照片")
        await dispatcher.stop_polling()
        await polling
        with pytest.raises(TelegramBadRequest, match="chat not found"):
            await bot.send_message(5, "x")
        with pytest.raises(TelegramForbiddenError, match="can't initiate conversation"):
            await bot.send_message(ADMIN, "x")
        await phone.post("faults", {"kind": "429", "seconds": 9})
        with pytest.raises(TelegramRetryAfter) as caught:
            await bot.send_message(AUNT, "x")
        assert caught.value.retry_after == 9
    shown = await phone.get("messages", chat=AUNT)
    assert next(post for post in shown if post["out"])["edited"]


async def test_a_python_telegram_bot_holds_a_talk(phone: Phone) -> None:
    async def echo(update: telegram.Update, _: object) -> None:
        assert update.message
        await update.message.reply_text(f"听到了：{update.message.text}")

    application = (
        telegram.ext.Application.builder()
        .token(phone.world.token)
        .base_url(phone.sandbox.api_url)
        .base_file_url(phone.sandbox.file_url)
        .build()
    )
    application.add_handler(telegram.ext.MessageHandler(telegram.ext.filters.TEXT, echo))
    async with application:
        await application.start()
        assert application.updater
        await application.updater.start_polling(poll_interval=0, timeout=5)
        await phone.act("text", text="牛奶过期了")
        await newest(phone, "听到了：牛奶过期了")
        bot = application.bot
        album = await bot.send_media_group(AUNT, [telegram.InputMediaPhoto(PIXEL)] * 2)
        assert len(album) == 2
        file = await bot.get_file(album[0].photo[-1].file_id)
        assert bytes(await file.download_as_bytearray()) == PIXEL
        with pytest.raises(telegram.error.BadRequest, match=r"(?i)can't parse entities"):
            await bot.send_message(AUNT, "a < b", parse_mode="HTML")
        await phone.act("block")
        with pytest.raises(telegram.error.Forbidden, match="bot was blocked by the user"):
            await bot.send_message(AUNT, "x")
        await application.updater.stop()
        await application.stop()
