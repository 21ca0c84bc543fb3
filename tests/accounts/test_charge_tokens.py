"""Cards and contracts: brought in by staff, added by whoever holds one, blocked and given back."""

from uuid import UUID

import pytest

from emsp import events, jobs
from emsp.accounts import charge_tokens
from emsp.accounts.charge_tokens import NewToken, add_token, claim_token, known_token
from emsp.accounts.happened import ChargeTokenChanged
from emsp.accounts.tables import ChargeToken, Driver
from emsp.brands.tables import Brand
from emsp.db.engine import transaction
from emsp.errors import Invalid, Refused
from emsp.ocpi.send import push_tokens
from tests.graphql import rows
from tests.ocpi.people import values

TOLD = (
    "SELECT args->>'charge_token_id' FROM procrastinate_jobs WHERE task_name LIKE '%charge_token_changed' ORDER BY id"
)
CARD = NewToken(uid="04:a2:b3:c4", contract_id="NL-EMP-C00000001", visual_number="EMP 0001")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    events.whenever(ChargeTokenChanged, push_tokens.charge_token_changed)
    jobs.register(push_tokens.push)
    charge_tokens._tries.clear()


@pytest.fixture
async def ada(database: str) -> Driver:
    async with transaction() as db:
        brand = await rows.added(db, Brand(slug="volt", name="Volt", languages=["en"]))
        return await rows.driver(db, brand.id, "ada")


async def brought_in(ada: Driver, new: NewToken = CARD) -> ChargeToken:
    async with transaction() as db:
        return await add_token(db, ada.brand_id, new)


async def claimed(by: Driver, number: str = "emp-0001", ending: str = "b3c4") -> ChargeToken:
    async with transaction() as db:
        return await claim_token(db, by, visual_number=number, uid_ending=ending, name=" Blue card ")


async def refused(by: Driver, number: str = "emp-0001", ending: str = "b3c4") -> str:
    with pytest.raises(Refused) as no:
        await claimed(by, number, ending)
    return no.value.code


async def test_that_a_card_is_kept_as_it_is_compared(ada: Driver) -> None:
    card = await brought_in(ada)
    assert (card.uid, card.contract_id, card.visual_number) == (
        "04A2B3C4",
        "NLEMPC00000001" + card.contract_id[-1],
        "EMP0001",
    )
    assert (card.driver_id, card.whitelist) == (None, "NEVER")
    async with transaction() as db:
        for text in ("04-A2-B3-C4", "nl-emp-c00000001", card.contract_id):
            found = await known_token(db, "nothing", text)
            assert found == card
        assert await known_token(db, None, "", "04A2B3") is None
    assert await values(TOLD) == [], "nobody needs to know of a card in stock"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"uid": "04A2"}, "uid"),
        ({"uid": "04A2B3C5", "contract_id": "NLEMPC00000001"}, "contract_id"),
        ({"uid": "04A2B3C5", "contract_id": "NLEMPC00000002"}, "visual_number"),
        ({"uid": "04 A2 B3 C4", "contract_id": "NLEMPC00000002"}, "uid"),
        ({"kind": "FOB"}, "kind"),
        ({"whitelist": "SOMETIMES"}, "whitelist"),
    ],
)
async def test_that_what_is_wrong_with_a_card_is_named(ada: Driver, change: dict[str, str], field: str) -> None:
    await brought_in(ada)
    given = {"uid": "04A2B3C5", "contract_id": "NLEMPC00000003", "visual_number": "EMP0001"} | change
    with pytest.raises(Invalid) as wrong:
        await brought_in(ada, NewToken(**given))
    assert wrong.value.field == field


async def test_that_the_contract_in_a_car_is_its_own_id(ada: Driver) -> None:
    new = NewToken(kind="EMAID", contract_id="NL-EMP-C00000009", driver_id=ada.id)
    contract = await brought_in(ada, new)
    assert contract.uid == contract.contract_id
    other = await brought_in(ada, NewToken(kind="EMAID", contract_id="NL-EMP-C00000010"))
    assert (other.visual_number, contract.visual_number) == (None, None), "numbers that are not there are not the same"
    assert contract.driver_id == ada.id
    assert await values(TOLD) == [(str(contract.id),)]


async def test_that_a_driver_adds_the_card_in_their_hands(ada: Driver) -> None:
    await brought_in(ada)
    card = await claimed(ada)
    assert (card.driver_id, card.name) == (ada.id, "Blue card")
    assert card.added_at is not None
    assert (await claimed(ada)).id == card.id, "adding it again changes nothing"
    assert await values(TOLD) == [(str(card.id),)]


async def test_that_nobody_adds_a_card_by_guessing(ada: Driver) -> None:
    await brought_in(ada)
    for ending in ("b3c5", "c4", "", "0000", "ffff"):
        assert await refused(ada, ending=ending) == "TOKEN_NOT_FOUND"
    assert await refused(ada) == "TOO_MANY_TRIES", "not even with the right numbers"
    async with transaction() as db:
        assert await charge_tokens.tokens_of(db, ada.id) == []


async def test_that_a_card_of_somebody_else_looks_like_none(ada: Driver) -> None:
    await brought_in(ada)
    await claimed(ada)
    async with transaction() as db:
        ben = await rows.driver(db, ada.brand_id, "ben")
        other = await rows.added(db, Brand(slug="stroom", name="Stroom", languages=["en"]))
        zoe = await rows.driver(db, other.id, "zoe")
    assert await refused(ben) == await refused(ben, "nothing") == await refused(zoe) == "TOKEN_NOT_FOUND"
    with pytest.raises(Refused, match="You have no such card"):
        async with transaction() as db:
            await charge_tokens.own_token(db, ben.id, (await charge_tokens.tokens_of(db, ada.id))[0].id)


async def test_that_a_blocked_card_is_nobody_s_to_add(ada: Driver) -> None:
    card = await brought_in(ada)
    async with transaction() as db:
        held = await db.get_one(ChargeToken, card.id)
        await charge_tokens.block_token(db, held)
        await charge_tokens.block_token(db, held)
    assert await refused(ada) == "TOKEN_NOT_FOUND"
    assert len(await values(TOLD)) == 1, "blocked once, told once"


async def test_that_a_card_is_given_back(ada: Driver) -> None:
    await brought_in(ada)
    await claimed(ada)
    async with transaction() as db:
        [card] = await charge_tokens.tokens_of(db, ada.id)
        await charge_tokens.remove_token(db, card)
    assert (card.driver_id, card.name) == (None, None)
    assert isinstance((await claimed(ada)).driver_id, UUID)
