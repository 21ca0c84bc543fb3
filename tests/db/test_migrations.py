"""The migrations make exactly the tables that the code declares."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from emsp.db import migrate
from emsp.db.engine import transaction


def test_that_the_migrated_database_has_what_the_tables_declare(database_url: str) -> None:
    assert migrate.is_current()
    assert migrate.differences() == []


async def _post(amounts: list[tuple[str, int]]) -> None:
    async with transaction() as db:
        await db.execute(text("INSERT INTO ledger_transaction (event, reference, created_at) VALUES ('t', 'r', now())"))
        for currency, amount in amounts:
            await db.execute(
                text(
                    "INSERT INTO ledger_entry (transaction_id, account, currency, amount_minor)"
                    " SELECT max(id), 'a', :currency, :amount FROM ledger_transaction"
                ),
                {"currency": currency, "amount": amount},
            )


@pytest.mark.parametrize("amounts", [[("EUR", 5)], [("EUR", 5), ("SEK", -5)], [("EUR", 5), ("EUR", -4)]])
async def test_that_the_database_refuses_entries_that_do_not_sum_to_zero(
    database: str, amounts: list[tuple[str, int]]
) -> None:
    with pytest.raises(DBAPIError, match="does not sum to zero"):
        await _post(amounts)


async def test_that_written_entries_cannot_be_changed_or_removed(database: str) -> None:
    await _post([("EUR", 5), ("EUR", -5)])
    for statement in ("UPDATE ledger_entry SET amount_minor = 1", "DELETE FROM ledger_entry"):
        with pytest.raises(DBAPIError, match="written once"):
            async with transaction() as db:
                await db.execute(text(statement))
