"""Tariffs, sessions and CDRs that a CPO pushes."""

import pytest

from emsp.ocpi.keep.apply import replay, settle_inbox_cdr
from emsp.ocpi.serve.sessions import with_changes
from tests.ocpi.people import Cpo, cdr, documents, session, tariff, value, values

SETTLES = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'ocpi.keep.apply.settle_inbox_cdr'"
EVERY_CDR = "SELECT object_key, state FROM ocpi_inbox WHERE module = 'cdrs'"
DOCUMENT = "SELECT id FROM ocpi_inbox WHERE module = 'cdrs'"


async def test_a_tariff_is_put_given_back_and_withdrawn(cpo: Cpo) -> None:
    path = "/tariffs/NL/ABC/T1"

    assert await cpo.says("PUT", path, tariff()) == (201, 1000)
    assert await cpo.gets(path) == tariff()
    assert await values("SELECT currency, withdrawn FROM tariff") == [("EUR", False)]
    assert await cpo.says("DELETE", path) == (200, 1000)

    assert await cpo.says("GET", path) == (404, 2001)
    assert await cpo.says("DELETE", path) == (404, 2001)
    assert await values("SELECT currency, withdrawn FROM tariff") == [("EUR", True)]


async def test_tariffs_are_not_patched_in_this_version(cpo: Cpo) -> None:
    assert await cpo.says("PATCH", "/tariffs/NL/ABC/T1", {"currency": "CHF"}) == (405, 2000)


async def test_a_session_that_goes_on_is_taken_although_its_clock_runs_backwards(cpo: Cpo) -> None:
    path, before = "/sessions/NL/ABC/S1", "2026-06-01T09:00:00Z"
    await cpo.send("PUT", path, session())

    assert await cpo.says("PATCH", path, {"kwh": 1.2, "last_updated": before}) == (200, 1000)
    assert (await cpo.gets(path))["kwh"] == 1.5, "less energy is older indeed"
    assert await cpo.says("PATCH", path, {"kwh": 3.5, "last_updated": before}) == (200, 1000)
    assert (await cpo.gets(path))["kwh"] == 3.5
    assert await cpo.says("PUT", path, session(status="COMPLETED", kwh=4, last_updated=before)) == (200, 1000)
    assert (await cpo.gets(path))["status"] == "COMPLETED"


async def test_a_session_is_put_and_patched_with_its_periods_appended(cpo: Cpo) -> None:
    path = "/sessions/NL/ABC/S1"
    later = {"start_date_time": "2026-06-01T10:15:00Z", "dimensions": [{"type": "ENERGY", "volume": 2}]}
    change = {"kwh": 3.5, "charging_periods": [later], "last_updated": "2026-06-01T10:20:00Z"}

    assert await cpo.says("PATCH", path, change) == (404, 2001)
    assert await cpo.says("PUT", path, session()) == (201, 1000)
    assert await cpo.says("PATCH", path, change) == (200, 1000)
    assert await cpo.says("PATCH", path, change) == (200, 1000)

    kept = await cpo.gets(path)
    assert kept["kwh"] == 3.5
    assert [period["start_date_time"] for period in kept["charging_periods"]] == [
        "2026-06-01T10:00:00Z",
        "2026-06-01T10:15:00Z",
    ]


async def test_null_in_a_patch_is_as_good_as_absent(cpo: Cpo) -> None:
    path = "/sessions/NL/ABC/S1"
    await cpo.says("PUT", path, session())

    change = dict.fromkeys(session()) | {"kwh": 3.5, "last_updated": "2026-06-01T10:20:00Z"}
    assert await cpo.says("PATCH", path, change) == (200, 1000)

    assert await cpo.gets(path) == session(kwh=3.5, last_updated="2026-06-01T10:20:00Z")
    assert await documents() == {"sessions NL/ABC/S1": ("APPLIED", None)}


