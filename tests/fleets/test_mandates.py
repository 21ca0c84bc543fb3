"""A fleet's leave to take what is invoiced from its bank account."""

import pytest

from emsp.db.engine import transaction
from emsp.errors import NotFound
from emsp.payments import mandates
from emsp.payments.mandates import Begun
from emsp.payments.tables import Mandate
from tests.fleets.bank import FakeBank
from tests.fleets.conftest import Company


async def begun(company: Company, key: str = "one") -> Begun:
    return await mandates.begin(
        company.payer, email="office@example.com", name="Couriers", accepted_by="boss@example.com", idempotency_key=key
    )


async def shown(company: Company) -> Mandate | None:
    async with transaction() as db:
        return await mandates.shown_of(db, company.payer)


async def is_active(company: Company) -> bool:
    async with transaction() as db:
        return await mandates.active_of(db, company.payer) is not None


async def test_that_a_mandate_is_active_once_it_is_signed_whoever_hears_of_it_first(
    company: Company, bank: FakeBank
) -> None:
    made = await begun(company)
    assert (made.mandate.state, made.client_secret[-7:]) == ("PENDING", "_secret")
    await mandates.setup_changed(made.mandate.setup_id)
    assert not await is_active(company)

    bank.sign(made.mandate.setup_id)
    await mandates.setup_changed(made.mandate.setup_id)
    await mandates.setup_changed(made.mandate.setup_id)

    found = await mandates.finish(company.payer)
    assert (found.id, found.state, found.last4, found.reference) == (made.mandate.id, "ACTIVE", "3000", "M-1")
    assert (found.payment_method_id, found.accepted_by) == ("pm_1", "boss@example.com")


async def test_that_asking_is_enough_when_no_webhook_comes(company: Company, bank: FakeBank) -> None:
    bank.sign((await begun(company)).mandate.setup_id)
    assert (await mandates.finish(company.payer)).state == "ACTIVE"


async def test_that_the_same_wish_begins_one_mandate_and_one_customer(company: Company, bank: FakeBank) -> None:
    first, again, other = await begun(company), await begun(company), await begun(company, "two")
    assert first.mandate.id == again.mandate.id != other.mandate.id
    assert bank.customers == [company.payer]


async def test_that_a_new_signature_takes_the_place_of_the_old_one_and_not_before(
    company: Company, bank: FakeBank
) -> None:
    old = (await begun(company)).mandate
    bank.sign(old.setup_id)
    await mandates.setup_changed(old.setup_id)
    new = (await begun(company, "two")).mandate
    still = await shown(company)
    assert still
    assert still.id == old.id

    bank.sign(new.setup_id)
    await mandates.setup_changed(new.setup_id)

    found = await shown(company)
    assert found
    assert (found.id, found.state) == (new.id, "ACTIVE")
    async with transaction() as db:
        assert (await db.get_one(Mandate, old.id)).state == "REVOKED"


async def test_that_a_mandate_can_be_taken_back_once(company: Company, bank: FakeBank) -> None:
    bank.sign((await begun(company)).mandate.setup_id)
    await mandates.finish(company.payer)
    async with transaction() as db:
        await mandates.revoke(db, company.payer)
    assert not await is_active(company)
    with pytest.raises(NotFound):
        async with transaction() as db:
            await mandates.revoke(db, company.payer)


async def test_that_somebody_elses_setup_is_left_alone_and_without_one_there_is_nothing_to_finish(
    company: Company, bank: FakeBank
) -> None:
    await mandates.setup_changed("seti_of_a_card")
    with pytest.raises(NotFound):
        await mandates.finish(company.payer)
    assert await shown(company) is None
