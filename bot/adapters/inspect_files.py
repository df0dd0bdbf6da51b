"""What a person sent, judged by its content and made harmless; a ``bot.ports.Inspect``.

The name and type that came with it say nothing. Pictures are drawn anew, which drops where they were taken
(EXIF, GPS) and whatever hangs behind them; everything else is kept as it is, or not at all. What cannot
be told is refused.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable, Collection

import filetype
from PIL import Image, ImageOps, UnidentifiedImageError

from bot.ports import Inspect, Inspected, Unfit

Scan = Callable[[bytes], Awaitable[bool]]
"""Whether a virus scanner finds something; raises Refused when it does not answer."""

PICTURES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/gif": "GIF"}
MACROS = "vbaproject"


def inspector(allowed: Collection[str], most_pixels: int, scan: Scan | None = None) -> Inspect:
    """``allowed``: MIME types; ``most_pixels``: width times height. One file at a time, in a thread."""
    turn = asyncio.Lock()

    async def inspect(content: bytes) -> Inspected:
        async with turn:
            if scan is not None and await scan(content):
                raise Unfit("virus")
            return await asyncio.to_thread(judge, content, allowed, most_pixels)

    return inspect


def judge(content: bytes, allowed: Collection[str], most_pixels: int) -> Inspected:
    """The file fit to keep, with its true type. Raises Unfit: type, large, broken, macros."""
    kind = filetype.guess(content)
    if kind is None or kind.mime not in allowed:
        raise Unfit("type")
    if kind.mime in PICTURES:
        return _drawn_anew(content, PICTURES[kind.mime], most_pixels)
    if "openxmlformats" in kind.mime and _has_macros(content):
        raise Unfit("macros")
    return Inspected(content, kind.mime, kind.extension, same=True)


def _drawn_anew(content: bytes, form: str, most_pixels: int) -> Inspected:
    try:
        with Image.open(io.BytesIO(content), formats=[form]) as opened:
            if opened.width * opened.height > most_pixels:
                raise Unfit("large")
            upright = ImageOps.exif_transpose(opened)
            clear = upright.has_transparency_data
            picture = upright.convert("RGBA" if clear else "RGB")
    except Image.DecompressionBombError as bomb:
        raise Unfit("large") from bomb
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Unfit("broken") from error
    picture.info = {}
    out = io.BytesIO()
    if form == "JPEG":
        picture.convert("RGB").save(out, "JPEG", quality=92)
        return Inspected(out.getvalue(), "image/jpeg", "jpg")
    picture.save(out, "PNG")
    return Inspected(out.getvalue(), "image/png", "png")


def _has_macros(content: bytes) -> bool:
    """By the list of its parts alone: nothing is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return any(MACROS in name.lower() for name in parts.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unfit("broken") from error
