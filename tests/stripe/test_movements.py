"""Our books beside the card processor's: what it kept, what it paid out, and what a dispute took."""

from uuid import uuid4

from emsp.db.engine import transaction
from emsp.money import Money
from emsp.payments import disputes, ledger, movements, ports
from emsp.payments.ledger.charges import payment_received
from emsp.payments.tables import Charge
from emsp.stripe.processor import StripeProcessor
from tests.graphql import rows
from tests.payments.conftest import a_person
from tests.stripe.conftest import Sandbox, taken

ACCOUNTS = ("processor_clearing", "processor_fees", "bank", "disputed", "receivable_written_off")


async def balances() -> dict[str, int]:
    """What stands on the accounts that are not empty, in cents."""
    async with transaction() as db:
        assert await ledger.imbalance(db) == {}
        found = {name: (await ledger.balance(db, name, "EUR")).amount_minor for name in ACCOUNTS}
    return {name: amount for name, amount in found.items() if amount}


async def test_that_both_agree_on_the_balance(database: str, processor: StripeProcessor, sandbox: Sandbox) -> None:
    ports.plug(processor)
    ada = await a_person()
    payment_id = await taken(processor, 3000)
    async with transaction() as db:
        facts = {"reference": str(uuid4()), "driver_id": ada.id, "payment_method_id": ada.card.id, "state": "PAID"}
        await rows.added(db, Charge(processor_id=payment_id, currency="EUR", amount_minor=3000, **facts))
        await payment_received(
            db, event="charge_paid", reference="r1", payer=f"driver:{ada.id}", amount=Money(3000, "EUR")
        )
    await movements.pull()
    assert await balances() == {"processor_clearing": 3000 - 70, "processor_fees": 70}

    await sandbox.pull("payouts", amount=500)
    opened = await sandbox.pull("disputes/open", payment_intent=payment_id)
    await movements.pull()
    assert await balances() == {
        "processor_clearing": 3000 - 70 - 500 - 3000 - 2000,
        "processor_fees": 70 + 2000,
        "bank": 500,
        "disputed": 3000,
    }
    await sandbox.pull("disputes/close", dispute=opened["id"], won=False)
    await disputes.dispute_changed(opened["id"])
    for _ in range(2):
        await movements.pull()
    ours = await balances()
    assert ours == {
        "processor_clearing": -2570,
        "processor_fees": 2070,
        "bank": 500,
        "receivable_written_off": 3000,
    }
    assert (await sandbox.look("books"))["balance"] == {"eur": ours["processor_clearing"]}
