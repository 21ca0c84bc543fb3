"""`emsp partners check`: a partner is examined before it is connected, and nothing is written there."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response
from typer.testing import CliRunner

from emsp.cli.partners import cli
from emsp.ocpi.conformance import report
from emsp.ocpi.conformance.check import Report, check
from emsp.ocpi.conformance.findings import ERROR, WARNING
from emsp.ocpi.join import handshake
from emsp.ocpi.wire import presented_tokens
from tests.ocpi import people
from tests.ocpi.servers import sandbox_cpo, scripted

TOKEN = "a-token"
SENDERS = ("tariffs", "locations", "sessions", "cdrs")
ROUTING = {
    f"OCPI-{side}-{part}": f"OCPI-{other}-{part}"
    for side, other in (("to", "from"), ("from", "to"))
    for part in ("country-code", "party-id")
}


class Partner:
    """A partner in the version 2.2.1 that does everything right; tests override what it does wrong."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.objects: dict[str, list[Any]] = {
            "locations": [_location(f"LOC{number}") for number in range(3)],
            "tariffs": [people.tariff(), people.tariff(id="T2", last_updated="2026-06-02T10:00:00Z")],
            "sessions": [people.session()],
            "cdrs": [_cdr()],
        }

    def answer(self, request: Request) -> Response:
        self.asked.append(request)
        if TOKEN not in presented_tokens(request.headers.get("authorization")):
            return self.envelope(request, None, 2001, 401)
        module, _, rest = request.url.path.removeprefix("/ocpi/").strip("/").removeprefix("2.2.1/").partition("/")
        if module in SENDERS and not rest:
            return self.page(request, module)
        return self.one(request, "" if rest else module)

    def one(self, request: Request, name: str) -> Response:
        base = f"{request.base_url}ocpi"
        data = {
            "versions": [{"version": "2.2.1", "url": f"{base}/2.2.1"}],
            "2.2.1": {"version": "2.2.1", "endpoints": list(self.endpoints(f"{base}/2.2.1"))},
            "credentials": self.credentials(base),
        }
        return self.envelope(request, data[name]) if name in data else self.envelope(request, None, 2003, 404)

    def endpoints(self, base: str) -> Iterator[dict[str, str]]:
        for name in ("credentials", *SENDERS):
            yield {"identifier": name, "role": "SENDER", "url": f"{base}/{name}"}
        for name in ("commands", "tokens"):
            yield {"identifier": name, "role": "RECEIVER", "url": f"{base}/{name}"}

    def credentials(self, base: str) -> dict[str, Any]:
        role = {"role": "CPO", "country_code": "NL", "party_id": "ABC", "business_details": {"name": "ABC"}}
        return {"token": TOKEN, "url": f"{base}/versions", "roles": [role]}

    def page(self, request: Request, module: str) -> Response:
        asked = request.query_params
        chosen = [item for item in self.objects[module] if item["last_updated"] >= asked.get("date_from", "")]
        if module == "sessions":
            chosen = list(self.objects[module]) if "date_from" in asked else []
        offset, limit = int(asked.get("offset", 0)), min(int(asked.get("limit", 2)), 2)
        headers = {"X-Total-Count": str(len(chosen)), "X-Limit": "2"}
        if offset + limit < len(chosen):
            following = request.url.include_query_params(offset=offset + limit, limit=limit)
            headers["Link"] = f'<{following}>; rel="next"'
        return self.envelope(request, chosen[offset : offset + limit], **headers)

    def envelope(self, request: Request, data: Any, status: int = 1000, http: int = 200, **headers: str) -> Response:
        body = {"status_code": status, "status_message": "said so", "timestamp": "2026-06-01T10:00:00Z"}
        ids = {name: request.headers.get(name, "") for name in ("X-Request-ID", "X-Correlation-ID")}
        route = {name: request.headers[other] for name, other in ROUTING.items() if other in request.headers}
        content = msgspec.json.encode(body if data is None else {"data": data, **body})
        return Response(content, http, {**ids, **route, **headers}, "application/json")


def _location(location_id: str) -> dict[str, Any]:
    evse = people.evse(f"{location_id}-1")
    return people.location(id=location_id, evses=[evse])


def _cdr() -> dict[str, Any]:
    place = {
        **people.cdr()["cdr_location"],
        "address": "Marktplein 1",
        "city": "Utrecht",
        "coordinates": {"latitude": "52.090000", "longitude": "5.120000"},
        "evse_id": "NL*ABC*E3256",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "SOCKET",
        "connector_power_type": "AC_3_PHASE",
    }
    return people.cdr(cdr_location=place)


