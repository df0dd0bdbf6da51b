"""Geocoders against a server of their own: answers read, places converted, failures borne, asked once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from bot.adapters.geocode import Amap, Nominatim, build
from bot.app import open_house
from bot.facts.datum import gcj02
from bot.ports import Geocoder, Incoming
from bot.services import accounts
from bot.services.consumer import drafts, locate
from bot.services.consumer.drafts import by_token
from bot.settings import SettingsError, load
from models.case import CaseKind
from models.lifecycle import CaseStatus

MALL = (31.2370, 121.4990)


@contextmanager
def server(status: int, body: object) -> Iterator[tuple[str, list[str]]]:
    """Answers everything alike and keeps the questions."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}", asked
        http.shutdown()
        thread.join()


def amap_answer() -> dict[str, object]:
    lat, lon = gcj02(*MALL)
    return {"status": "1", "geocodes": [{"location": f"{lon:.6f},{lat:.6f}"}]}


async def test_amap_is_asked_once_and_its_place_is_converted() -> None:
    with server(200, amap_answer()) as (url, asked):
        amap = Amap(url, "secret", "上海", 2)
        found = await amap.find("陆家嘴西路168号")
        assert found == pytest.approx(MALL, abs=2e-6)
        assert await amap.find("陆家嘴西路168号") == found
        await amap.close()
    assert len(asked) == 1
    query = parse_qs(urlsplit(asked[0]).query)
    assert query == {"address": ["陆家嘴西路168号"], "city": ["上海"], "key": ["secret"]}


async def test_nominatim_answers_in_wgs84_and_the_unknown_is_remembered() -> None:
    with server(200, [{"lat": "31.2370", "lon": "121.4990"}]) as (url, _):
        found = Nominatim(url, 2)
        assert await found.find("正大广场") == MALL
        await found.close()
    with server(200, []) as (url, asked):
        unknown = Nominatim(url, 2)
        assert await unknown.find("老地方") is None
        assert await unknown.find("老地方") is None
        await unknown.close()
        assert len(asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, "down"),
        (200, "no json"),
        (200, {"status": "0", "info": "INVALID_USER_KEY"}),
        (200, {"status": "1", "geocodes": [{"location": "nowhere"}]}),
    ],
)
async def test_a_failing_service_is_nothing_found_and_is_asked_again(
    status: int, body: object
) -> None:
    with server(status, body) as (url, asked):
        amap = Amap(url, "secret", "", 2)
        assert await amap.find("某路1号") is None
        assert await amap.find("某路1号") is None
        await amap.close()
    assert len(asked) == 2


async def test_a_service_that_is_not_there_is_borne() -> None:
    with server(200, []) as (url, _):
        pass
    gone = Nominatim(url, 0.5)
    assert await gone.find("某路1号") is None
    await gone.close()


def test_it_is_off_unless_named_and_amap_wants_its_key(tmp_path: Path) -> None:
    assert build(load(env_file=None, data_dir=tmp_path)) is None
    with pytest.raises(SettingsError, match="GEOCODER_KEY"):
        load(env_file=None, data_dir=tmp_path, geocoder="amap")


@pytest.mark.parametrize(
    "url",
    [
        "http://geo.example.com",
        "https://localhost",
        "https://LOCALHOST/",
        "https://localhost.",
        "https://geo.localhost/x",
        "https://db.internal:8443",
        "https://printer.local",
        "https://127.0.0.1",
        "https://127.1",
        "https://2130706433",
        "https://0x7f000001",
        "https://0x7f.0.0.1",
        "https://0177.0.0.1",
        "https://0",
        "https://[::1]",
        "https://[::ffff:127.0.0.1]",
        "https://[64:ff9b::7f00:1]",
        "https://10.0.0.8/geo",
        "https://192.168.1.1",
        "https://169.254.169.254/latest/meta-data",
        "https://１２７.0.0.1",
        "https://①②⑦.⓪.⓪.①",
        "https://geo.example.com@127.0.0.1",
        "https://geo.example.com:443@127.0.0.1/",
        "https://127.0.0.1#.example.com",
        "https://127.0.0.1\\.example.com",
        "https://geo.example.com/?to=http://127.0.0.1",
        "https://geo.example.com\n.localhost",
        "file:///etc/passwd",
        "gopher://geo.example.com",
    ],
)
def test_no_spelling_of_an_inner_address_is_taken(tmp_path: Path, url: str) -> None:
    with pytest.raises(SettingsError, match="GEOCODER_URL"):
        load(env_file=None, data_dir=tmp_path, geocoder="nominatim", geocoder_url=url)


@pytest.mark.parametrize(
    "url", ["", "https://geo.example.com", "https://geo-2.example.com.cn:8443/search/"]
)
def test_a_public_host_is_taken(tmp_path: Path, url: str) -> None:
    kept = load(env_file=None, data_dir=tmp_path, geocoder="nominatim", geocoder_url=url)
    assert kept.geocoder_url == url.rstrip("/")


class Known:
    """A geocoder that knows one place."""

    async def find(self, address: str) -> tuple[float, float] | None:
        return MALL if address == "滨江大道1号" else None

    async def close(self) -> None:
        pass


async def test_an_address_that_nobody_knew_goes_on_once_it_is_found(tmp_path: Path) -> None:
    geocoder: Geocoder = Known()
    settings = load(env_file=None, data_dir=tmp_path, geocoder="nominatim")
    async with open_house(settings, demo=True) as house:
        tables = house.tables
        heard = Incoming("k", "term:consumer:王", "term:consumer:王", "王", house.clock.now())
        async with house.db.write() as session:
            owner = await accounts.meet(session, tables, heard)
            case = await drafts.begin(session, tables, owner, CaseKind.CONSULT)
            case.answers = {
                "where": {"v": {"mode": "address", "text": "滨江大道1号"}, "by": "person"}
            }
            case.object = "food"
            await session.flush()
            token = case.token
            case.number, case.filed_at = "PD1", house.clock.now()
            case.status = CaseStatus.TRIAGE
            await locate.owe(session, tables, case)
        finish = await locate.locator(tables, geocoder)({"case": token, "text": "滨江大道1号"})
        assert finish is not None
        async with house.db.write() as session:
            await finish(session)
        async with house.db.write() as session:
            found = await by_token(session, token)
            assert found is not None
            assert found.status is CaseStatus.WAITING
            assert found.meant_code == "310115005"
            await finish(session)
            assert len(found.events) == 1, "found twice, moved once"
        assert await locate.locator(tables, geocoder)({"case": token, "text": "老地方"}) is None
