"""Measure beside peers, in one run on one machine: ratios travel, microseconds do not.

Each bench gives the median of several rounds. Nothing leaves the machine: what would be sent is
swallowed by a function that answers at once.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import time
import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from importlib.resources import files
from itertools import count
from math import cos, radians, sin
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from telegram import Update

from bot import app
from bot.classify import rules
from bot.classify.engine import Classifier
from bot.ports import Message
from bot.route.nearest import Index, Place, distance_m
from bot.sandbox import bench as stand_in
from bot.services import copies
from bot.services.deliver import Deliverer, Limits
from bot.services.hear import hear
from bot.services.intake import Worker, accept
from bot.settings import Settings
from handlers.incoming import read
from models.base import uuid7
from models.outreach import Delivery, Notice, NoticeState
from models.party import Account

ROUNDS = 5
NEAREST = 5
SIZES = ((2_000, 200), (100_000, 20))
"""How many places there are, and how many queries a round asks."""

CHATS = 10
READERS = 100_000
CLAIM = 9
"""Copies in a claim at 29 a second: as many as fit into the time for which slots are reserved."""

SEED = 20261123


Search = Callable[[float, float], Any]
"""Latitude and longitude in degrees to whatever is found there."""


@dataclass(frozen=True, slots=True)
class Measure:
    """``value`` is the median of ``rounds``, in ``unit``; ``what`` says what was measured."""

    bench: str
    what: str
    value: float
    unit: str
    rounds: int = ROUNDS


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
    }


@cache
def _words() -> Mapping[str, Any]:
    return tomllib.loads(files("bot").joinpath("bench.toml").read_text("utf-8"))


def _median_us(work: Callable[[], object], each: int) -> float:
    """Microseconds for one of ``each`` things that ``work`` does, after one round to warm up."""
    work()
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) / each * 1e6


def classify(settings: Settings) -> list[Measure]:
    """The whole decision beside jieba's cutting with a look-up of the same words."""
    jieba = import_module("jieba")
    classifier = Classifier.load(tmp_dir=settings.data_dir / "jieba")
    texts = _words()["texts"]
    known = {word for rule in rules.load().rules for word in rule.any}
    cutter = jieba.Tokenizer()
    # Its cache in a shared folder could be planted by others: read the dictionary itself.
    cutter.FREQ, cutter.total = cutter.gen_pfdict(cutter.get_dict_file())
    cutter.initialized = True

    def ours() -> None:
        for text in texts:
            classifier.classify(text)

    def theirs() -> None:
        for text in texts:
            [word for word in cutter.lcut(text) if word in known]

    signs = round(statistics.mean(map(len, texts)))
    return [
        Measure(
            "classify", f"whole decision, {signs} characters", _median_us(ours, len(texts)), "us"
        ),
        Measure(
            "classify", f"jieba.lcut + set of {len(known)}", _median_us(theirs, len(texts)), "us"
        ),
    ]


