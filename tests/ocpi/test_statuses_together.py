"""Statuses that are patched at the same moment share a transaction, and each is answered as if it came alone."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from emsp import vault
from emsp.db.engine import transaction
from emsp.ocpi.serve import plain
from tests.ocpi.people import Cpo, evse, location, value, values

PATH = "/locations/NL/ABC/LOC"
STATUSES = "SELECT e.uid, e.status FROM evse e JOIN station s ON s.id = e.station_id ORDER BY s.external_id, e.uid"


def status(word: str, minute: int, **members: Any) -> dict[str, Any]:
    return {"status": word, "last_updated": f"2026-06-01T11:{minute:02}:00Z", **members}


async def change(statement: str, **parameters: Any) -> None:
    async with transaction() as db:
        await db.execute(text(statement), parameters)


async def put_locations(cpo: Cpo, count: int) -> None:
    for number in range(count):
        told = location(id=f"LOC{number}", evses=[evse(f"{number}A"), evse(f"{number}B")])
        assert await cpo.says("PUT", f"{PATH}{number}", told) == (201, 1000)


async def test_many_at_once_and_some_of_them_wrong(cpo: Cpo) -> None:
    await put_locations(cpo, 12)
    good = [cpo.says("PATCH", f"{PATH}{number}/{number}A", status("CHARGING", number)) for number in range(12)]
    wrong = [
        cpo.says("PATCH", f"{PATH}0/nowhere", status("CHARGING", 1)),
        cpo.says("PATCH", f"{PATH}99/1A", status("CHARGING", 1)),
        cpo.says("PATCH", f"{PATH}1/1B", status("CHARGING", 1, uid="another")),
        cpo.says("PATCH", f"{PATH}2/2B", {"status": "CHARGING"}),
        cpo.says("PATCH", f"{PATH}3/3B", {"status": "CHARGING", "last_updated": "2026-06-01T09:00:00Z"}),
    ]
    answers = await asyncio.gather(*good, *wrong)

    assert answers[:12] == [(200, 1000)] * 12
    assert answers[12:] == [(404, 2003), (404, 2003), (200, 2001), (200, 2001), (200, 1000)]
    found = dict(await values(STATUSES))
    assert {uid for uid, word in found.items() if word == "CHARGING"} == {f"{number}A" for number in range(12)}
    known = await cpo.gets(f"{PATH}5")
    assert [one["status"] for one in known["evses"]] == ["CHARGING", "AVAILABLE"]
    assert known["last_updated"] == "2026-06-01T11:05:00Z"
    assert await value("SELECT count(*) FROM station_change WHERE NOT whole") < 12


async def test_of_one_charge_point_the_newest_counts_and_the_history_has_them_all(cpo: Cpo) -> None:
    await put_locations(cpo, 1)
    words = [("CHARGING", 1), ("BLOCKED", 2), ("AVAILABLE", 5), ("OUTOFORDER", 3), ("RESERVED", 6)]
    answers = await asyncio.gather(*[cpo.says("PATCH", f"{PATH}0/0a", status(*word)) for word in words])

    assert answers == [(200, 1000)] * 5
    assert await values(STATUSES) == [("0A", "RESERVED"), ("0B", "AVAILABLE")]
    ended = [word for (word,) in await values("SELECT status FROM status_change ORDER BY id")]
    assert ended == ["AVAILABLE", "CHARGING", "BLOCKED", "AVAILABLE"]
    known = await cpo.gets(f"{PATH}0")
    assert (known["evses"][0]["uid"], known["evses"][0]["status"]) == ("0A", "RESERVED")


async def test_one_that_somebody_else_writes_holds_up_nobody(cpo: Cpo) -> None:
    await put_locations(cpo, 2)
    async with transaction() as db:
        await db.execute(text("SELECT 1 FROM station WHERE external_id = 'LOC0' FOR UPDATE"))
        held_up = asyncio.create_task(cpo.says("PATCH", f"{PATH}0/0A", status("CHARGING", 1)))
        assert await cpo.says("PATCH", f"{PATH}1/1A", status("CHARGING", 1)) == (200, 1000)
        assert not held_up.done()
    assert await held_up == (200, 1000)
    assert dict(await values(STATUSES)) == {"0A": "CHARGING", "0B": "AVAILABLE", "1A": "CHARGING", "1B": "AVAILABLE"}


async def test_one_that_goes_or_comes_is_more_than_a_status(cpo: Cpo) -> None:
    await put_locations(cpo, 1)
    whole = "SELECT count(*) FROM station_change WHERE whole"
    before = await value(whole)
    for number, word in enumerate(["REMOVED", "CHARGING"], 1):
        answers = await asyncio.gather(
            cpo.says("PATCH", f"{PATH}0/0A", status(word, number)),
            cpo.says("PATCH", f"{PATH}0/0B", status("BLOCKED", number)),
        )
        assert answers == [(200, 1000)] * 2
        assert await values(STATUSES) == [("0A", word), ("0B", "BLOCKED")]
        assert await value("SELECT removed FROM evse WHERE uid = '0A'") is (word == "REMOVED")
        assert await value(whole) == before + number


async def test_what_is_not_ours_looks_like_what_is_not_there(cpo: Cpo, rival: Cpo) -> None:
    await put_locations(cpo, 1)
    theirs, ours = await asyncio.gather(
        rival.says("PATCH", f"{PATH}0/0A", status("OUTOFORDER", 9)),
        cpo.says("PATCH", f"{PATH}0/0A", status("BLOCKED", 1)),
    )
    assert (theirs, ours) == ((404, 2001), (200, 1000))
    assert await values(STATUSES) == [("0A", "BLOCKED"), ("0B", "AVAILABLE")]


async def test_a_token_is_good_until_the_moment_it_is_not(cpo: Cpo) -> None:
    await put_locations(cpo, 1)
    assert await cpo.says("PATCH", f"{PATH}0/0A", status("CHARGING", 1)) == (200, 1000)
    await change("UPDATE ocpi_route SET allowed = false")
    assert await cpo.says("PATCH", f"{PATH}0/0A", status("BLOCKED", 2)) == (404, 2001)
    await change("UPDATE ocpi_route SET allowed = true")
    await change("UPDATE ocpi_connection SET state = 'UNREGISTERED'")
    assert await cpo.says("PATCH", f"{PATH}0/0A", status("BLOCKED", 2)) == (401, 2000)
    await change("UPDATE ocpi_connection SET state = 'REGISTERED', token_in_digests = '{another}'")
    assert await cpo.says("PATCH", f"{PATH}0/0A", status("BLOCKED", 2)) == (401, 2000)
    assert await values(STATUSES) == [("0A", "CHARGING"), ("0B", "AVAILABLE")]


async def test_a_former_token_still_works_and_ends_with_the_use_of_its_successor(cpo: Cpo) -> None:
    await put_locations(cpo, 1)
    digests = [vault.digest("newer"), vault.digest(cpo.token)]
    await change("UPDATE ocpi_connection SET token_in_digests = :digests", digests=digests)
    assert await cpo.says("PATCH", f"{PATH}0/0A", status("CHARGING", 1)) == (200, 1000)
    assert await replace(cpo, token="newer").says("PATCH", f"{PATH}0/0A", status("BLOCKED", 2)) == (200, 1000)
    assert await cpo.says("PATCH", f"{PATH}0/0A", status("RESERVED", 3)) == (401, 2000)
    assert await values(STATUSES) == [("0A", "BLOCKED"), ("0B", "AVAILABLE")]


async def test_a_token_written_in_two_ways_at_once_changes_one_document(cpo: Cpo) -> None:
    await put_locations(cpo, 1)
    as_it_is = {"Authorization": f"Token {cpo.token}"}
    answers = await asyncio.gather(
        cpo.send("PATCH", f"{PATH}0/0A", status("CHARGING", 1)),
        cpo.send("PATCH", f"{PATH}0/0B", status("BLOCKED", 2), **as_it_is),
        cpo.send("PATCH", f"{PATH}0/0A", status("RESERVED", 3), **as_it_is),
    )
    assert [answer.json()["status_code"] for answer in answers] == [1000] * 3
    known = await cpo.gets(f"{PATH}0")
    assert [one["status"] for one in known["evses"]] == ["RESERVED", "BLOCKED"]
    assert known["last_updated"] == "2026-06-01T11:03:00Z"
    assert await values(STATUSES) == [("0A", "RESERVED"), ("0B", "BLOCKED")]


async def test_ids_and_ends_go_back_as_from_every_other_endpoint(cpo: Cpo) -> None:
    await put_locations(cpo, 1)
    sent = {"X-Request-ID": "one", "OCPI-from-country-code": "NL", "OCPI-from-party-id": "ABC"}
    answer = await cpo.send("PATCH", f"{PATH}0/0A", status("CHARGING", 1), **sent)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.headers["x-request-id"] == "one"
    assert answer.headers["x-correlation-id"]
    assert (answer.headers["ocpi-to-country-code"], answer.headers["ocpi-to-party-id"]) == ("NL", "ABC")


GOOD = b'{"status": "CHARGING", "last_updated": "2026-06-01T11:00:00Z"}'
PLAIN_PATH = b"/ocpi/2.2.1/locations/nl/Abc/Loc0/0%2Aa"


def test_what_is_plain_is_read_as_strictly() -> None:
    read = plain.plain(PLAIN_PATH, {"authorization": "Token x"}, GOOD)
    assert read is not None
    assert (read.evse, read.object_key, read.uid) == (("NL", "ABC", "loc0", "0*a"), "NL/ABC/LOC0", "0*A")
    assert read.changes == {"status": "CHARGING", "last_updated": "2026-06-01T11:00:00Z"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (PLAIN_PATH + b"/1", GOOD),
        (b"/ocpi/2.2.1/locations/NL/ABC/LOC0", GOOD),
        (b"/ocpi/2.2.1/tariffs/NL/ABC/LOC0/0A", GOOD),
        (b"/ocpi/9.9/locations/NL/ABC/LOC0/0A", GOOD),
        (b"/ocpi/2.2.1/locations/NL/ABC/LOC0/0%00", GOOD),
        (PLAIN_PATH, b"[" + GOOD + b"]"),
        (PLAIN_PATH, GOOD + b"}"),
        (PLAIN_PATH, GOOD[:-1] + b', "evse_id": "E1"}'),
        (PLAIN_PATH, GOOD[:-1] + b', "uid": "another"}'),
        (PLAIN_PATH, GOOD.replace(b'"CHARGING"', b"null")),
        (PLAIN_PATH, GOOD.replace(b"CHARGING", b"\\u0000")),
        (PLAIN_PATH, GOOD.replace(b"2026-06-01T11:00:00Z", b"tomorrow")),
        (PLAIN_PATH, b'{"status": "CHARGING"}'),
        (PLAIN_PATH, GOOD + b" " * 1000),
    ],
)
def test_what_is_not_plain_is_left_to_the_ordinary_way(path: bytes, body: bytes) -> None:
    assert plain.plain(path, {"authorization": "Token x"}, body) is None
