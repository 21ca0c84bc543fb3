"""What a CPO pushes about its stations, and what it gets back."""

from tests.ocpi.people import Cpo, documents, evse, location, value, values

PATH = "/locations/NL/ABC/LOC1"
STATUS = "SELECT status FROM evse WHERE uid = :uid"


async def test_a_location_that_is_put_is_a_station_and_is_given_back_as_it_came(cpo: Cpo) -> None:
    body = location(evses=[evse("3256", floor_level=-1)], energy_mix={"is_green_energy": True})

    assert await cpo.says("PUT", PATH, body) == (201, 1000)
    assert await cpo.says("PUT", PATH, body) == (200, 1000)

    assert await cpo.gets(PATH) == body
    assert await cpo.gets(PATH + "/3256/1") == body["evses"][0]["connectors"][0]
    assert await values("SELECT name, city, latitude FROM station") == [("Market Square", "Utrecht", 52.09)]
    assert await documents() == {"locations NL/ABC/LOC1": ("APPLIED", None)}


async def test_ids_are_found_in_any_case_and_with_any_number_of_slashes(cpo: Cpo) -> None:
    await cpo.says("PUT", "/locations//nl/abc/LOC1/", location(evses=[evse("E::1/a")]))

    assert (await cpo.gets("/locations/NL/ABC/loc1/"))["id"] == "LOC1"
    assert (await cpo.gets("/locations/NL/ABC/LOC1/e%3A%3A1%2FA"))["uid"] == "E::1/a"


async def test_the_status_of_an_evse_moves_up_to_its_location(cpo: Cpo) -> None:
    await cpo.says("PUT", PATH, location())

    change = {"status": "CHARGING", "last_updated": "2026-06-01T12:00:00Z"}
    assert await cpo.says("PATCH", PATH + "/3256", change) == (200, 1000)

    assert await value(STATUS, uid="3256") == "CHARGING"
    kept = await cpo.gets(PATH)
    assert kept["evses"][0]["status"] == "CHARGING"
    assert kept["last_updated"] == "2026-06-01T12:00:00Z"


async def test_a_change_that_is_older_than_what_is_known_is_answered_and_ignored(cpo: Cpo) -> None:
    await cpo.says("PUT", PATH, location(evses=[evse("3256", last_updated="2026-06-01T12:00:00Z")]))

    late = {"status": "CHARGING", "last_updated": "2026-06-01T11:00:00Z"}
    assert await cpo.says("PATCH", PATH + "/3256", late) == (200, 1000)
    assert await cpo.says("PUT", PATH, location(name="Old", last_updated="2026-05-01T10:00:00Z")) == (200, 1000)

    assert await value(STATUS, uid="3256") == "AVAILABLE"
    assert await value("SELECT name FROM station") == "Market Square"
    assert (await cpo.gets(PATH))["name"] == "Market Square"


async def test_a_patch_keeps_what_it_does_not_name(cpo: Cpo) -> None:
    await cpo.says("PUT", PATH, location(evses=[evse("3256"), evse("3257")]))

    change = {"name": "Town Hall", "last_updated": "2026-06-01T12:00:00Z"}
    assert await cpo.says("PATCH", PATH, change) == (200, 1000)
    connector = {"max_amperage": 32, "last_updated": "2026-06-01T13:00:00Z"}
    assert await cpo.says("PATCH", PATH + "/3257/1", connector) == (200, 1000)

    assert await values("SELECT name, city FROM station") == [("Town Hall", "Utrecht")]
    powers = "SELECT uid, max_power_w FROM connector JOIN evse ON evse.id = connector.evse_id ORDER BY uid"
    assert await values(powers) == [("3256", 11_040), ("3257", 22_080)]
    assert (await cpo.gets(PATH))["last_updated"] == "2026-06-01T13:00:00Z"


async def test_evses_in_the_patch_of_a_location_take_nothing_away(cpo: Cpo) -> None:
    await cpo.says("PUT", PATH, location(evses=[evse("3256"), evse("3257")]))

    changed = evse("3257", status="BLOCKED", last_updated="2026-06-01T12:00:00Z")
    await cpo.says("PATCH", PATH, {"evses": [changed], "last_updated": "2026-06-01T12:00:00Z"})

    found = await values("SELECT uid, status, removed FROM evse ORDER BY uid")
    assert found == [("3256", "AVAILABLE", False), ("3257", "BLOCKED", False)]


async def test_null_in_the_patch_of_a_location_takes_nothing_away(cpo: Cpo) -> None:
    await cpo.says("PUT", PATH, location())

    change = dict.fromkeys(location()) | {"name": "Town Hall", "last_updated": "2026-06-01T12:00:00Z"}
    assert await cpo.says("PATCH", PATH, change) == (200, 1000)
    change = dict.fromkeys(evse("3256")) | {"status": "CHARGING", "last_updated": "2026-06-01T13:00:00Z"}
    assert await cpo.says("PATCH", PATH + "/3256", change) == (200, 1000)

    assert await values("SELECT name, city FROM station") == [("Town Hall", "Utrecht")]
    assert await values("SELECT uid, evse_id, status, removed FROM evse") == [
        ("3256", "NL*ABC*E3256", "CHARGING", False)
    ]
    assert await value("SELECT count(*) FROM connector WHERE NOT removed") == 1