def nearest(_settings: Settings) -> list[Measure]:
    """The nearest five of N: our tree, every distance in plain Python, and scipy where it is there."""
    dice = random.Random(SEED)  # noqa: S311 - places, not secrets

    def spot() -> tuple[float, float]:
        return dice.uniform(30.8, 31.5), dice.uniform(121.4, 122.0)

    measures = []
    for size, asked in SIZES:
        places = [Place(str(n), *spot(), n) for n in range(size)]
        queries = [spot() for _ in range(asked)]
        index = Index(places)
        few = queries[: max(1, asked * 2_000 // size)]

        def brute(lat: float, lon: float, places: Sequence[Place[int]] = places) -> list[Any]:
            return heapq.nsmallest(
                NEAREST, ((distance_m(lat, lon, p.lat, p.lon), p.code) for p in places)
            )

        wanted = [[code for _, code in brute(*at)] for at in few[:3]]
        found = [[near.place.code for near in index.nearest(*at, NEAREST)] for at in few[:3]]
        if wanted != found:
            raise RuntimeError("the tree and the plain search disagree")
        ways: list[tuple[str, Search, Sequence[Any]]] = [
            ("k-d tree", partial(index.nearest, k=NEAREST), queries),
            ("plain haversine", brute, few),
        ]
        if (scipy := _scipy(places)) is not None:
            ways.append(("scipy cKDTree", scipy, queries))
        measures += [
            Measure("nearest", f"{name}, N={size}", _median_us(_each(way, at), len(at)), "us")
            for name, way, at in ways
        ]
    return measures


def _each(way: Search, queries: Sequence[Any]) -> Callable[[], None]:
    def work() -> None:
        for lat, lon in queries:
            way(lat, lon)

    return work


def _vector(lat: float, lon: float) -> tuple[float, float, float]:
    p, q = radians(lat), radians(lon)
    return cos(p) * cos(q), cos(p) * sin(q), sin(p)


def _scipy(places: Sequence[Place[int]]) -> Search | None:
    """scipy's tree when the package happens to be there; it is no dependency."""
    try:
        spatial = import_module("scipy.spatial")
    except ImportError:
        return None
    tree = spatial.cKDTree([_vector(p.lat, p.lon) for p in places])
    return lambda lat, lon: tree.query(_vector(lat, lon), NEAREST)


def durable(settings: Settings) -> list[Measure]:
    """Whole steps a second: update stored, handled in its transaction, answer stored and sent."""
    return asyncio.run(_durable(settings))


async def _durable(settings: Settings) -> list[Measure]:
    with tempfile.TemporaryDirectory(prefix="suda-bench-") as folder:
        own = settings.model_copy(
            update={
                "data_dir": Path(folder),
                "database_url": f"sqlite:///{folder}/bench.db",
                "key_file": Path(folder, "keyring.json"),
            }
        )
        async with app.open_house(own, demo=True) as house:
            numbers = count(1)
            sent = 0

            async def handle(session: AsyncSession, payload: Mapping[str, Any]) -> None:
                heard = read(Update.de_json(dict(payload), None))
                if heard is not None:
                    await hear(session, house.tables, heard)

            async def swallow(_to: str, _message: Message, ids: Sequence[Any] | None) -> list[Any]:
                nonlocal sent
                sent += 1
                return list(ids or [next(numbers)])

            worker = Worker(house.db, house.clock, handle)
            deliverer = Deliverer(
                house.db,
                house.clock,
                {"tg": swallow},
                Limits(
                    per_second=1e6,
                    chat_per_second=1e6,
                    chat_burst=1_000,
                    group_per_minute=1e6,
                    paced=frozenset(),
                ),
            )
            drains = (worker.drain_once, deliverer.drain_once)
            rates = []
            for turn in range(ROUNDS + 1):
                chats = range(turn * CHATS + 1, (turn + 1) * CHATS + 1)
                begun = time.perf_counter()
                steps = 0
                for text in _words()["steps"]:
                    batch = [_update(next(numbers), chat, text) for chat in chats]
                    async with house.db.write() as session:
                        steps += await accept(session, "tg:1", batch, now=house.clock.now())
                    await _empty(drains)
                rates.append(steps / (time.perf_counter() - begun))
            if sent < steps:
                raise RuntimeError(f"{sent} messages for {steps} steps: some were not answered")
    return [
        Measure(
            "durable",
            f"steps through intake, handler, outbox; {CHATS} chats",
            statistics.median(rates[1:]),
            "1/s",
        )
    ]


async def _empty(drains: Sequence[Callable[[], Awaitable[int]]]) -> None:
    """Drain in turn until every one finds nothing."""
    while sum([await drain() for drain in drains]):
        pass


def _update(number: int, chat: int, text: str) -> tuple[str, int, str, dict[str, Any]]:
    person = {"id": chat, "first_name": "A", "is_bot": False}
    message = {
        "message_id": number,
        "date": 1_795_000_000,
        "chat": {"id": chat, "type": "private", "first_name": "A"},
        "from": person,
        "text": text,
    }
    return str(number), number, f"tg:{chat}", {"update_id": number, "message": message}


def notice(settings: Settings) -> list[Measure]:
    """Making a notice's copies, beside the same rows through the driver alone; claiming among them."""
    return asyncio.run(_notice(settings))


async def _notice(settings: Settings) -> list[Measure]:
    with tempfile.TemporaryDirectory(prefix="suda-bench-") as folder:
        file = Path(folder, "bench.db")
        own = settings.model_copy(
            update={
                "data_dir": Path(folder),
                "database_url": f"sqlite:///{file}",
                "key_file": Path(folder, "keyring.json"),
            }
        )
        async with app.open_house(own, demo=True) as house:
            now = house.clock.now()
            async with house.db.write() as session:
                person: dict[str, Any] = {"subscribed": True, "blocked": False, "is_admin": False}
                person |= {"consent_version": "", "created_at": now, "seen_at": now}
                people = [
                    {"id": uuid7(), "address": f"tg:{number}", **person}
                    for number in range(1, READERS + 1)
                ]
                await session.execute(insert(Account), people)
            ours, bare, claims = [], [], []
            for _ in range(ROUNDS):
                begun = time.perf_counter()
                one = await _spread(house)
                ours.append(READERS / (time.perf_counter() - begun))
                begun = time.perf_counter()
                async with house.db.write() as session:
                    await copies.claimable(session, "tg", CLAIM, now)
                claims.append((time.perf_counter() - begun) * 1000)
                bare.append(await asyncio.to_thread(_copied, file, one))
                async with house.db.write() as session:
                    await session.execute(delete(Delivery))
                    await session.execute(delete(Notice))
    return [
        Measure(
            "notice",
            f"copies made for {READERS} readers, in commits of {copies.CHUNK}",
            statistics.median(ours),
            "1/s",
        ),
        Measure(
            "notice",
            "the same rows by one INSERT ... SELECT of sqlite3 alone",
            statistics.median(bare),
            "1/s",
        ),
        Measure(
            "notice", f"claim of {CLAIM} among {READERS} copies", statistics.median(claims), "ms"
        ),
    ]


async def _spread(house: app.House) -> UUID:
    now = house.clock.now()
    async with house.db.write() as session:
        author = await session.scalar(select(Account.id).limit(1))
        one = Notice(
            author_id=author, body="", state=NoticeState.SENDING, created_at=now, sent_at=now
        )
        session.add(one)
    more = True
    while more:
        async with house.db.write() as session:
            row = await session.get_one(Notice, one.id)
            more = await copies.spread(session, row, now)
    return one.id


def _copied(file: Path, one: UUID) -> float:
    """Rows a second: the copies of a notice once more, under another notice's name."""
    rows = sqlite3.connect(file, isolation_level=None)
    try:
        rows.execute("PRAGMA synchronous=FULL")
        begun = time.perf_counter()
        rows.execute("BEGIN IMMEDIATE")
        made = rows.execute(
            "INSERT INTO delivery (notice_id, account_id, state, attempts, run_at, last_error)"
            " SELECT ?, account_id, state, attempts, run_at, last_error FROM delivery"
            " WHERE notice_id = ?",
            (uuid7().hex, one.hex),
        ).rowcount
        rows.execute("COMMIT")
        return made / (time.perf_counter() - begun)
    finally:
        rows.close()


def sandbox(_settings: Settings) -> list[Measure]:
    """Round trips with the stand-in, beside a bare server with the same client."""
    names = {
        "memory": "getUpdates + sendMessage, state in memory",
        "file": "getUpdates + sendMessage, state in a file",
        "bare": "the same two calls to a bare Starlette server",
    }
    found = stand_in.round_trips()
    return [
        Measure("sandbox", what, found[name], "1/s", stand_in.ROUNDS)
        for name, what in names.items()
    ]


BENCHES: Mapping[str, Callable[[Settings], list[Measure]]] = {
    "classify": classify,
    "nearest": nearest,
    "durable": durable,
    "notice": notice,
    "sandbox": sandbox,
}