async def examined(partner: Partner, **options: Any) -> Report:
    async with scripted(partner.answer) as url:
        return await check(f"{url}/ocpi/versions", TOKEN, **options)


def said(found: Report, *severities: Any) -> list[str]:
    """The findings as `where path: text`."""
    return [
        f"{group.where} {group.path}: {group.text}"
        for group in found.groups
        if group.severity in (severities or (ERROR, WARNING))
    ]


async def test_a_partner_that_keeps_to_the_rules_has_no_errors() -> None:
    partner = Partner()
    found = await examined(partner)
    assert said(found) == []
    assert (found.version, found.encoding) == ("2.2.1", "BASE64")
    counted = [(facts.module, facts.objects, facts.pages, facts.total) for facts in found.modules]
    assert counted == [("tariffs", 2, 1, 2), ("locations", 3, 2, 3), ("sessions", 1, 1, 1), ("cdrs", 1, 1, 1)]


async def test_nothing_is_written_and_functional_requests_are_addressed_to_the_party_of_the_credentials() -> None:
    partner = Partner()
    await examined(partner)
    assert {request.method for request in partner.asked} == {"GET"}
    routed = {
        request.url.path: (request.headers.get("OCPI-to-country-code"), request.headers.get("OCPI-to-party-id"))
        for request in partner.asked
    }
    assert routed["/ocpi/2.2.1/locations"] == ("NL", "ABC")
    assert routed["/ocpi/versions"] == routed["/ocpi/2.2.1/credentials"] == (None, None)


async def test_each_lie_of_the_transport_is_named() -> None:
    class Liar(Partner):
        def endpoints(self, base: str) -> Iterator[dict[str, str]]:
            yield from (e for e in super().endpoints(base) if e["identifier"] not in ("commands", "cdrs"))

        def page(self, request: Request, module: str) -> Response:
            headers = {"X-Total-Count": "9"} if module == "tariffs" else {"X-Total-Count": "1", "X-Limit": "many"}
            return self.envelope(request, self.objects[module], **headers)

        def envelope(
            self, request: Request, data: Any, status: int = 1000, http: int = 200, **headers: str
        ) -> Response:
            if http != 200:
                return Response("<html>", 500 if request.url.path.endswith("NO-SUCH-ID") else http)
            answer = super().envelope(request, data, status, http, **headers)
            if request.url.path.endswith("credentials"):
                answer.headers["X-Request-ID"] = "another"
            return answer

    assert said(await examined(Liar())) == [
        "versions : the answer with HTTP 401 is not JSON; an envelope would tell why",
        "version details : lack cdrs SENDER: CDRs that were not pushed are lost, and with them what they cost",
        "version details : lack commands RECEIVER: drivers cannot start and stop from an app",
        "credentials X-Request-ID: does not repeat that of the request",
        "tariffs X-Limit: is missing",
        "tariffs Link: is missing although X-Total-Count says that there is more",
        "tariffs id: is listed more than once; upper and lower case do not make ids differ",
        "tariffs limit: is not honoured: more than one object came for limit=1",
        "tariffs offset: is not honoured: offset=1 brings the first object",
        "tariffs date_from: is not honoured: objects came that are older",
        "locations X-Limit: is not a number",
        "locations limit: is not honoured: more than one object came for limit=1",
        "locations offset: is not honoured: offset=1 brings the first object",
        "locations : answers HTTP 500 to an unknown location",
        "locations : answers HTTP 500 to an unknown path",
        "locations : the answer with HTTP 500 is not JSON; an envelope would tell why",
        "sessions X-Limit: is not a number",
    ]


async def test_objects_are_examined_and_equal_findings_are_one_line() -> None:
    partner = Partner()
    for location in partner.objects["locations"]:
        location["evses"][0]["status"] = "FREE"
        location["coordinates"] = {"latitude": "5.120000", "longitude": "52.090000"}
    partner.objects["locations"][1]["evses"][0]["connectors"][0]["tariff_ids"] = ["T9"]
    partner.objects["tariffs"][1]["id"] = "t1"
    found = await examined(partner)
    assert said(found) == [
        "tariffs id: is listed more than once; upper and lower case do not make ids differ",
        "locations evses[].status: 'FREE' is not a value of Status in 2.2.1",
        "locations coordinates: are not in the country of the location; with latitude and longitude exchanged they are",
        "locations evses[].connectors[].tariff_ids: names a tariff that is not in the list of tariffs: "
        "no price can be shown",
    ]
    lines = [report.line(group) for group in found.groups if group.rule == "enum"]
    assert lines == [
        "3 x evses[].status: 'FREE' is not a value of Status in 2.2.1 (for example LOC0, LOC1, LOC2)",
    ]


