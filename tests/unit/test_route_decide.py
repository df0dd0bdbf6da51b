"""Where a matter goes: the merchant's place, the right authority, and never a false promise."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.classify.taxonomy import codes
from bot.law.book import load as load_law
from bot.route.decide import Dispute, Route, Where, by_name, decide, may_have, nearest_json
from bot.route.nearest import distance_m
from bot.route.region import load_region
from bot.route.register import Desk, Register
from bot.texts.catalogue import load as load_texts

LAW = load_law()
SEED = load_region("pudong").desks
POINT, STREET, BUREAU = "310115004001", "310115004", "310115"  # 潍坊一村居委会, 潍坊新村街道
LUJIAZUI, LINGANG = "310115005", "310115145"
HOME = Where("committee", committee_code=POINT)
AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)

MALL = Desk(
    "M1", "正大广场联络点", "point", LUJIAZUI, type="mall", lat=31.2370, lon=121.4990,
    precision="surveyed", hours="daily 10:00-22:00", staffed=True, merchants=("正大广场",),
    street_code=LUJIAZUI,
)  # fmt: skip
SHOES = Desk(
    "M2", "鞋城联络点", "point", LUJIAZUI, lat=31.2371, lon=121.4991, precision="address",
    takes=frozenset({"apparel"}), staffed=True, street_code=LUJIAZUI,
)  # fmt: skip
EMPTY = Desk(
    "M3", "无人联络点", "point", LUJIAZUI, lat=31.2372, lon=121.4992, precision="surveyed",
    street_code=LUJIAZUI,
)  # fmt: skip
BY_THE_MALL = Where("pin", 31.2371, 121.4991)


ABOVE = [desk for desk in SEED if desk.level != "point"]


def network(*staffed: str, extra: tuple[Desk, ...] = ()) -> Register:
    seeded = Register(SEED).with_staff(frozenset(staffed))
    return Register([*seeded, *extra])


NOBODY = network()
STAFFED = network(STREET, LUJIAZUI, BUREAU, extra=(MALL, SHOES, EMPTY))


def told(route: Route) -> str:
    return "\n".join(load_texts().plain(reason) for reason in route.because)


# --- the merchant's place --------------------------------------------------------------------


def test_a_committee_named_in_the_address_wins() -> None:
    where = Where("address", 31.0, 121.8, street_code=LINGANG, committee_code=POINT)
    route = decide(Dispute("food", where=where), STAFFED, LAW)
    assert (route.desk_code, route.via, route.role) == (POINT, "committee", "dispute")
    assert route.door is None
    assert "潍坊一村居委会" in told(route)


def test_the_merchants_place_decides_not_the_persons_home() -> None:
    where = Where("street", street_code=LINGANG)
    route = decide(Dispute("food", where=where, home=HOME), STAFFED, LAW)
    assert route.desk_code == LINGANG
    assert "商家所在的地方" in told(route)
    same = decide(
        Dispute("food", where=Where("street", street_code=STREET), home=HOME), STAFFED, LAW
    )
    assert "商家所在的地方" not in told(same), "said only where it makes a difference"


def test_a_known_street_gets_the_case_and_no_committee_is_guessed() -> None:
    route = decide(Dispute("food", where=Where("street", street_code=STREET)), STAFFED, LAW)
    assert (route.desk_code, route.via) == (STREET, "street")
    assert route.held_by == STREET
    assert route.others == ()


def test_a_zone_is_its_streets_matter() -> None:
    where = Where("street", street_code="310115401")
    assert decide(Dispute("food", where=where), STAFFED, LAW).desk_code == LINGANG


# --- pins ------------------------------------------------------------------------------------


def test_a_pin_finds_the_nearest_point_that_takes_the_matter() -> None:
    shoes = decide(Dispute("apparel", where=BY_THE_MALL), STAFFED, LAW)
    assert (shoes.desk_code, shoes.via) == ("M2", "nearest")
    food = decide(Dispute("food", where=BY_THE_MALL), STAFFED, LAW)
    assert food.desk_code == "M1"
    assert "米" in told(food)
    assert LUJIAZUI in food.others


def test_a_point_without_staff_is_passed_over_for_one_with_staff() -> None:
    where = Where("pin", EMPTY.lat, EMPTY.lon)
    assert decide(Dispute("food", where=where), STAFFED, LAW).desk_code == "M1"


def test_a_near_point_without_staff_is_held_by_its_street() -> None:
    register = network(LUJIAZUI, extra=(EMPTY,))
    route = decide(Dispute("food", where=Where("pin", EMPTY.lat, EMPTY.lon)), register, LAW)
    assert (route.desk_code, route.held_by) == ("M3", LUJIAZUI)
    assert "先由陆家嘴街道接" in told(route)


def test_a_pin_far_from_any_known_point_names_three_streets_and_no_distance() -> None:
    route = decide(Dispute("food", where=Where("pin", 31.2269, 121.5201)), NOBODY, LAW)
    assert (route.desk_code, route.via) == (STREET, "street")
    assert len(route.others) == 2
    for code in (STREET, *route.others):
        desk = NOBODY.get(code)
        assert desk is not None
        assert desk.level == "street"
        assert desk.name in told(route)
    assert "米" not in told(route)


def test_a_pin_in_another_city_is_told_so_and_gets_a_number() -> None:
    route = decide(Dispute("food", where=Where("pin", 39.9, 116.4)), STAFFED, LAW)
    assert route.desk_code is None
    assert route.door is not None
    assert route.door.number == "12315"
    assert "不在我们这个区" in told(route)


@pytest.mark.parametrize("lat", [float("nan"), float("inf"), 91.0, -1000.0])
def test_a_pin_off_the_globe_is_no_pin(lat: float) -> None:
    assert decide(Dispute("food", where=Where("pin", lat, 121.5)), STAFFED, LAW).via == "triage"


# --- no place --------------------------------------------------------------------------------


def test_bought_online_without_an_address_gets_the_packet_and_home_advises() -> None:
    route = decide(Dispute("apparel", where=Where("online", text="某宝"), home=HOME), STAFFED, LAW)
    assert route.door is not None
    assert route.door.number == "12315"
    assert route.door.bring
    assert (route.desk_code, route.via, route.role) == (POINT, "home", "advice")
    assert route.held_by == STREET
    assert "平台所在地" in told(route)


def test_bought_online_from_a_shop_with_an_address_goes_there() -> None:
    where = Where("online", street_code=LINGANG)
    route = decide(Dispute("apparel", where=where, home=HOME), STAFFED, LAW)
    assert (route.desk_code, route.role, route.door) == (LINGANG, "dispute", None)


def test_a_pin_says_nothing_about_a_shop_that_is_only_online() -> None:
    where = Where("online", 31.2371, 121.4991)
    route = decide(Dispute("apparel", where=where, home=HOME), STAFFED, LAW)
    assert (route.desk_code, route.via) == (POINT, "home")


def test_the_channel_says_online_when_nobody_asked() -> None:
    route = decide(Dispute("apparel", channel="live_stream", home=HOME), STAFFED, LAW)
    assert route.door is not None
    assert "平台所在地" in told(route)


def test_a_tips_group_has_no_place_so_the_authority_is_named_and_home_advises() -> None:
    route = decide(Dispute("advisory", where=Where("none"), home=HOME), STAFFED, LAW)
    assert route.door is not None
    assert route.door.number == "12386"
    assert (route.desk_code, route.via, route.role) == (POINT, "home", "advice")
    assert "联络点可以帮您" in told(route)


def test_an_address_nobody_understands_is_looked_at_by_a_person() -> None:
    route = decide(Dispute("food", where=Where("address", text="老地方")), STAFFED, LAW)
    assert (route.desk_code, route.via, route.held_by) == (None, "triage", None)
    assert "老地方" in told(route)


def test_nothing_known_is_triage() -> None:
    route = decide(Dispute("food"), NOBODY, LAW)
    assert (route.desk_code, route.via) == (None, "triage")
    assert "管理员" in told(route)


# --- other authorities -----------------------------------------------------------------------


def test_another_authoritys_matter_names_its_door_even_when_the_place_is_known() -> None:
    where = Where("street", street_code=LINGANG)
    route = decide(Dispute("insurance", where=where, home=HOME), STAFFED, LAW)
    assert route.door is not None
    assert route.door.number == "12378"
    assert "保险公司" in route.door.prerequisite
    assert (route.desk_code, route.role) == (POINT, "advice")


def test_fraud_names_the_police_first_and_comforts() -> None:
    route = decide(Dispute("food", ("fake_service",), where=HOME, home=HOME), STAFFED, LAW)
    assert route.door is not None
    assert route.door.number == "110"
    assert route.role == "advice"
    assert "不怪您" in told(route)


def test_out_of_scope_is_shown_a_door_never_a_closed_one() -> None:
    route = decide(Dispute("out_of_scope", home=HOME), STAFFED, LAW)
    assert route.door is not None
    assert route.door.number == "12345"
    assert "12348" in told(route)
    assert route.desk_code == POINT


def test_a_consultation_goes_to_the_own_committee() -> None:
    where = Where("street", street_code=LINGANG)
    route = decide(Dispute("food", kind="consult", where=where, home=HOME), STAFFED, LAW)
    assert (route.desk_code, route.role, route.door) == (POINT, "advice", None)


def test_a_clue_passes_by_the_points_to_the_bureau() -> None:
    where = Where("committee", committee_code=POINT)
    route = decide(Dispute("food", kind="clue", where=where, home=HOME), STAFFED, LAW)
    assert (route.desk_code, route.via, route.held_by) == (BUREAU, "bureau", BUREAU)
    assert "不会告诉商家" in told(route)
    assert decide(Dispute("food", kind="clue", where=where), NOBODY, LAW).held_by is None


# --- honesty and fairness --------------------------------------------------------------------


def test_a_point_never_judges_its_own_house() -> None:
    where = Where("address", committee_code="M1")
    route = decide(Dispute("food", where=where, merchant="正大广场 3 楼美食"), STAFFED, LAW)
    assert route.desk_code == LUJIAZUI
    assert "为了公平" in told(route)
    assert "M1" not in route.others
    by_pin = decide(Dispute("food", where=BY_THE_MALL, merchant="正大广场"), STAFFED, LAW)
    assert by_pin.desk_code != "M1"
    assert "M1" not in by_pin.others
    other_shop = decide(Dispute("food", where=where, merchant="隔壁面馆"), STAFFED, LAW)
    assert other_shop.desk_code == "M1"


def test_a_point_that_does_not_take_the_matter_gives_way_to_its_street() -> None:
    route = decide(Dispute("food", where=Where("address", committee_code="M2")), STAFFED, LAW)
    assert route.desk_code == LUJIAZUI
    assert "不办这一类事" in told(route)


def test_a_point_without_staff_is_never_said_to_have_the_case() -> None:
    route = decide(Dispute("food", where=HOME), NOBODY, LAW)
    assert (route.desk_code, route.held_by) == (POINT, None)
    assert "还没有值班人员" in told(route)


def test_off_duty_is_said() -> None:
    night = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
    shut = decide(Dispute("food", where=BY_THE_MALL, at=night), STAFFED, LAW)
    assert "11月24日10:00上班后会看到" in told(shut)
    open_ = decide(Dispute("food", where=BY_THE_MALL, at=AT), STAFFED, LAW)
    assert "上班后" not in told(open_)


# --- given back, full, chosen ------------------------------------------------------------------


def test_a_desk_that_gave_it_back_is_not_asked_again() -> None:
    register = network(STREET, LUJIAZUI, BUREAU, extra=(MALL,))
    first = decide(Dispute("food", where=BY_THE_MALL), register, LAW)
    assert first.held_by == "M1"
    second = decide(Dispute("food", where=BY_THE_MALL, avoid=frozenset({"M1"})), register, LAW)
    assert second.held_by == LUJIAZUI
    both = frozenset({"M1", LUJIAZUI})
    third = decide(Dispute("food", where=BY_THE_MALL, avoid=both), register, LAW)
    assert third.held_by is not None
    assert third.held_by not in both


def test_a_street_that_gave_it_back_passes_it_up_and_then_to_triage() -> None:
    where = Where("street", street_code=STREET)
    up = decide(Dispute("food", where=where, avoid=frozenset({STREET})), STAFFED, LAW)
    assert (up.desk_code, up.held_by) == (BUREAU, BUREAU)
    assert "退回过" in told(up)
    last = decide(Dispute("food", where=where, avoid=frozenset({STREET, BUREAU})), STAFFED, LAW)
    assert last.held_by is None
    # A street that only stood in for its committee does not get it back through the committee.
    stood_in = decide(Dispute("food", where=HOME, avoid=frozenset({STREET})), STAFFED, LAW)
    assert (stood_in.desk_code, stood_in.held_by) == (POINT, None)


def test_a_full_point_gives_way_and_the_person_is_told_why() -> None:
    where = Where("address", committee_code="M1")
    full = decide(Dispute("food", where=where, full=frozenset({"M1"})), STAFFED, LAW)
    assert full.desk_code == LUJIAZUI
    assert "排满" in told(full)
    by_pin = decide(Dispute("food", where=BY_THE_MALL, full=frozenset({"M1"})), STAFFED, LAW)
    assert "M1" not in (by_pin.desk_code, *by_pin.others)


def test_what_may_be_chosen_is_offered_or_a_point_of_the_same_street() -> None:
    dispute = Dispute("food", where=Where("street", street_code=LUJIAZUI))
    route = decide(dispute, STAFFED, LAW)
    assert (route.desk_code, route.others) == (LUJIAZUI, ("M1",))
    names = by_name(dispute, STAFFED, route)
    assert names
    assert {desk.street_code for desk in names} == {LUJIAZUI}
    assert may_have(dispute, STAFFED, names[0].code, route)
    assert not may_have(dispute, STAFFED, POINT, route), "another street's committee"
    assert not may_have(dispute, STAFFED, "M2", route), "it takes shoes only"
    assert not may_have(dispute, STAFFED, BUREAU, route)
    own = Dispute("food", where=dispute.where, merchant="正大广场")
    assert not may_have(own, STAFFED, "M1", decide(own, STAFFED, LAW))


def test_a_platforms_seat_is_named_and_one_in_the_district_is_ours() -> None:
    online = Dispute("apparel", where=Where("online"), platform="某平台", home=HOME)
    away = decide(replace(online, seat="浙江省杭州市"), STAFFED, LAW)
    assert away.door is not None
    assert (away.door.number, away.role) == ("12315", "advice")
    assert "某平台" in told(away)
    assert "浙江省杭州市" in told(away)
    assert "待核对" in told(away)
    here = decide(replace(online, seat="上海市浦东新区"), STAFFED, LAW)
    assert (here.desk_code, here.role, here.door) == (BUREAU, "dispute", None)


@given(
    st.lists(
        st.tuples(st.floats(31.2, 31.25), st.floats(121.48, 121.53), st.booleans(), st.booleans()),
        max_size=40,
    ),
    st.floats(31.2, 31.25),
    st.floats(121.48, 121.53),
)
def test_a_pin_goes_to_the_nearest_eligible_staffed_point_there_is(
    spots: list[tuple[float, float, bool, bool]], lat: float, lon: float
) -> None:
    points = tuple(
        Desk(
            f"P{n:02}", f"{n}号", "point", LUJIAZUI, lat=at, lon=on, precision="surveyed",
            takes=frozenset({"food"} if food else {"apparel"}), staffed=staffed,
            street_code=LUJIAZUI,
        )
        for n, (at, on, food, staffed) in enumerate(spots)
    )  # fmt: skip
    route = decide(Dispute("food", where=Where("pin", lat, lon)), Register([*ABOVE, *points]), LAW)
    near = sorted(
        (not p.staffed, metres, p.code)
        for p in points
        if p.handles("food")
        and p.lat is not None
        and p.lon is not None
        and (metres := distance_m(lat, lon, p.lat, p.lon)) <= 1500
    )
    assert route.desk_code == (near[0][2] if near else route.desk_code)
    assert (route.via == "nearest") is bool(near)


def test_an_empty_register_still_answers() -> None:
    for kind in ("complaint", "clue", "consult"):
        route = decide(Dispute("food", where=HOME, home=HOME, kind=kind), Register([]), LAW)  # type: ignore[arg-type]
        assert (route.desk_code, route.via) == (None, "triage")


DESK_CODES = st.sampled_from(
    [
        None,
        "",
        POINT,
        STREET,
        LUJIAZUI,
        LINGANG,
        BUREAU,
        "310115401",
        "M1",
        "M2",
        "M3",
        "PDE02",
        "999",
        "东南居委会",
    ]
)
PLACES = st.builds(
    Where,
    mode=st.sampled_from(["pin", "street", "committee", "address", "online", "none", "unknown"]),
    lat=st.none() | st.floats(30.5, 31.6) | st.floats(),
    lon=st.none() | st.floats(121.0, 122.2) | st.floats(),
    street_code=DESK_CODES,
    committee_code=DESK_CODES,
    text=st.sampled_from(["", "淘宝", "张江那边", "<b>{x}</b>"]),
)
DISPUTES = st.builds(
    Dispute,
    object=st.sampled_from([*codes(), "no_such_code", ""]),
    fraud_kinds=st.lists(st.sampled_from([*LAW.by_fraud, "new_kind"]), max_size=3).map(tuple),
    channel=st.sampled_from(["", "shop", "platform", "live_stream", "social_group", "phone"]),
    where=PLACES,
    kind=st.sampled_from(["complaint", "clue", "consult"]),
    home=st.none() | PLACES,
    at=st.none() | st.just(AT),
    merchant=st.sampled_from(["", "正大广场", "迪士尼", "上海野生动物园"]),
)


@given(DISPUTES, st.sampled_from([NOBODY, STAFFED, STAFFED.with_staff(None), Register([])]))
def test_whatever_is_known_there_is_a_route_with_reasons(
    dispute: Dispute, register: Register
) -> None:
    route = decide(dispute, register, LAW)
    assert route.because
    words = told(route)
    assert "受理" not in words
    assert "{" not in words.replace("{x}", "")
    assert (route.desk_code is None) == (route.via == "triage")
    for code in (route.desk_code, route.held_by, *route.others):
        assert code is None or register.get(code) is not None
    if route.held_by is not None:
        holder = register.get(route.held_by)
        assert holder is not None
        assert holder.staffed
        assert route.held_by in (
            route.desk_code,
            getattr(register.street_of(route.desk_code), "code", ""),
        )
    for code in (route.desk_code, *route.others):
        desk = register.get(code)
        assert desk is None or not dispute.merchant or dispute.merchant not in desk.merchants
    if dispute.fraud_kinds and dispute.kind != "clue":
        assert route.door is not None
        assert route.door.number == "110"
    if LAW.doors(dispute.object, dispute.fraud_kinds).liaison == "advice":
        assert route.door is not None
        assert route.role == "advice" or dispute.kind == "clue"


# --- the command's list ----------------------------------------------------------------------


def test_the_list_names_eligible_points_nearest_first() -> None:
    rows = nearest_json(STAFFED, 31.2371, 121.4991, 3, AT, "food")
    assert [row["code"] for row in rows] == ["M3", "M1"]
    assert rows[1]["distance_m"] == pytest.approx(
        distance_m(31.2371, 121.4991, 31.2370, 121.4990), abs=0.1
    )
    assert rows[0]["open_now"] is None
    assert rows[1]["open_now"] is True
    assert set(rows[0]) == {
        "code", "name", "type", "tier", "lat", "lon", "precision", "distance_m", "open_now", "because",
    }  # fmt: skip


def test_all_points_are_listed_when_asked() -> None:
    rows = nearest_json(STAFFED, 31.2371, 121.4991, 2000, AT, "food", all_=True)
    assert len(rows) == 1526 + 3
    assert rows[0]["code"] == "M2"
    assert [r["distance_m"] for r in rows] == sorted(r["distance_m"] for r in rows)
    assert "不办这类事" in rows[0]["because"]


def test_without_known_points_streets_stand_in_and_no_committee_is_singled_out() -> None:
    rows = nearest_json(NOBODY, 31.226, 121.52)
    assert [row["type"] for row in rows] == ["street"] * 3
    assert rows[0]["code"] == STREET
    assert {row["precision"] for row in rows} == {"street_centre"}


def test_a_desk_that_was_chosen_is_said_to_be_chosen() -> None:
    where = Where("address", street_code=STREET, chosen=True)
    route = decide(Dispute(object="apparel", where=where), STAFFED, LAW)
    assert route.because[0].key == "route.chosen"


def test_while_no_desk_is_known_any_street_may_be_chosen() -> None:
    lost = Dispute(object="apparel", where=Where("address", text="老菜场对面"))
    route = decide(lost, STAFFED, LAW)
    assert route.via == "triage"
    assert may_have(lost, STAFFED, STREET, route)
    assert not may_have(lost, STAFFED, "310115004001", route)
    known = replace(lost, where=Where("address", street_code="310115125"))
    assert not may_have(known, STAFFED, STREET, decide(known, STAFFED, LAW))


def test_the_merchants_own_point_is_left_out_and_named() -> None:
    mall = Desk(
        "MALL", "大宏商场联络点", "point", STREET, type="mall", street_code=STREET, merchants=("大宏商场",)
    )  # fmt: skip
    register = Register([*SEED, mall]).with_staff(None)
    street = Where("address", street_code=STREET)
    dispute = Dispute(object="apparel", where=street, merchant="大宏商场")
    reasons = {reason.key: reason.args for reason in decide(dispute, register, LAW).because}
    assert reasons["route.left_out"] == {"desks": ["大宏商场联络点"]}
    other = replace(dispute, merchant="别家鞋店")
    keys = [reason.key for reason in decide(other, register, LAW).because]
    assert "route.left_out" not in keys
