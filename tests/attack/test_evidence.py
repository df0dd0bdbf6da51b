"""Files that are not what they say, carry what they should not, or would burst: none reaches anybody."""

from __future__ import annotations

import asyncio
import io
import struct
import uuid
import zipfile
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sqlalchemy import select

from bot.adapters.clamd import scanner
from bot.adapters.files import SealedFiles
from bot.adapters.inspect_files import inspector, judge
from bot.law import policy
from bot.ports import Attachment, Inspected, Press, Unfit
from bot.services.admin.live_policy import LivePolicy
from bot.services.consumer.fetch_evidence import fetcher
from bot.services.consumer.keep_evidence import fits, media
from models.base import cipher
from models.case import Case, Evidence
from models.delivery import Refused
from tests.attack.siege import Siege, besieged
from tests.integration.admin_office import AUNT, GROUP, TEACHER

in_one_loop = pytest.mark.asyncio(loop_scope="module")

POLICY = policy.load()
MOST = POLICY.picture_megapixels * 1_000_000
NUMBER = "PD-20261123-00001"
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PLACE = b"Exif-GPS-31.2370-121.4990"


def picture(form: str = "JPEG", size: tuple[int, int] = (40, 20), **save: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, form, **save)
    return out.getvalue()


def photo_with_place() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = PLACE.decode()
    exif[0x0112] = 6
    gps = exif.get_ifd(0x8825)
    gps[2] = (31.0, 14.0, 13.2)
    return picture(exif=exif)


