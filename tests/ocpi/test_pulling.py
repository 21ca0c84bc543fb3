"""Pulling a partner's lists, as they should be and as they are."""

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from emsp.ocpi.pull import sync
from tests.ocpi.lists import Listing, Lists, page, proper, pulled
from tests.ocpi.people import documents, evse, location, tariff, value, values
from tests.ocpi.servers import envelope

TARIFFS = [tariff(id=f"T{number}", last_updated=f"2026-06-0{number}T10:00:00Z") for number in range(1, 8)]


def relative_link(request: Request, objects: list[Any], offset: int) -> Response:
    items, following = page(request, objects, offset)
    link = {"Link": f"<?offset={offset + 2}>; rel=next"} if following else {}
    return envelope(items, **link)


def keyset_link(request: Request, objects: list[Any], offset: int) -> Response:
    after = request.query_params.get("after")
    start = next((i + 1 for i, each in enumerate(objects) if each["id"] == after), 0)
    items = objects[start : start + 2]
    link = {"Link": f'<{request.base_url}tariffs?after={items[-1]["id"]}>; rel="next"'} if items else {}
    return envelope(items, **link)


def no_link_and_the_total_of_the_page(request: Request, objects: list[Any], offset: int) -> Response:
    items, _ = page(request, objects, offset)
    return envelope(items, X_Total_Count=str(len(items)))


def empty_link(request: Request, objects: list[Any], offset: int) -> Response:
    return envelope(page(request, objects, offset)[0], Link="", X_Total_Count=str(len(objects)))


def foreign_link(request: Request, objects: list[Any], offset: int) -> Response:
    return envelope(page(request, objects, offset)[0], Link='<https://evil.test/tariffs?offset=2>; rel="next"')


def link_to_itself(request: Request, objects: list[Any], offset: int) -> Response:
    return envelope(page(request, objects, offset)[0], Link=f'<{request.url}>; rel="next"')


def link_that_leads_nowhere(request: Request, objects: list[Any], offset: int) -> Response:
    if "Module" in request.url.path:
        return Response(b'{"detail":"Not Found"}', 404)
    items, following = page(request, objects, offset)
    nowhere = f'<{request.base_url}Module.tariffs/?date_from=None&offset={offset + 2}>; rel="next"' if following else ""
    return envelope(items, X_Total_Count=str(len(objects)), Link=nowhere)


def link_beyond_the_end(request: Request, objects: list[Any], offset: int) -> Response:
    if offset >= len(objects):
        return Response("no such page", 404)
    link = f'<{request.url.include_query_params(offset=offset + 2)}>; rel="next"'
    return envelope(objects[offset : offset + 2], X_Total_Count=str(len(objects)), Link=link)


def error_after_the_end(request: Request, objects: list[Any], offset: int) -> Response:
    items, _ = page(request, objects, offset)
    return envelope(items) if items else Response("no such page", 404)


@pytest.mark.parametrize(
    "listing",
    [
        proper,
        relative_link,
        keyset_link,
        no_link_and_the_total_of_the_page,
        empty_link,
        foreign_link,
        link_to_itself,
        link_that_leads_nowhere,
        link_beyond_the_end,
        error_after_the_end,
    ],
)
async def test_every_page_is_found(database: str, listing: Listing) -> None:
    _, counts = await pulled(Lists(listing, tariffs=TARIFFS), modules=["tariffs"])

    assert (counts["tariffs"].seen, counts["tariffs"].changed, counts["tariffs"].failure) == (7, 7, None)
    assert await value("SELECT count(*) FROM tariff") == 7


@pytest.mark.parametrize("following", ["?offset=2&limit=500", "?after=T2"])
async def test_a_page_that_was_named_and_is_refused_is_missing(database: str, following: str) -> None:
    def listing(request: Request, objects: list[Any], offset: int) -> Response:
        if offset or "after" in request.query_params:
            return envelope(None, 2000, http_status=403)
        return envelope(objects[:2], Link=f'<{following}>; rel="next"')

    _, counts = await pulled(Lists(listing, tariffs=TARIFFS), modules=["tariffs"])

    assert counts["tariffs"].seen == 2
    assert "HTTP 403" in str(counts["tariffs"].failure)
    assert await value("SELECT watermark FROM ocpi_sync") is None


