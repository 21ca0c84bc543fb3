"""Whatever a partner sends to whichever endpoint, the answer is an OCPI response object."""

import os
from collections.abc import Iterator

import pytest

from emsp.ocpi import ours
from emsp.ocpi.server import HANDLERS
from emsp.settings import settings
from tests.ocpi.people import Cpo

PATHS = ("", "/NL/ABC/1", "/NL/ABC/booking_locations/1/2")
OTHER_PATHS = ("/NL", "/NL/ABC", "/NL/ABC/1/2", "/NL/ABC/1/2/3", "/%00/x")
BODIES = (
    b"",
    b"{",
    b"null",
    b"7",
    b'"ACCEPTED"',
    b"[]",
    b"[[]]",
    b"[{}]",
    b"{}",
    b'{"id":null,"country_code":7,"party_id":[],"last_updated":{},"result":[],"profile":7,"status":"","calendars":7}',
    b'{"id":"1","country_code":"NL","party_id":"ABC","last_updated":"2026-06-01","cdrs":null,"result":"\\u0000"}',
    b"[" * 5000,
    b"\xff\xfe",
)


@pytest.fixture(autouse=True)
def bookings_too() -> Iterator[None]:
    os.environ["EMSP_OCPI_BOOKINGS"] = "1"
    settings.cache_clear()
    yield
    del os.environ["EMSP_OCPI_BOOKINGS"]
    settings.cache_clear()


@pytest.mark.parametrize("version", ["2.1.1", "2.3.0"])
@pytest.mark.parametrize("module", sorted({module for module, _ in HANDLERS}))
async def test_every_answer_is_a_response_object(cpo: Cpo, module: str, version: str) -> None:
    cpo.version = version
    sent = [(path, body) for path in PATHS for body in BODIES] + [(path, b"{}") for path in OTHER_PATHS]
    methods = [method for known, method in HANDLERS if known == module]
    for method, path, body in ((method, path, body) for method in methods for path, body in sent):
        answer = await cpo.send(method, f"/{module}{path}", body)
        said = answer.json()
        assert answer.headers["content-type"] == "application/json"
        assert answer.status_code < 500, (method, path, body, answer.text)
        assert {"status_code", "status_message", "timestamp"} <= set(said), (method, path, body)
        assert said["status_code"] < 3000, (method, path, body, answer.text)


@pytest.mark.parametrize("version", ours.VERSIONS)
async def test_what_a_version_does_not_have_is_not_there(cpo: Cpo, version: str) -> None:
    cpo.version = version
    offered = {module for module, _ in ours.modules(version)}
    for module in {module for module, _ in HANDLERS} - offered:
        assert await cpo.says("PUT", f"/{module}/NL/ABC/1", {}) == (404, 2000)
    assert await cpo.says("DELETE", "/tokens/NL/ABC/1") == (405, 2000)
    assert await cpo.says("GET", "/nothing") == (404, 2000)
