"""``points`` and ``nearest``: what is imported counts, what is wrong is told, half of it never."""

from __future__ import annotations

import asyncio
import csv
import json
import tracemalloc
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import app
from bot.adapters import sheets
from bot.facts.datum import bd09, gcj02, to_wgs84
from bot.route.nearest import distance_m
from bot.settings import load
from tests.integration.cli_helpers import Suda, install, process, suda

__all__ = ["suda"]

HEAD = "code,name,type,street,lat,lon,datum,hours,takes,merchants"
MALL = "M01,金桥商场联络点,mall,金桥镇,31.25,121.60,wgs84,daily 10:00-21:00,预付卡、会员卡|food,金桥商场"


def table(folder: Path, *lines: str, head: str = HEAD) -> Path:
    file = folder / "points.csv"
    file.write_text("\n".join((head, *lines)), "utf-8")
    return file


def nearest(suda: Suda, *words: object) -> list[str]:
    ran = suda("nearest", *words)
    assert ran.code == 0, ran.err
    return [row["code"] for row in json.loads(ran.out)]


def test_an_imported_point_is_the_nearest_one(suda: Suda, tmp_path: Path) -> None:
    """On a machine where nothing was started yet."""
    file = table(tmp_path, MALL.replace("预付卡、会员卡", "prepaid_card"))
    assert "M01" not in nearest(suda, "--lat", 31.25, "--lon", 121.6)
    ran = suda("points", "import", file)
    assert ran.code == 0, ran.err
    assert "新增 1" in ran.out
    assert nearest(suda, "--lat", 31.25, "--lon", 121.6, "--object", "food", "-k", 1) == ["M01"]
    assert "M01" not in nearest(suda, "--lat", 31.25, "--lon", 121.6, "--object", "insurance")


def test_a_dry_run_tells_every_fate_and_changes_nothing(suda: Suda, tmp_path: Path) -> None:
    file = table(tmp_path, MALL, "M02,没有街道的,mall,不存在街道,,,,,,")
    ran = suda("points", "import", file, "--dry-run")
    assert ran.code == 1
    assert "M01　金桥商场联络点　新增" in ran.out
    assert "第 3 行　M02" in ran.out
    assert "找不到这个街道或镇：不存在街道" in ran.out
    assert "什么都没有改动" in ran.out
    assert not (tmp_path / "data").exists(), "not even a database was made"


