"""A sandbox CPO that corrects a CDR which it has sent, in the words of every version."""

from decimal import Decimal
from typing import Any

import pytest

from .fake_emsp import FakeEmsp
from .running import STATION, RunningCpo, active, cdr, until

CDRS = "/2.2.1/cdrs"


async def charged(cpo: RunningCpo, emsp: FakeEmsp) -> Any:
    """A finished charge; its CDR as it was sent."""
    await emsp.start(STATION)
    session_id = await active(emsp)
    await cpo.lever("unplug", session_id=session_id)
    first = await cdr(emsp)
    while (await cpo.books())["sessions"][0]["phase"] != "closed":
        pass
    return first


async def test_credits_all_of_it(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    first = await charged(cpo, emsp)
    await cpo.lever("correct-cdr", session_id=first["session_id"], how="credit")
    [_, credit] = emsp.bodies("POST", CDRS)
    assert (credit["id"], credit["credit"], credit["credit_reference_id"]) == (f"{first['id']}-C", True, first["id"])
    assert credit["total_cost"]["excl_vat"] == -first["total_cost"]["excl_vat"]
    assert credit["total_energy"] == first["total_energy"]


async def test_replaces_it_by_one_of_less_energy(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    first = await charged(cpo, emsp)
    await cpo.lever("correct-cdr", session_id=first["session_id"], how="replace", factor="0.5")
    [_, credit, right] = emsp.bodies("POST", CDRS)
    assert credit["credit"] is True
    assert right["id"] not in (first["id"], credit["id"])
    assert 0 <= first["total_energy"] / 2 - right["total_energy"] < Decimal("0.1")
    assert (
        sum(d["volume"] for p in right["charging_periods"] for d in p["dimensions"] if d["type"] == "ENERGY")
        == (right["total_energy"])
    )
    assert (right["start_date_time"], right["end_date_time"]) == (first["start_date_time"], first["end_date_time"])

    await cpo.lever("correct-cdr", session_id=first["session_id"], how="credit")
    assert emsp.bodies("POST", CDRS)[-1]["credit_reference_id"] == right["id"]


@pytest.mark.parametrize(("how", "same_id"), [("change", True), ("second", False)])
async def test_sends_another_without_a_credit(cpo: RunningCpo, emsp: FakeEmsp, how: str, same_id: bool) -> None:
    first = await charged(cpo, emsp)
    await cpo.lever("correct-cdr", session_id=first["session_id"], how=how, factor="0.8")
    [_, other] = emsp.bodies("POST", CDRS)
    assert (other["id"] == first["id"]) is same_id
    assert other["total_energy"] < first["total_energy"]
    assert "credit" not in other


async def test_corrects_nothing_that_it_does_not_know(cpo: RunningCpo, emsp: FakeEmsp) -> None:
    first = await charged(cpo, emsp)
    for wrong in ({"session_id": "X", "how": "credit"}, {"session_id": first["session_id"], "how": "guess"}):
        answer = await emsp.client.post(f"{cpo.url}/sandbox/correct-cdr", json=wrong)
        assert answer.status_code == 422
    assert await until(lambda: emsp.bodies("POST", CDRS)) == [first]