async def test_the_token_goes_to_no_other_host() -> None:
    """Neither where a Link nor a redirect nor the list of versions leads, unless the details name it."""
    elsewhere: list[Request] = []

    def stranger(request: Request) -> Response:
        elsewhere.append(request)
        return Response(status_code=404)

    async with scripted(stranger) as other:

        class Linker(Partner):
            def page(self, request: Request, module: str) -> Response:
                if module == "cdrs":
                    return Response(status_code=307, headers={"Location": f"{other}/cdrs"})
                return self.envelope(
                    request, self.objects[module], Link=f'<{other}/more>; rel="next"', **{"X-Total-Count": "3"}
                )

        found = await examined(Linker())
        assert "tariffs Link: leads to another host, port or scheme; it is not followed" in said(found)
        assert "cdrs : answers with a redirect to elsewhere; it is not followed" in said(found)

        class Elsewhere(Partner):
            def one(self, request: Request, name: str) -> Response:
                if name == "versions":
                    return self.envelope(request, [{"version": "2.2.1", "url": f"{other}/ocpi/2.2.1"}])
                return super().one(request, name)

        found = await examined(Elsewhere())
        assert said(found) == [
            "version details : is on a host that the token was not given for; it was not called",
        ]
    assert elsewhere == []


async def test_what_opens_without_a_token_or_not_at_all_is_said() -> None:
    class Open(Partner):
        def answer(self, request: Request) -> Response:
            self.asked.append(request)
            return self.one(request, "versions")

    assert "versions : answers HTTP 200 without a token; it should be 401" in said(await examined(Open()))

    class Closed(Partner):
        def answer(self, request: Request) -> Response:
            return self.envelope(request, None, 2001, 401)

    found = await examined(Closed())
    assert said(found) == ["versions : answers HTTP 401, OCPI 2001 to the token"]
    assert (found.version, found.modules) == (None, [])


async def test_a_token_for_the_registration_opens_no_lists_which_is_right() -> None:
    async with sandbox_cpo() as cpo:
        found = await check(f"{cpo.state.platform.url}/ocpi/versions", "token-a")
    assert said(found) == []
    assert [group.where for group in found.groups if group.rule == "other-token"] == [
        "tariffs",
        "locations",
        "sessions",
        "cdrs",
    ]


async def test_a_token_of_a_connection_opens_everything(our_url: str) -> None:
    async with sandbox_cpo() as cpo:
        platform = cpo.state.platform
        await handshake.connect(f"{platform.url}/ocpi/versions", "token-a")
        found = await check(f"{platform.url}/ocpi/versions", platform.books.connection.token_for_us)
    assert said(found) == []
    assert [(facts.module, facts.objects > 0) for facts in found.modules] == [
        ("tariffs", True),
        ("locations", True),
        ("sessions", False),
        ("cdrs", False),
    ]


async def test_nobody_there_is_one_error() -> None:
    found = await check("http://127.0.0.1:9/ocpi/versions", TOKEN)
    assert [text.partition(" cannot be called")[0] for text in said(found)] == [
        "versions : http://127.0.0.1:9/ocpi/versions"
    ]


@pytest.mark.parametrize(("most", "objects"), [(1, 1), (2, 2), (500, 3)])
async def test_no_more_objects_are_read_than_asked_for(most: int, objects: int) -> None:
    found = await examined(Partner(), most=most, modules=["locations"])
    assert [(facts.module, facts.objects) for facts in found.modules] == [("locations", objects)]


async def test_the_command_prints_a_report_or_json_and_tells_programs_by_its_exit_status() -> None:
    def command(url: str, *options: str) -> Any:
        return CliRunner().invoke(cli, ["check", f"{url}/ocpi/versions", TOKEN, *options])

    async with scripted(Partner().answer) as url:
        for_people = await asyncio.to_thread(command, url)
        for_programs = await asyncio.to_thread(command, url, "--json", "--module", "tariffs")
    assert for_people.exit_code == for_programs.exit_code == 0, for_people.output
    assert "is not served over https" in for_people.output
    assert "(OCPI 2.2.1, token BASE64): 0 errors, 0 warnings, " in for_people.output
    parsed = json.loads(for_programs.output)
    assert (parsed["version"], parsed["warnings"], [m["module"] for m in parsed["modules"]]) == (
        "2.2.1",
        0,
        ["tariffs"],
    )
    assert TOKEN not in for_people.output + for_programs.output
    assert (await asyncio.to_thread(command, url)).exit_code == 1, "nobody is there any more"
    assert (await asyncio.to_thread(command, url, "--module", "trains")).exit_code == 2