def test_a_period_that_comes_again_replaces_the_known_one() -> None:
    known = {"kwh": 1, "charging_periods": [{"start_date_time": "A", "dimensions": []}]}
    again = {"start_date_time": "A", "dimensions": [{"type": "ENERGY", "volume": 1}]}

    assert with_changes(known, {"charging_periods": [again]})["charging_periods"] == [again]
    assert with_changes(known, {"charging_periods": []}) == known
    assert with_changes(known, {"kwh": 2}) == {**known, "kwh": 2}


async def test_a_cdr_is_kept_answered_with_its_address_and_settled_once(cpo: Cpo) -> None:
    first = await cpo.send("POST", "/cdrs", cdr())
    again = await cpo.send("POST", "/cdrs/", cdr())

    assert (first.status_code, first.json()["status_code"]) == (201, 1000)
    assert (again.status_code, again.json()["status_code"]) == (200, 1000)
    assert first.headers["Location"] == again.headers["Location"]
    assert first.headers["Location"].endswith("/ocpi/2.2.1/cdrs/NL/ABC/C1")
    assert await cpo.gets("/cdrs/NL/ABC/C1") == cdr()
    assert await value(SETTLES) == 1

    for _ in range(2):
        await settle_inbox_cdr(await value(DOCUMENT))
    assert await documents() == {"cdrs NL/ABC/C1": ("APPLIED", None)}
    assert await values("SELECT external_id FROM charge_record") == [("C1",)]


async def test_a_cdr_that_changes_after_all_is_kept_beside_what_it_was(cpo: Cpo) -> None:
    await cpo.send("POST", "/cdrs", cdr())

    changed = cdr(total_cost={"excl_vat": 300})
    assert await cpo.says("POST", "/cdrs", changed) == (201, 1000)
    assert await cpo.says("POST", "/cdrs", changed) == (200, 1000)
    assert await cpo.gets("/cdrs/NL/ABC/C1") == changed
    assert sorted(await values(EVERY_CDR)) == [("NL/ABC/C1", "RECEIVED"), ("NL/ABC/C1#1", "RECEIVED")]
    assert await value(SETTLES) == 2

    for (document_id,) in await values(DOCUMENT):
        await settle_inbox_cdr(document_id)
    assert await values("SELECT external_id, revision FROM charge_record ORDER BY revision") == [("C1", 1), ("C1", 2)]


async def test_a_cdr_written_differently_is_still_the_same_cdr(cpo: Cpo) -> None:
    await cpo.send("POST", "/cdrs", cdr())
    assert await cpo.says("POST", "/cdrs", dict(reversed(cdr().items()))) == (200, 1000)


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"total_energy": -1}, "total_energy: -1 kWh is no amount of energy"),
        ({"end_date_time": "2026-06-01T09:00:00Z"}, "end_date_time: is before start_date_time"),
        ({"total_cost": None}, "total_cost: Expected object, got null"),
    ],
)
async def test_a_cdr_that_is_not_understood_is_accepted_and_kept_apart(
    cpo: Cpo, members: dict[str, object], reason: str
) -> None:
    assert await cpo.says("POST", "/cdrs", cdr(**members)) == (201, 1000)
    await settle_inbox_cdr(await value(DOCUMENT))

    assert await documents() == {"cdrs NL/ABC/C1": ("APART", reason)}
    assert await value("SELECT count(*) FROM charge_record") == 0


async def test_documents_that_were_kept_apart_can_be_looked_at_again(cpo: Cpo) -> None:
    await cpo.says("PUT", "/tariffs/NL/ABC/T1", tariff(currency="EURO"))
    assert await documents() == {"tariffs NL/ABC/T1": ("APART", "currency: 'EURO' is not a currency code")}

    result = await replay(cpo.connection.id)

    assert result.reasons == {"NL/ABC/T1": "currency: 'EURO' is not a currency code"}
    assert await documents() == {"tariffs NL/ABC/T1": ("APART", "currency: 'EURO' is not a currency code")}


async def test_a_cdr_of_another_partners_party_is_refused(cpo: Cpo, rival: Cpo) -> None:
    assert await rival.says("POST", "/cdrs", cdr()) == (200, 2001)
    await cpo.send("POST", "/cdrs", cdr())
    assert await rival.says("GET", "/cdrs/NL/ABC/C1") == (404, 2001)
