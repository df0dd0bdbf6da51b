"""Files as the Bot API shows them: which fields each kind has, and what a picture measures."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from bot.sandbox.errors import Json, bad

DOWNLOAD_LIMIT = 20 * 1024 * 1024
UPLOAD_LIMIT = 50 * 1024 * 1024
PHOTO_LIMIT = 10 * 1024 * 1024

# Kind -> the fields that its object has beyond file_id, file_unique_id and file_size.
FIELDS: dict[str, tuple[str, ...]] = {
    "photo": ("width", "height"),
    "document": ("file_name", "mime_type"),
    "video": ("width", "height", "duration", "file_name", "mime_type"),
    "animation": ("width", "height", "duration", "file_name", "mime_type"),
    "audio": ("duration", "file_name", "mime_type"),
    "voice": ("duration", "mime_type"),
    "video_note": ("length", "duration"),
    "sticker": ("width", "height", "type", "is_animated", "is_video", "emoji"),
}
MIME = {
    "photo": "image/jpeg",
    "document": "application/octet-stream",
    "video": "video/mp4",
    "animation": "video/mp4",
    "audio": "audio/mpeg",
    "voice": "audio/ogg",
    "video_note": "video/mp4",
    "sticker": "image/webp",
}
FOLDERS = {"photo": "photos", "voice": "voice", "sticker": "stickers"}
SUFFIX = {"photo": ".jpg", "voice": ".oga", "sticker": ".webp", "video_note": ".mp4"}


@dataclass(slots=True)
class File:
    """A stored file; ``size`` in bytes, ``duration`` in seconds, the rest in pixels."""

    id: str
    unique_id: str
    kind: str
    path: str
    size: int
    file_name: str = ""
    mime_type: str = ""
    width: int = 0
    height: int = 0
    duration: int = 0
    emoji: str = ""

    def to_json(self, kind: str = "") -> Json:
        """The Voice, Document, Video… object; for a photo, its largest PhotoSize. ``kind`` shows it
        as another kind: an animation is a document as well."""
        own: Json = {
            "file_name": self.file_name,
            "mime_type": self.mime_type,
            "width": self.width,
            "height": self.height,
            "length": self.width,
            "duration": self.duration,
            "type": "regular",
            "is_animated": False,
            "is_video": False,
            "emoji": self.emoji,
        }
        body: Json = {"file_id": self.id, "file_unique_id": self.unique_id, "file_size": self.size}
        return body | {name: own[name] for name in FIELDS[kind or self.kind] if own[name] != ""}

    def shown(self) -> Json | list[Json]:
        """The value of the message's field of this kind. A photo is a list of sizes, the last
        the largest; a small size points at the same bytes under an id of its own."""
        if self.kind != "photo":
            return self.to_json()
        scale = min(1.0, 320 / max(self.width, self.height, 1))
        small = self.to_json() | {
            "file_id": "s" + self.id,
            "file_unique_id": "s" + self.unique_id,
            "width": max(1, round(self.width * scale)),
            "height": max(1, round(self.height * scale)),
        }
        return [small, self.to_json()]


def picture_size(content: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, GIF, WEBP or JPEG; None for anything else."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return int(width), int(height)
    if content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
        return int(width), int(height)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return 512, 512
    return _jpeg_size(content) if content[:2] == b"\xff\xd8" else None


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return int(width), int(height)
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
    return None


def check_upload(kind: str, content: bytes) -> tuple[int, int]:
    """Pixels of a bot's upload (0, 0 where it has none). Raises as the server does."""
    if not content:
        raise bad("file must be non-empty")
    if len(content) > (PHOTO_LIMIT if kind == "photo" else UPLOAD_LIMIT):
        raise bad("file is too big")
    size = picture_size(content)
    if kind != "photo":
        return size or (0, 0)
    if size is None:
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = size
    if width + height > 10000 or max(size) > 20 * min(size):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return size
