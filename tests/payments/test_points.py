"""Points are owed: what a driver has is what the books say, and it always balances."""

from uuid import UUID

from emsp.db.engine import transaction
from emsp.loyalty import points
from emsp.payments import ledger
from emsp.payments.ledger.balances import POINTS, POINTS_ISSUED, points_account
from tests.payments.conftest import Person


async def owed(driver_id: UUID) -> tuple[int, int, int]:
    """The driver's points, what the books owe the driver, and what was issued in all."""
    async with transaction() as db:
        account = await ledger.balance(db, points_account(driver_id), POINTS)
        issued = await ledger.balance(db, POINTS_ISSUED, POINTS)
        assert await ledger.imbalance(db) == {}
        return await points.balance(db, driver_id), -account.amount_minor, issued.amount_minor


async def test_that_the_books_owe_what_the_driver_has(ada: Person) -> None:
    for reference, given in (("charge 1", 12), ("charge 1", 12), ("charge 2", 30), ("charge 3", 0)):
        async with transaction() as db:
            await points.award(db, driver_id=ada.id, points=given, reference=reference)
    assert await owed(ada.id) == (42, 42, 42)

    for reference, earned in (("r1", 20), ("r1", 20), ("r2", 5)):
        async with transaction() as db:
            await points.correct(db, driver_id=ada.id, charge="charge 2", points=earned, reference=reference)

    assert await owed(ada.id) == (17, 17, 17)


async def test_that_nothing_is_written_where_the_award_is_undone(ada: Person) -> None:
    class Undone(Exception):
        pass

    try:
        async with transaction() as db:
            await points.award(db, driver_id=ada.id, points=5, reference="charge")
            raise Undone
    except Undone:
        pass

    assert await owed(ada.id) == (0, 0, 0)