async def test_a_partner_that_knows_no_offsets_is_not_asked_for_ever(database: str) -> None:
    lists = Lists(lambda _, objects, offset: envelope(objects), tariffs=TARIFFS)
    _, counts = await pulled(lists, modules=["tariffs"])

    assert counts["tariffs"].seen == 7
    assert [query["offset"] for query in lists.requests] == ["0", "7"]


async def test_an_object_where_a_list_is_due_is_a_list_of_one(database: str) -> None:
    _, counts = await pulled(Lists(lambda *_: envelope(TARIFFS[0]), tariffs=[1]), modules=["tariffs"])
    assert counts["tariffs"].seen == 1


async def test_the_second_pull_asks_only_for_what_is_new_and_changes_nothing(database: str) -> None:
    lists = Lists(proper, tariffs=TARIFFS)
    _, counts = await pulled(lists, times=2, modules=["tariffs"])

    assert (counts["tariffs"].changed, counts["tariffs"].unchanged) == (0, 7)
    dates = [query.get("date_from") for query in lists.requests]
    assert dates == [None] * 4 + ["2026-06-07T09:50:00Z"] * 4
    assert await value("SELECT watermark FROM ocpi_sync") == datetime(2026, 6, 7, 10, tzinfo=UTC)


async def test_sessions_are_never_asked_for_without_a_date(database: str) -> None:
    lists = Lists(proper)
    await pulled(lists, modules=["sessions"], full=True)
    assert all("date_from" in query for query in lists.requests)


async def test_a_bad_object_is_kept_apart_with_its_reason_and_the_rest_lands(database: str) -> None:
    good, odd = location(), location(id="LOC2", evses=evse("1"), coordinates={"latitude": 52, "longitude": 5})
    wild = location(id="LOC3", coordinates=None)
    strange = location(id="LOC4", party_id="XYZ")
    lists = Lists(proper, locations=[good, odd, wild, strange, {"name": "nameless"}])
    _, counts = await pulled(lists, modules=["locations"])

    assert (counts["locations"].seen, counts["locations"].changed, counts["locations"].apart) == (5, 2, 3)
    assert counts["locations"].reasons == {
        "coordinates: Expected object, got null": 1,
        "party_id: NL XYZ is not a party of this partner": 1,
        "Object missing required field id": 1,
    }
    assert await values("SELECT external_id FROM station ORDER BY 1") == [("LOC1",), ("LOC2",)]
    states = [state for state, _ in (await documents()).values()]
    assert sorted(states) == ["APART", "APART", "APART", "APPLIED", "APPLIED"]


async def test_what_is_older_than_what_is_known_is_left_out(database: str) -> None:
    moments = ["2026-06-01T10:00:00Z", "2026-05-01T10:00:00Z"]

    def going_back(request: Request, objects: list[Any], offset: int) -> Response:
        return envelope([tariff(last_updated=moments.pop(0))], X_Total_Count="2" if moments else "0")

    _, counts = await pulled(Lists(going_back), modules=["tariffs"])
    assert (counts["tariffs"].seen, counts["tariffs"].changed, counts["tariffs"].older) == (2, 1, 1)


async def test_a_pull_that_breaks_off_keeps_what_it_has_and_begins_again(database: str) -> None:
    broken = [True]

    def breaking(request: Request, objects: list[Any], offset: int) -> Response:
        return envelope(None, 3000) if broken[0] and offset >= 4 else proper(request, objects, offset)

    lists = Lists(breaking, tariffs=TARIFFS)
    connection_id, counts = await pulled(lists, modules=["tariffs"])
    assert (counts["tariffs"].seen, counts["tariffs"].changed) == (4, 4)
    assert "OCPI 3000" in (counts["tariffs"].failure or "")
    assert await value("SELECT watermark FROM ocpi_sync") is None
    [status] = await sync.status()
    assert status.connection_id == connection_id
    assert status.modules["tariffs"]["failure"] == counts["tariffs"].failure


async def test_a_module_that_fails_does_not_stop_the_next_one(database: str) -> None:
    def half(request: Request, objects: list[Any], offset: int) -> Response:
        if request.url.path == "/tariffs":
            return Response("<html>", 404)
        return proper(request, objects, offset)

    _, counts = await pulled(Lists(half, locations=[location()]))
    assert counts["tariffs"].failure
    assert (counts["locations"].changed, counts["locations"].failure) == (1, None)
