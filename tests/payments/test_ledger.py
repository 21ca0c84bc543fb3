"""The books: what happened is written once, and always balances."""

from emsp.db.engine import transaction
from emsp.money import Money
from emsp.payments import ledger


async def test_that_a_billed_and_paid_charge_leaves_the_driver_owing_nothing(database: str) -> None:
    async with transaction() as db:
        await ledger.charge_billed(db, reference="r1", payer="driver:a", net_minor=1000, total=Money(1210, "EUR"))
        await ledger.energy_bought(db, reference="c1", seller="cpo:NL-SBX", cost=Money(800, "EUR"))
    async with transaction() as db:
        await ledger.payment_received(
            db, event="hold_captured", reference="r1", payer="driver:a", amount=Money(1210, "EUR")
        )
    async with transaction() as db:
        balances = {
            account: (await ledger.balance(db, account, "EUR")).amount_minor
            for account in ("driver:a", ledger.REVENUE, ledger.TAX, ledger.CLEARING, ledger.ENERGY_COST, "cpo:NL-SBX")
        }
        assert balances == {
            "driver:a": 0,
            "revenue": -1000,
            "tax": -210,
            "processor_clearing": 1210,
            "energy_cost": 800,
            "cpo:NL-SBX": -800,
        }
        assert await ledger.imbalance(db) == {}


async def test_that_a_claim_lowers_what_is_owed_by_what_is_not_given_up(database: str) -> None:
    async with transaction() as db:
        await ledger.energy_bought(db, reference="c1", seller="cpo:NL-SBX", cost=Money(800, "EUR"))
        for _ in range(2):
            await ledger.claim_opened(db, reference="claim", seller="cpo:NL-SBX", disputed=Money(300, "EUR"))
            await ledger.claim_closed(db, reference="claim", seller="cpo:NL-SBX", given_up=Money(100, "EUR"))
        balances = [await ledger.balance(db, account, "EUR") for account in ("cpo:NL-SBX", ledger.ENERGY_COST)]
        assert balances == [Money(-600, "EUR"), Money(600, "EUR")]
        assert await ledger.imbalance(db) == {}


async def test_that_the_same_event_is_written_once(database: str) -> None:
    async with transaction() as db:
        first = await ledger.payment_received(
            db, event="hold_captured", reference="r1", payer="driver:a", amount=Money(100, "EUR")
        )
        second = await ledger.payment_received(
            db, event="hold_captured", reference="r1", payer="driver:a", amount=Money(100, "EUR")
        )
        assert (first, second) == (True, False)
        assert await ledger.balance(db, ledger.CLEARING, "EUR") == Money(100, "EUR")