def test_one_bad_row_and_nothing_is_written(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    assert suda("points", "import", table(tmp_path, MALL)).code == 0
    changed = MALL.replace("金桥商场联络点", "改了名的联络点")
    ran = suda("points", "import", table(tmp_path, changed, "M02,,mall,,,,,,,"))
    assert ran.code == 1
    assert "一行都没有写入" in ran.err
    again = suda("points", "import", table(tmp_path, MALL), "--json")
    assert [row["fate"] for row in json.loads(again.out)] == ["same"]


def test_a_point_is_known_by_its_code(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    assert suda("points", "import", table(tmp_path, MALL)).code == 0
    ran = suda("points", "import", table(tmp_path, "M01,新名字", head="code,name"), "--json")
    assert json.loads(ran.out)[0]["fate"] == "changed"
    assert json.loads(ran.out)[0]["changed"] == ["name"], "columns not in the file stay"
    assert nearest(suda, "--lat", 31.25, "--lon", 121.6, "-k", 1) == ["M01"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("310115103,川沙,,,,,,,,", "不是联络点"),
        ("3.10E+11,某某居委会,,,,,,,,", "缩写的数字"),
        ("M 1,某某居委会,,,,,,,,", "只能用字母"),
        (",某某居委会,,,,,,,,", "没有写编号"),
        ("M1,,,,,,,,,", "没有写名称"),
        ("M1,甲,,,31.2,,wgs84,,,", "成对"),
        ("M1,甲,,,121.6,31.2,wgs84,,,", "写反"),
        ("M1,甲,,,nan,31.2,wgs84,,,", "超出范围"),
        ("M1,甲,,,31.2,121.6,,,,", "坐标系"),
        ("M1,甲,,,,,,每天都在,,", "值班时间看不懂"),
        ("M1,甲,,,,,,,不存在的类,", "类别看不懂"),
        ("M1,甲,,,,,,,,,多出来的", "格子比列名多"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason(
    suda: Suda, tmp_path: Path, line: str, reason: str
) -> None:
    ran = suda("points", "import", table(tmp_path, line), "--dry-run")
    assert ran.code == 1
    assert reason in ran.out


def test_a_code_twice_in_a_file_is_refused(suda: Suda, tmp_path: Path) -> None:
    ran = suda("points", "import", table(tmp_path, MALL, MALL), "--dry-run")
    assert (ran.code, ran.out.count("联络点　新增"), "已经出现过" in ran.out) == (1, 1, True)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_what_is_exported_comes_back_unchanged(suda: Suda, tmp_path: Path, suffix: str) -> None:
    install(tmp_path)
    assert suda("points", "import", table(tmp_path, MALL)).code == 0
    out = tmp_path / f"all.{suffix}"
    assert suda("points", "export", out).code == 0
    ran = suda("points", "import", out, "--dry-run", "--json")
    fates = json.loads(ran.out)
    assert len(fates) == 1532
    assert [row for row in fates if row["fate"] != "same"] == []


FULL = (
    "F01,某商场联络点,商场,百佳,金桥镇,金桥路1号,31.25,121.6,gcj-02,surveyed,"
    "1-5 09:00-11:30|13:00-17:00; holiday closed,021-12345678 服务台|13900000000,普通话|上海话,"
    "food,500.50,15,M01,某商场"
)
FULL_HEAD = (
    "code,name,type,tier,street,address,lat,lon,datum,precision,hours,contacts,languages,"
    "takes,prepay,fast_return,substitute,merchants"
)


def test_every_field_of_a_point_is_kept(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    line = FULL.replace("11:30|13:00", "11:30,13:00").replace("1-5 09", '"1-5 09')
    file = table(tmp_path, line.replace("closed,", 'closed",'), head=FULL_HEAD)
    ran = suda("points", "import", file)
    assert ran.code == 0, ran.out
    assert "代办的 M01 还不在名册里" in ran.out
    assert suda("points", "export", tmp_path / "out.csv").code == 0
    rows = csv.DictReader((tmp_path / "out.csv").read_text("utf-8-sig").splitlines())
    row = next(row for row in rows if row["code"] == "F01")
    place = float(row.pop("lat")), float(row.pop("lon"))
    assert distance_m(*place, *to_wgs84(31.25, 121.6, "gcj02")) < 0.1
    assert row == {
        "code": "F01",
        "name": "某商场联络点",
        "type": "mall",
        "tier": "hundred",
        "street": "310115120",
        "address": "金桥路1号",
        "datum": "wgs84",
        "origin": "gcj02",
        "precision": "surveyed",
        "hours": "1-5 09:00-11:30,13:00-17:00; holiday closed",
        "contacts": "021-12345678 服务台|13900000000",
        "languages": "普通话|上海话",
        "takes": "food",
        "prepay": "500.50",
        "fast_return": "15",
        "substitute": "M01",
        "merchants": "某商场",
    }
    again = suda("points", "import", tmp_path / "out.csv", "--dry-run", "--json")
    assert {fate["fate"] for fate in json.loads(again.out)} == {"same"}


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("type", "飞船", "类型看不懂"),
        ("contacts", "服务台", "要有电话号码"),
        ("contacts", "|".join(f"1{n:010}" for n in range(9)), "最多写 8 个"),
        ("prepay", "很多", "先行赔付的上限看不懂"),
        ("prepay", "0", "先行赔付的上限看不懂"),
        ("prepay", "1.005", "先行赔付的上限看不懂"),
        ("prepay", "inf", "先行赔付的上限看不懂"),
        ("fast_return", "15分钟", "分钟数看不懂"),
        ("substitute", "M1", "不能由自己代办"),
        ("hours", "holiday closed", "值班时间看不懂"),
    ],
)
def test_a_bad_field_is_refused_with_its_reason(
    suda: Suda, tmp_path: Path, column: str, cell: str, reason: str
) -> None:
    file = table(tmp_path, f"M1,甲,{cell}", head=f"code,name,{column}")
    ran = suda("points", "import", file, "--dry-run")
    assert ran.code == 1
    assert reason in ran.out


def test_barracks_are_never_shown(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    assert suda("points", "import", table(tmp_path, MALL.replace("mall", "军营"))).code == 0
    for more in ((), ("--all",)):
        assert "M01" not in nearest(suda, "--lat", 31.25, "--lon", 121.6, "-k", 3, *more)


def test_a_running_bot_learns_of_imported_points(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    settings = load(env_file=None, data_dir=tmp_path / "data")

    async def go() -> None:
        async with app.open_house(settings, demo=False) as house:
            network, before = house.tables.network, house.tables.register
            assert network.register.get("M01") is None
            other = asyncio.to_thread(
                process, tmp_path, "points", "import", str(table(tmp_path, MALL))
            )
            assert (await other).code == 0
            await network.refresh(house.db)
            desk = house.tables.register.get("M01")
            assert desk is not None
            assert desk.name == "金桥商场联络点"
            now = house.tables.register
            await network.refresh(house.db)
            assert house.tables.register is now is not before, "loaded only when it changed"

    asyncio.run(go())


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_table_is_read_row_by_row(tmp_path: Path, suffix: str) -> None:
    """Of 6,000 rows no more than a little is in memory at a time."""
    file = tmp_path / f"long.{suffix}"
    sheets.write(file, ["code", "name"], ((f"P{n}", f"第{n}个联络点") for n in range(6_000)))
    next(iter(sheets.stream(file)[1]))  # the reader itself is imported here, and does not count
    tracemalloc.start()
    try:
        _, lines = sheets.stream(file)
        count = sum(1 for _ in lines)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 6_000
    assert peak < 1_800_000, "the rows as lists and dicts take more"


def test_no_cell_is_a_formula(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    file = tmp_path / "in.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows(
            [("code", "name", "address"), ("M1", "=1+1", "+86"), ("M2", "@SUM(A1)", "-2")]
        )
    assert suda("points", "import", file).code == 0
    for suffix in ("csv", "xlsx"):
        assert suda("points", "export", tmp_path / f"out.{suffix}").code == 0
    lines = (tmp_path / "out.csv").read_text("utf-8-sig").splitlines()
    rows = {row[0]: row for row in csv.reader(lines)}
    assert rows["M1"][1] == "'=1+1"
    assert rows["M2"][1] == "'@SUM(A1)"
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").active
    assert sheet is not None
    cells = {row[0].value: row[1] for row in sheet.iter_rows()}
    assert (cells["M1"].value, cells["M1"].data_type) == ("=1+1", "s")
    back = suda("points", "import", tmp_path / "out.csv", "--dry-run", "--json")
    assert {row["fate"] for row in json.loads(back.out)} == {"same"}


def test_spreadsheets_as_they_come(suda: Suda, tmp_path: Path) -> None:
    """GB 18030, codes as numbers, empty rows."""
    install(tmp_path)
    file = table(tmp_path, "", MALL, "")
    file.write_bytes(file.read_text("utf-8").encode("gb18030"))
    assert "金桥商场联络点" in suda("points", "import", file, "--dry-run").out
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in ([*HEAD.split(",")], [310115999001, "新居委会", "committee", 310115103]):
        book.active.append(row)
    book.save(tmp_path / "in.xlsx")
    assert suda("points", "import", tmp_path / "in.xlsx").code == 0
    ran = suda("nearest", "--address", "川沙新镇新居委会", "-k", 1)
    assert [row["code"] for row in json.loads(ran.out)] == ["310115999001"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "空的"),
        (b"code,name,colour\n", "不认识的列：colour"),
        (b"name\nx\n", "至少要有"),
        (b"code,name,code\n", "列名重复"),
        (b"\xff\xfe\x00\x01", "不是表格"),
        (b"PK\x03\x04broken", "不是表格"),
        (b'code,name\n"M1,x\n', "引号没有成对"),
    ],
)
def test_what_is_no_list_of_points_is_told_in_one_line(
    suda: Suda, tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "points.csv"
    file.write_bytes(content)
    ran = suda("points", "import", file)
    assert ran.code == 1
    assert words in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_missing_file_is_told(suda: Suda, tmp_path: Path) -> None:
    ran = suda("points", "import", tmp_path / "none.csv")
    assert (ran.code, "none.csv" in ran.err) == (1, True)
    assert suda("points", "export", tmp_path / "out.txt").code == 1


@given(st.floats(30.6, 31.6), st.floats(121.0, 122.2))
def test_maps_of_china_lead_back_to_the_place(lat: float, lon: float) -> None:
    as_gcj = gcj02(lat, lon)
    assert 300 < distance_m(lat, lon, *as_gcj) < 700, "a shift that a person would notice"
    assert distance_m(lat, lon, *to_wgs84(*as_gcj, "gcj02")) < 0.01
    assert distance_m(lat, lon, *to_wgs84(*bd09(*as_gcj), "bd09")) < 0.01


def test_the_shift_is_the_one_that_maps_use() -> None:
    """A place in Shanghai whose GCJ-02 coordinates are public."""
    assert distance_m(*gcj02(31.1774276, 121.5272106), 31.17530398, 121.53154186) < 0.5


def test_imported_places_are_turned_into_wgs84(suda: Suda, tmp_path: Path) -> None:
    install(tmp_path)
    lat, lon = gcj02(31.25, 121.6)
    line = f"M01,商场,mall,金桥镇,{lat},{lon},GCJ-02,,,"
    assert suda("points", "import", table(tmp_path, line)).code == 0
    found = json.loads(suda("nearest", "--lat", 31.25, "--lon", 121.6, "-k", 1).out)
    assert found[0]["code"] == "M01"
    assert found[0]["distance_m"] < 1


@given(st.lists(st.text(st.characters(exclude_categories=("Cs", "Cc"))), min_size=1, max_size=4))
def test_texts_survive_a_csv(tmp_path_factory: pytest.TempPathFactory, cells: list[str]) -> None:
    file = tmp_path_factory.mktemp("csv") / "t.csv"
    wanted = [" ".join(cell.split()) for cell in cells]
    if not any(wanted) or any(cell.startswith("'") for cell in wanted):
        return
    sheets.write(file, [f"h{n}" for n in range(len(wanted))], [wanted])
    read = sheets.read(file).lines[0].cells
    assert [read[f"h{n}"] for n in range(len(wanted))] == wanted
