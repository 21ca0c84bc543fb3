"""Running sessions steered: preferences and charging profiles, what is sent, and what the partner tells back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from emsp import app
from emsp.charging import support
from emsp.charging.ports import CommandAnswer, Limits
from emsp.charging.support import PREFERENCES, PROFILES
from emsp.db.engine import transaction
from emsp.errors import NotFound, PartnerFailed, Refused
from emsp.ocpi.serve.profiles import active_profile
from emsp.settings import settings
from tests.ocpi.askable import Partner, askable, asking_at, running_session
from tests.ocpi.people import BASE, Cpo, documents, values
from tests.ocpi.servers import envelope

LIMITS = Limits(unit="W", steps=[(0, Decimal("11000.5")), (3600, Decimal(0))], duration_s=7200)
PROFILE = {
    "start_date_time": "2026-06-01T12:00:00Z",
    "charging_profile": {
        "charging_rate_unit": "W",
        "charging_profile_period": [{"start_period": 0, "limit": 11000.5}],
    },
}


@pytest.fixture
async def partner(database: str) -> AsyncIterator[Partner]:
    app.plug()
    async with askable() as partner:
        yield partner


async def test_a_drivers_wishes_are_put_to_the_session(partner: Partner) -> None:
    session_id = await running_session(partner.partner_id, [PREFERENCES], external_id="S/1", external_key="s/1")
    partner.answer = envelope("DEPARTURE_REQUIRED")
    answer = await support.prefer(
        session_id,
        profile="GREEN",
        departure_at=datetime(2026, 6, 2, 7, tzinfo=UTC),
        energy_need_wh=12_500,
        discharge_allowed=True,
    )

    assert answer == CommandAnswer(outcome="DEPARTURE_REQUIRED")
    asked = partner.only
    assert (asked.method, asked.path) == ("PUT", "/ocpi/sessions/S/1/charging_preferences")
    assert asked.body == {
        "profile_type": "GREEN",
        "departure_time": "2026-06-02T07:00:00Z",
        "energy_need": 12.5,
        "discharge_allowed": True,
    }
    assert asked.headers["ocpi-to-party-id"] == "ABC"


@pytest.mark.parametrize("data", ["ACCEPTED", {"result": "ACCEPTED"}, ["ACCEPTED"]])
async def test_the_answer_to_wishes_is_a_word_or_an_object(partner: Partner, data: Any) -> None:
    session_id = await running_session(partner.partner_id, [PREFERENCES])
    partner.answer = envelope(data)
    assert (await support.prefer(session_id, profile="FAST")).accepted
    assert partner.only.body == {"profile_type": "FAST", "discharge_allowed": False}


async def test_a_partner_that_says_no_to_wishes_fails_with_its_words(partner: Partner) -> None:
    session_id = await running_session(partner.partner_id, [PREFERENCES])
    partner.answer = envelope(None, 2001, http_status=404)
    with pytest.raises(PartnerFailed, match="HTTP 404, OCPI 2001"):
        await support.prefer(session_id, profile="FAST")


async def test_a_profile_is_set_with_a_way_to_answer(partner: Partner) -> None:
    session_id = await running_session(partner.partner_id, [PROFILES])
    assert await support.limit(session_id, LIMITS) == CommandAnswer(outcome="ACCEPTED", timeout_s=30)

    asked = partner.only
    url = asked.body.pop("response_url")
    assert (asked.method, asked.path, asked.query) == ("PUT", "/ocpi/chargingprofiles/S1", {})
    assert asked.body == {
        "charging_profile": {
            "duration": 7200,
            "charging_rate_unit": "W",
            "charging_profile_period": [{"start_period": 0, "limit": 11000.5}, {"start_period": 3600, "limit": 0}],
        }
    }
    assert url.startswith(f"{settings().public_url}{BASE}/chargingprofiles/SET_CHARGING_PROFILE/")
    assert await values("SELECT kind, reference, response FROM ocpi_command") == [
        ("SET_CHARGING_PROFILE", str(session_id), "ACCEPTED")
    ]


async def test_asking_and_taking_back_carry_the_response_url_in_the_query(partner: Partner) -> None:
    session_id = await running_session(partner.partner_id, [PROFILES])
    await support.show_limits(session_id, 900)
    partner.answer = envelope({"result": "TOO_OFTEN", "timeout": 0})
    assert (await support.limit(session_id, None)).outcome == "TOO_OFTEN"

    show, clear = partner.received
    assert (show.method, clear.method) == ("GET", "DELETE")
    assert (show.body, clear.body) == (None, None)
    assert show.query.pop("duration") == "900"
    for asked, kind in ((show, "ACTIVE_CHARGING_PROFILE"), (clear, "CLEAR_CHARGING_PROFILE")):
        assert set(asked.query) == {"response_url"}
        assert asked.query["response_url"].startswith(f"{settings().public_url}{BASE}/chargingprofiles/{kind}/")
        assert quote(asked.query["response_url"], safe="") in asked.raw_query, "percent-encoded"


async def test_what_cannot_be_steered_is_refused_with_the_reason(database: str) -> None:
    app.plug()
    async with askable(version="2.1.1") as partner:
        session_id = await running_session(partner.partner_id, [PREFERENCES])
        answer = await support.prefer(session_id, profile="FAST")
        with pytest.raises(Refused, match="does not say CHARGING_PROFILE_CAPABLE"):
            await support.limit(session_id, LIMITS)
        with pytest.raises(NotFound):
            await support.prefer(UUID(int=1), profile="FAST")

    assert (answer.outcome, answer.message) == (
        "NOT_SUPPORTED",
        "ABC speaks OCPI 2.1.1, which has no charging preferences",
    )
    assert partner.received == []


async def test_a_session_that_is_over_is_not_steered(partner: Partner) -> None:
    ended = await running_session(partner.partner_id, [PROFILES], state="ENDED", ended_at=datetime.now(UTC))
    with pytest.raises(Refused, match="it is ENDED"):
        await support.limit(ended, LIMITS)
    assert partner.received == []


async def test_the_result_of_a_question_brings_the_profile(cpo: Cpo, rival: Cpo) -> None:
    session_id = await running_session(cpo.connection.partner_id, [PROFILES])
    async with asking_at(cpo) as partner:
        await support.show_limits(session_id, 900)
    path = partner.only.query["response_url"].partition(BASE)[2]

    assert await rival.says("POST", path, {"result": "ACCEPTED", "profile": PROFILE}) == (404, 2001)
    assert await cpo.says("POST", path, {"result": "ACCEPTED", "profile": {"start_date_time": "?"}}) == (200, 2001)
    assert await values("SELECT result FROM ocpi_command") == [(None,)], "what cannot be understood counts for nothing"
    assert await cpo.says("POST", path, {"result": "ACCEPTED", "profile": PROFILE}) == (200, 1000)
    assert await values("SELECT result FROM ocpi_command") == [("ACCEPTED",)]
    assert await documents() == {"chargingprofiles NL/ABC/S1": ("APPLIED", None)}
    async with transaction() as db:
        assert (await active_profile(db, session_id))["start_date_time"] == "2026-06-01T12:00:00Z"


async def test_a_result_without_a_profile_is_enough(cpo: Cpo) -> None:
    session_id = await running_session(cpo.connection.partner_id, [PROFILES])
    async with asking_at(cpo) as partner:
        await support.limit(session_id, LIMITS)
    path = partner.only.body["response_url"].partition(BASE)[2]

    for body in ({"result": "UNKNOWN"}, "ACCEPTED"):
        assert await cpo.says("POST", path, body) == (200, 1000)
    assert await values("SELECT result FROM ocpi_command") == [("ACCEPTED",)]
    async with transaction() as db:
        assert await active_profile(db, session_id) is None


async def test_a_partner_keeps_us_told_of_the_profiles_of_its_own_sessions(cpo: Cpo, rival: Cpo) -> None:
    await running_session(cpo.connection.partner_id, [PROFILES])

    assert await cpo.says("PUT", "/chargingprofiles/s1", PROFILE) == (200, 1000)
    assert await rival.says("PUT", "/chargingprofiles/S1", PROFILE) == (404, 2001)
    assert await cpo.says("PUT", "/chargingprofiles/S2", PROFILE) == (404, 2001)
    assert await cpo.says("PUT", "/chargingprofiles", PROFILE) == (404, 2000)
    assert await cpo.says("PUT", "/chargingprofiles/S1", {"charging_profile": {}}) == (200, 2001)
    assert await cpo.says("PUT", "/chargingprofiles/S1", b"{") == (400, 2001)
    assert await cpo.says("GET", "/chargingprofiles/S1") == (405, 2000)
    assert await documents() == {"chargingprofiles NL/ABC/S1": ("APPLIED", None)}


async def test_2_1_1_has_no_profiles(cpo: Cpo) -> None:
    cpo.version = "2.1.1"
    assert await cpo.says("PUT", "/chargingprofiles/S1", PROFILE) == (404, 2000)