async def test_an_evse_can_be_added_and_one_that_a_put_leaves_out_is_removed(cpo: Cpo) -> None:
    await cpo.says("PUT", PATH, location())

    assert await cpo.says("PUT", PATH + "/3257", evse("3257", last_updated="2026-06-01T12:00:00Z")) == (201, 1000)
    without = location(evses=[evse("3257")], last_updated="2026-06-01T13:00:00Z")
    assert await cpo.says("PUT", PATH, without) == (200, 1000)

    assert await values("SELECT uid, removed FROM evse ORDER BY uid") == [("3256", True), ("3257", False)]


async def test_a_part_of_something_unknown_is_not_found_so_that_the_whole_is_sent(cpo: Cpo) -> None:
    change = {"status": "CHARGING", "last_updated": "2026-06-01T12:00:00Z"}

    assert await cpo.says("PATCH", PATH + "/3256", change) == (404, 2003)
    assert await cpo.says("PUT", PATH + "/3256", evse("3256")) == (404, 2003)
    assert await cpo.says("GET", PATH) == (404, 2003)
    await cpo.says("PUT", PATH, location())
    assert await cpo.says("PATCH", PATH + "/9999", change) == (404, 2003)
    assert await values("SELECT uid FROM evse") == [("3256",)]


async def test_a_location_that_makes_no_sense_is_kept_apart_and_names_the_field(cpo: Cpo) -> None:
    answer = await cpo.send("PUT", PATH, location(coordinates={"latitude": "512.5", "longitude": "5.1"}))

    assert (answer.status_code, answer.json()["status_code"]) == (200, 2001)
    assert answer.json()["status_message"] == "coordinates: 512.5, 5.1 is no place on earth"
    assert await documents() == {
        "locations NL/ABC/LOC1": ("APART", "coordinates: 512.5, 5.1 is no place on earth"),
    }
    assert await value("SELECT count(*) FROM station") == 0
    assert await cpo.says("PUT", PATH, location(last_updated="2026-06-01T10:00:01Z")) == (200, 1000)
    assert await documents() == {"locations NL/ABC/LOC1": ("APPLIED", None)}


async def test_a_patch_that_makes_no_sense_leaves_what_is_known(cpo: Cpo) -> None:
    await cpo.says("PUT", PATH, location())

    bad = {"coordinates": "here", "last_updated": "2026-06-01T12:00:00Z"}
    assert await cpo.says("PATCH", PATH, bad) == (200, 2001)
    assert await cpo.says("PUT", PATH + "/3256", {"uid": "3256", "connectors": [5]}) == (200, 2001)

    assert await cpo.gets(PATH) == location()
    assert await documents() == {"locations NL/ABC/LOC1": ("APPLIED", None)}
    late = {"status": "CHARGING", "last_updated": "2026-06-01T11:00:00Z"}
    assert await cpo.says("PATCH", PATH + "/3256", late) == (200, 1000)
    assert await value(STATUS, uid="3256") == "CHARGING"


async def test_nothing_is_older_than_what_could_not_be_understood(cpo: Cpo) -> None:
    bad = location(coordinates={"latitude": "here"}, last_updated="2036-06-01T10:00:00Z")
    assert await cpo.says("PUT", PATH, bad) == (200, 2001)
    assert await cpo.says("PUT", PATH, location()) == (200, 1000)

    assert await documents() == {"locations NL/ABC/LOC1": ("APPLIED", None)}
    assert await value("SELECT name FROM station") == "Market Square"


async def test_body_and_path_must_name_the_same_object(cpo: Cpo) -> None:
    assert await cpo.says("PUT", PATH, location(id="LOC2")) == (200, 2001)
    assert await cpo.says("PUT", PATH, location(party_id="XYZ")) == (200, 2001)
    assert await documents() == {}


async def test_a_patch_must_say_of_when_it_is(cpo: Cpo) -> None:
    await cpo.says("PUT", PATH, location())
    assert await cpo.says("PATCH", PATH, {"name": "Town Hall"}) == (200, 2001)
    assert await value("SELECT name FROM station") == "Market Square"


async def test_another_partners_objects_are_out_of_reach(cpo: Cpo, rival: Cpo) -> None:
    await cpo.says("PUT", PATH, location())

    assert await rival.says("GET", PATH) == (404, 2001)
    assert await rival.says("PUT", PATH, location(name="Mine", last_updated="2027-01-01T00:00:00Z")) == (404, 2001)
    assert await rival.says("PATCH", PATH, {"name": "Mine", "last_updated": "2027-01-01T00:00:00Z"}) == (404, 2001)
    assert await rival.says("PUT", "/locations/NL/XYZ/LOC1", location()) == (200, 2001)
    assert await value("SELECT name FROM station") == "Market Square"
