"""Pictures of figures (图) as PNG, 1080 dots wide, drawn with the printed papers' Chinese font.

Words are never smaller than 26 dots, so that they can be read on a phone; a label that would lie on another
goes to the next free place, or is left out.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from bot.adapters.fonts import Font, fold
from bot.figures.plots import Bars, Bubble, Bubbles, Picture, Trend

if TYPE_CHECKING:
    from PIL.Image import Image as Drawing
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

WIDTH, MARGIN = 1080, 48
TITLE, LABEL, SMALL = 44, 30, 26
INK, SOFT, PAPER, GRID = (28, 32, 36), (92, 98, 104), (255, 255, 255), (222, 226, 230)
COLOURS = ((0, 92, 84), (214, 120, 24), (60, 96, 170))
"""Apart in lightness too, for eyes that do not part red from green."""

Box = tuple[float, float, float, float]


def png(picture: Picture, font: Font) -> bytes:
    """The picture as a PNG."""
    match picture:
        case Bars():
            image = _bars(picture, font)
        case Trend():
            image = _trend(picture, font)
        case Bubbles():
            image = _bubbles(picture, font)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


@cache
def _face(font: Font, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(font.file, size, index=font.index)


def _sheet(height: int) -> tuple[Drawing, ImageDraw]:
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH, height), PAPER)
    return image, ImageDraw.Draw(image)


def _lines(font: Font, text: str, size: int, width: float) -> list[str]:
    return fold(text, width, _face(font, size).getlength) if text else []


def _head(draw: ImageDraw, font: Font, title: str) -> float:
    """The title; where the picture itself may begin."""
    y = float(MARGIN - 8)
    for line in _lines(font, title, TITLE, WIDTH - 2 * MARGIN):
        draw.text((MARGIN, y), line, INK, _face(font, TITLE))
        y += TITLE * 1.35
    return y + 18


def _foot(draw: ImageDraw, font: Font, note: str, y: float) -> None:
    for line in _lines(font, note, SMALL, WIDTH - 2 * MARGIN):
        draw.text((MARGIN, y), line, SOFT, _face(font, SMALL))
        y += SMALL * 1.4


def _foot_height(font: Font, note: str) -> float:
    return len(_lines(font, note, SMALL, WIDTH - 2 * MARGIN)) * SMALL * 1.4


def _head_height(font: Font, title: str) -> float:
    return MARGIN + 10 + len(_lines(font, title, TITLE, WIDTH - 2 * MARGIN)) * TITLE * 1.35


def _shortened(font: Font, text: str, size: int, width: float) -> str:
    face = _face(font, size)
    if face.getlength(text) <= width:
        return text
    while text and face.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _bars(bars: Bars, font: Font) -> Drawing:
    """Each label above its bar, so that no name is too long; the value at its end."""
    step = LABEL + 76
    height = _head_height(font, bars.title) + step * max(1, len(bars.rows)) + MARGIN
    image, draw = _sheet(round(height + _foot_height(font, bars.note) + 20))
    y = _head(draw, font, bars.title)
    most = max((value for _, value, _ in bars.rows), default=0) or 1
    face = _face(font, LABEL)
    shown = max((face.getlength(words) for _, _, words in bars.rows), default=0)
    room = WIDTH - 2 * MARGIN - shown - 20
    for label, value, words in bars.rows:
        name = _shortened(font, label, LABEL, WIDTH - 2 * MARGIN)
        draw.text((MARGIN, y), name, INK, face)
        top, length = y + LABEL + 18, max(4.0, room * value / most)
        draw.rectangle((MARGIN, top, MARGIN + length, top + 34), fill=COLOURS[0])
        draw.text((MARGIN + length + 16, top + 17), words, INK, face, anchor="lm")
        y += step
    _foot(draw, font, bars.note, y + 8)
    return image


def _ticks(most: float) -> list[int]:
    """Four or five round numbers from 0 to at least ``most``."""
    raw = max(most, 4) / 4
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * n for n in (1, 2, 2.5, 5, 10) if power * n >= raw and power * n % 1 == 0)
    return [round(step * n) for n in range(math.ceil(max(most, 1) / step) + 1)]


def _trend(trend: Trend, font: Font) -> Drawing:
    top = _head_height(font, trend.title) + 84
    plot = 560
    image, draw = _sheet(round(top + plot + 120 + _foot_height(font, trend.note)))
    y = _head(draw, font, trend.title)
    small, face = _face(font, SMALL), _face(font, LABEL)
    x = float(MARGIN)
    for number, (name, _) in enumerate(trend.series):
        colour = COLOURS[number % len(COLOURS)]
        draw.rectangle((x, y + 8, x + 36, y + 26), fill=colour)
        draw.text((x + 48, y), name, INK, face)
        x += 48 + face.getlength(name) + 44
    values = [value for _, row in trend.series for value in row]
    ticks = _ticks(max(values, default=0))
    left = MARGIN + max(small.getlength(f"{tick:,}") for tick in ticks) + 16
    bottom = top + plot
    for tick in ticks:
        at = bottom - plot * tick / ticks[-1]
        draw.line((left, at, WIDTH - MARGIN, at), GRID, 2)
        draw.text((left - 12, at), f"{tick:,}", SOFT, small, anchor="rm")
    count = len(trend.steps)
    gap = (WIDTH - MARGIN - left - 40) / max(1, count - 1)
    places = [left + 20 + gap * number for number in range(count)]
    widest = max((small.getlength(words) for words in trend.steps), default=0) + 12
    every = max(1, math.ceil(widest / gap)) if gap else 1
    for number, words in enumerate(trend.steps):
        # Counted from the end: the newest is always named.
        if (count - 1 - number) % every == 0:
            half = small.getlength(words) / 2
            at = min(max(places[number], half + 4), WIDTH - half - 4)
            draw.text((at, bottom + 16), words, SOFT, small, anchor="mt")
    for number, (_, row) in enumerate(trend.series):
        colour = COLOURS[number % len(COLOURS)]
        points = [
            (place, bottom - plot * value / ticks[-1])
            for place, value in zip(places, row, strict=True)
        ]
        if len(points) > 1:
            draw.line(points, colour, 6, joint="curve")
        for px, py in points:
            draw.ellipse((px - 8, py - 8, px + 8, py + 8), fill=colour)
    _foot(draw, font, trend.note, bottom + 76)
    return image


def _bubbles(map_: Bubbles, font: Font) -> Drawing:
    """Circles at their places, north above; the names of the largest, where there is room for them."""
    top = _head_height(font, map_.title) + 8
    plot = _plot(map_.bubbles)
    image, draw = _sheet(round(top + plot + 90 + _foot_height(font, map_.note)))
    _head(draw, font, map_.title)
    frame = (MARGIN, top, WIDTH - MARGIN, top + plot)
    draw.rectangle(frame, outline=GRID, width=3)
    mark = _face(font, LABEL)
    draw.text((WIDTH - MARGIN - 16, top + plot - 14), map_.mark, SOFT, mark, anchor="rd")
    circles = _placed(map_.bubbles, frame)
    for _, (x, y, radius) in circles:
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.ellipse(box, fill=(128, 190, 182), outline=COLOURS[0], width=3)
    taken: list[Box] = [
        (
            WIDTH - MARGIN - 24 - mark.getlength(map_.mark),
            top + plot - LABEL * 2,
            WIDTH - MARGIN,
            top + plot,
        )
    ]
    face = _face(font, SMALL)
    for bubble, (x, y, radius) in circles:
        full = f"{bubble.label} {bubble.value:,.0f}"
        places = (
            (words, place)
            for words in (full, bubble.label)
            for place in _around(x, y, radius, face.getlength(words) / 2)
        )
        for words, (cx, cy) in places:
            half = face.getlength(words) / 2
            box = (cx - half - 3, cy - SMALL * 0.62, cx + half + 3, cy + SMALL * 0.62)
            if _inside(box, frame) and not any(_meet(box, other) for other in taken):
                draw.text(
                    (cx, cy), words, INK, face, anchor="mm", stroke_width=3, stroke_fill=PAPER
                )
                taken.append(box)
                break
    _foot(draw, font, map_.note, top + plot + 24)
    return image


def _around(x: float, y: float, radius: float, half: float) -> tuple[tuple[float, float], ...]:
    """Where a label may stand: on its circle, above, below, to the right or to the left."""
    high = radius + SMALL * 0.7
    aside = radius + half + 6
    return (x, y), (x, y - high), (x, y + high), (x + aside, y), (x - aside, y)


Circle = tuple[float, float, float]


def _shape(bubbles: Sequence[Bubble]) -> tuple[float, float, float, float, float]:
    """West, south, and how wide and high the places lie, in degrees of latitude; and a degree of longitude."""
    lats, lons = [b.lat for b in bubbles] or [0.0], [b.lon for b in bubbles] or [0.0]
    squeeze = math.cos(math.radians((min(lats) + max(lats)) / 2))
    wide = max((max(lons) - min(lons)) * squeeze, 0.01)
    return min(lons), min(lats), wide, max(max(lats) - min(lats), 0.01), squeeze


def _plot(bubbles: Sequence[Bubble]) -> int:
    _, _, wide, high, _ = _shape(bubbles)
    return round(min(1500, max(600, (WIDTH - 2 * MARGIN - 240) * high / wide + 200)))


def _placed(
    bubbles: Sequence[Bubble], frame: tuple[float, float, float, float]
) -> list[tuple[Bubble, Circle]]:
    """The largest first, so that a small one lies on top of it and not under it."""
    west, south, wide, high, squeeze = _shape(bubbles)
    left, top, right, bottom = frame
    room = 110.0
    scale = min((right - left - 2 * room) / wide, (bottom - top - 2 * 80) / high)
    x0 = left + ((right - left) - wide * scale) / 2
    y0 = bottom - ((bottom - top) - high * scale) / 2
    most = max((bubble.value for bubble in bubbles), default=0) or 1
    made = []
    for bubble in sorted(bubbles, key=lambda one: -one.value):
        x = x0 + (bubble.lon - west) * squeeze * scale
        y = y0 - (bubble.lat - south) * scale
        made.append((bubble, (x, y, max(7.0, 46 * math.sqrt(bubble.value / most)))))
    return made


def _inside(box: Box, frame: Box) -> bool:
    return (
        box[0] >= frame[0] + 4
        and box[1] >= frame[1] + 4
        and box[2] <= frame[2] - 4
        and box[3] <= frame[3] - 4
    )


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
