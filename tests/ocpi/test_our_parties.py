"""One party of ours per brand: given by staff, told to partners, and good for what is addressed to it."""

import asyncio
import json
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from emsp.brands.manage import set_party
from emsp.cli.brands import cli
from emsp.db.engine import transaction
from emsp.errors import Invalid, NotFound
from emsp.ocpi import ours
from tests.ocpi import people
from tests.ocpi.askable import a_driver
from tests.ocpi.people import Cpo, values

PARTIES = "SELECT slug, roaming_country_code, roaming_party_id FROM brand ORDER BY slug"


@pytest.fixture
async def brands(database: str) -> None:
    await a_driver("volt")
    await a_driver("stroom", "bob")


async def invoked(*arguments: str) -> Result:
    """What `emsp brands …` says."""
    return await asyncio.to_thread(CliRunner().invoke, cli, list(arguments))


async def test_a_brand_gets_a_party_of_its_own(cpo: Cpo, brands: None) -> None:
    told = await invoked("set", "stroom", "--party", "be-str")
    assert told.exit_code == 0, told.output
    assert "emsp partners rotate NAME" in told.output
    assert await values(PARTIES) == [("stroom", "BE", "STR"), ("volt", None, None)]
    listed = json.loads((await invoked("list", "--json")).stdout)
    assert {row["slug"]: row["party"] for row in listed} == {"stroom": "BE/STR", "volt": "NL/EMP"}

    assert (await invoked("set", "stroom", "--party", "", "--json")).exit_code == 0
    assert await values(PARTIES) == [("stroom", None, None), ("volt", None, None)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["stroom", "--party", "nl/emp"], "NL/EMP is the party of the installation"),
        (["stroom", "--party", "NL/ABC"], "NL/ABC is a party of a partner"),
        (["stroom", "--party", "BE/VLT"], "BE/VLT belongs to the brand volt"),
        (["stroom", "--party", "Belgium"], "is no party"),
        (["watt", "--party", "BE/WAT"], "there is no brand 'watt'"),
        (["stroom"], "say what to change"),
    ],
)
async def test_a_party_belongs_to_one_only(cpo: Cpo, brands: None, arguments: list[str], reason: str) -> None:
    async with transaction() as db:
        await set_party(db, "volt", ("BE", "VLT"))
    told = await invoked("set", *arguments)

    assert told.exit_code != 0
    assert reason in " ".join(told.output.replace("│", " ").split())
    assert await values(PARTIES) == [("stroom", None, None), ("volt", "BE", "VLT")]


async def test_two_brands_cannot_take_one_party(brands: None) -> None:
    async def take(slug: str) -> bool:
        try:
            async with transaction() as db:
                await set_party(db, slug, ("BE", "STR"))
        except Invalid:
            return False
        return True

    assert sorted(await asyncio.gather(take("volt"), take("stroom"))) == [False, True]
    async with transaction() as db:
        with pytest.raises(NotFound):
            await set_party(db, "watt", ("BE", "WAT"))


async def test_our_credentials_name_every_party_of_ours(cpo: Cpo, brands: None) -> None:
    async with transaction() as db:
        await set_party(db, "stroom", ("BE", "STR"))
    told = await cpo.gets("/credentials")
    assert [(role["role"], role["country_code"], role["party_id"]) for role in told["roles"]] == [
        ("EMSP", "NL", "EMP"),
        ("EMSP", "BE", "STR"),
    ]
    assert told["roles"][1]["business_details"]["name"] == "Stroom"

    cpo.version = "2.1.1"
    told = await cpo.gets("/credentials")
    assert (told["country_code"], told["party_id"]) == ("NL", "EMP"), "2.1.1 has room for one"


@pytest.mark.parametrize("addressed", [("NL", "EMP"), ("BE", "STR"), ("be", "str")])
async def test_what_is_addressed_to_any_of_our_parties_is_taken(
    cpo: Cpo, brands: None, addressed: tuple[str, str]
) -> None:
    async with transaction() as db:
        await set_party(db, "stroom", ("BE", "STR"))
    headers = {"OCPI-to-country-code": addressed[0], "OCPI-to-party-id": addressed[1]}
    headers |= {"OCPI-from-country-code": "NL", "OCPI-from-party-id": "ABC"}
    answer = await cpo.send("PUT", "/tariffs/NL/ABC/T1", people.tariff(), **headers)

    assert (answer.status_code, answer.json()["status_code"]) == (201, 1000)
    sent_back: dict[str, Any] = dict(answer.headers)
    assert (sent_back["ocpi-from-country-code"], sent_back["ocpi-from-party-id"]) == addressed
    assert (sent_back["ocpi-to-country-code"], sent_back["ocpi-to-party-id"]) == ("NL", "ABC")


async def test_a_brand_with_a_party_of_its_own_issues_its_tokens(brands: None) -> None:
    bob = (await values("SELECT d.id FROM driver d JOIN brand b ON b.id = d.brand_id WHERE slug = 'stroom'"))[0][0]
    async with transaction() as db:
        before = await ours.holder(db, bob)
        await set_party(db, "stroom", ("BE", "STR"))
    async with transaction() as db:
        after = await ours.holder(db, bob)

    assert (before.issuer, "".join(before.party)) == ("Open eMSP", "NLEMP")
    assert (after.issuer, "".join(after.party)) == ("Stroom", "BESTR")