def archive(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def document(*more: str) -> bytes:
    """A Word file as far as its list of parts goes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name in ("[Content_Types].xml", "_rels/.rels", "word/document.xml", *more):
            packed.writestr(name, "<x/>")
    return out.getvalue()


def png_bomb(width: int, height: int) -> bytes:
    """A picture that says how large it is, and nothing else."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(999)))


REFUSED = {
    "nothing": (b"", "type"),
    "plain text": ("退钱".encode(), "type"),
    "a web page": (b"<!doctype html><script>alert(1)</script>", "type"),
    "a drawing with a script": (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "type"),
    "a program": (b"MZ" + bytes(500), "type"),
    "a Linux program": (b"\x7fELF" + bytes(500), "type"),
    "a shell script": (b"#!/bin/sh\nrm -rf /\n", "type"),
    "an archive": (archive(a=b"x"), "type"),
    "an archive that bursts": (archive(a=bytes(20_000_000)), "type"),
    "an archive in an archive": (archive(a=archive(b=bytes(5_000_000))), "type"),
    "a compressed stream": (b"\x1f\x8b\x08" + bytes(100), "type"),
    "an old Word file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "type"),
    "a virus for tests": (EICAR.encode(), "type"),
    "a font": (b"\x00\x01\x00\x00\x00" + bytes(100), "type"),
    "noise": (bytes(range(256)) * 8, "type"),
    "a picture of ten billion points": (png_bomb(100_000, 100_000), "large"),
    "a picture a little too large": (png_bomb(10_000, 5_001), "large"),
    "a picture of no height": (png_bomb(10, 0), "broken"),
    "half a picture": (picture(size=(400, 400))[:300], "broken"),
    "a picture without a picture": (b"\xff\xd8\xff\xe0" + bytes(50), "broken"),
    "a PNG that ends": (png_bomb(300, 300), "broken"),
    "a Word file with macros": (document("word/vbaProject.bin"), "macros"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_fit_is_refused_with_its_reason(name: str) -> None:
    content, reason = REFUSED[name]
    with pytest.raises(Unfit) as refused:
        judge(content, POLICY.evidence_types, MOST)
    assert refused.value.reason == reason


KEPT = {
    "a photo": (picture(), "jpg"),
    "a screenshot": (picture("PNG"), "png"),
    "a moving picture": (picture("GIF"), "png"),
    "a web picture": (picture("WEBP"), "png"),
    "a PDF": (b"%PDF-1.7\n%%EOF", "pdf"),
    "a Word file": (document(), "docx"),
    "a recording": (b"OggS\0\x02" + bytes(22) + b"OpusHead", "opus"),
    "a film": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "mp4"),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_people_send_is_kept(name: str) -> None:
    content, ending = KEPT[name]
    found = judge(content, POLICY.evidence_types, MOST)
    assert found.extension in {ending, "ogg"} if ending == "opus" else found.extension == ending


def test_a_picture_is_drawn_anew_without_its_place_and_without_what_hangs_behind_it() -> None:
    tail = archive(evil=b"MZ program")
    found = judge(photo_with_place() + tail, POLICY.evidence_types, MOST)
    assert PLACE not in found.content
    assert b"MZ program" not in found.content
    assert not zipfile.is_zipfile(io.BytesIO(found.content))
    with Image.open(io.BytesIO(found.content)) as shown:
        assert not shown.getexif()
        assert shown.size == (20, 40), "it stands upright as it was taken"


def test_a_pngs_hidden_text_goes() -> None:
    hidden = PngInfo()
    hidden.add_text("Comment", PLACE.decode())
    found = judge(picture("PNG", pnginfo=hidden), POLICY.evidence_types, MOST)
    assert PLACE not in found.content


def test_a_name_that_lies_is_known() -> None:
    pdf = Inspected(b"", "application/pdf", "pdf")
    drawn = Inspected(b"", "image/jpeg", "jpg")
    assert fits("pdf", pdf)
    assert fits("png", drawn)
    assert not fits("exe", drawn)
    assert not fits("jpg", pdf)


# With the rest of the house


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def siege(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Siege]:
    async with besieged(tmp_path_factory.mktemp("files")) as siege:
        await siege.office.write(AUNT, "/start")
        await siege.office.case(NUMBER, desk="花木街道")
        await siege.press(TEACHER, "st", NUMBER, chat=GROUP)
        yield siege


async def send(
    siege: Siege, folder: Path, content: bytes, name: str, kind: str = "document"
) -> Evidence:
    """The consumer adds a file to her case, and it is fetched."""
    office = siege.office
    await siege.press(AUNT, "ta", NUMBER)
    unique = uuid.uuid4().hex
    await office.write(AUNT, files=(Attachment(kind, "id", unique, name, "image/jpeg", 10),))

    async def download(_id: str, _most: int) -> bytes:
        return content

    vault = SealedFiles(folder, cipher())
    fetch = fetcher(office.tables, download, inspector(POLICY.evidence_types, MOST), vault, 10**7)
    async with office.db.read() as session:
        found = select(Evidence).where(Evidence.unique_id == unique)
        kept = (await session.scalars(found)).one()
    finish = await fetch({"evidence": str(kept.id), "file_id": "id"})
    assert finish is not None
    async with office.rows() as session:
        await finish(session)
    async with office.db.read() as session:
        return (await session.scalars(found)).one()


@in_one_loop
async def test_a_file_set_aside_is_told_to_both_and_shown_to_nobody(
    siege: Siege, tmp_path: Path
) -> None:
    kept = await send(siege, tmp_path, b"MZ" + bytes(300), "合同.jpg")
    assert kept.vault_key == ""
    assert media([kept]) == []
    assert not stored(tmp_path), "nothing of it is on the disk"
    why = siege.say("unfit.type")
    assert (
        siege.say("evidence.set_aside", number=kept.number, why=why)
        in (await siege.office.last(AUNT)).text
    )
    assert (await siege.office.last(TEACHER)).text == siege.say(
        "desk.file_set_aside", number=NUMBER, file=kept.number, why=why
    )
    got = await siege.attempt(TEACHER, press=await sv(siege))
    assert why in got.plain


@in_one_loop
async def test_a_document_is_shown_only_after_it_was_inspected_and_as_we_drew_it(
    siege: Siege, tmp_path: Path
) -> None:
    kept = await send(siege, tmp_path, photo_with_place(), "../../\u202egpj.exe")
    (shown,) = media([kept])
    assert shown.file_id == "", "never the channel's own copy, which still holds the place"
    assert shown.name == f"{kept.number}.jpg"
    assert (
        siege.say("evidence.other_type", number=kept.number, named="exe", ext="jpg")
        in (await siege.office.last(AUNT)).text
    )
    assert (await siege.office.last(TEACHER)).text == siege.say(
        "desk.file_ready", number=NUMBER, file=kept.number
    )
    assert stored(tmp_path) == [str(kept.id)], "under a name of our own"


@in_one_loop
async def test_files_have_a_limit_each_hour(siege: Siege) -> None:
    async with siege.office.rows() as session:
        case = (await session.scalars(select(Case).where(Case.number == NUMBER))).one()
        have = len(case.evidence)
    most = POLICY.files_per_hour
    siege.office.tables = replace(
        siege.office.tables,
        limits=LivePolicy(replace(siege.office.tables.policy, files_per_hour=have)),
    )
    await siege.press(AUNT, "ta", NUMBER)
    await siege.office.write(AUNT, files=(Attachment("photo", "id", "fresh"),))
    assert siege.say("evidence.too_fast", most=have) in (await siege.office.last(AUNT)).text
    siege.office.tables = replace(
        siege.office.tables,
        limits=LivePolicy(replace(siege.office.tables.policy, files_per_hour=most)),
    )


def stored(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


async def sv(siege: Siege) -> Press:
    return Press("sv", (await siege.tokens())[NUMBER])


# The virus scanner


async def clamd_saying(answer: bytes) -> tuple[asyncio.Server, str, list[bytes]]:
    heard: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\0"))
        while size := struct.unpack("!L", await reader.readexactly(4))[0]:
            heard.append(await reader.readexactly(size))
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    return server, f"127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


async def test_what_the_scanner_finds_is_set_aside() -> None:
    server, address, heard = await clamd_saying(b"stream: Eicar-Test-Signature FOUND\0")
    async with server:
        with pytest.raises(Unfit) as unfit:
            await inspector(POLICY.evidence_types, MOST, scanner(address))(
                picture() + EICAR.encode()
            )
    assert unfit.value.reason == "virus"
    assert heard[0] == b"zINSTREAM\0"
    assert EICAR.encode() in b"".join(heard)


async def test_what_the_scanner_passes_is_kept() -> None:
    server, address, _ = await clamd_saying(b"stream: OK\0")
    async with server:
        found = await inspector(POLICY.evidence_types, MOST, scanner(address))(picture())
    assert found.extension == "jpg"


async def test_without_the_scanners_word_nothing_is_kept() -> None:
    server, address, _ = await clamd_saying(b"stream: ERROR\0")
    async with server:
        with pytest.raises(Refused):
            await scanner(address)(b"x")
    with pytest.raises(Refused):
        await scanner(address)(b"x")
