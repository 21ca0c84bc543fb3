"""Exchange rates: what the European Central Bank's files say, fetched, kept, and the newest of them found."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import select

from emsp import clock
from emsp.db.engine import transaction
from emsp.errors import Invalid
from emsp.pricing.retail.packaged_rates import AS_OF, PACKAGED
from emsp.pricing.retail.rate_files import DayRate, rates_in
from emsp.pricing.retail.rates import fetch_rates, keep_rates, known_rates
from emsp.pricing.tables import ExchangeRate
from emsp.settings import settings
from tests.pricing.bank import Bank, serving

DAY = date(2026, 11, 20)
XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
  <Cube><Cube time='2026-11-20'><Cube currency='USD' rate='1.1204'/><Cube currency='SEK' rate='10.9900'/></Cube></Cube>
</gesmes:Envelope>"""
TABLE = b"Date,USD,SEK,BGN,\n2026-11-20,1.1204,10.9900,N/A,\n2026-11-19,1.1200,10.9800,,\n2026-03-01,1.1,10,,\n"
ONE_DAY = b"Date, USD, SEK, \n20 November 2026, 1.1204, 10.9900, \n"
RATES = [DayRate("USD", DAY, Decimal("1.1204")), DayRate("SEK", DAY, Decimal("10.9900"))]
BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><x>&b;</x>"""


def zipped(content: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eurofxref-hist.csv", content)
    return made.getvalue()


@pytest.mark.parametrize("content", [XML, ONE_DAY, zipped(ONE_DAY)])
def test_the_files_of_a_day_say_the_same(content: bytes) -> None:
    assert rates_in(content) == RATES


def test_the_history_has_every_day_and_leaves_out_what_is_not_quoted() -> None:
    assert [(rate.as_of.isoformat(), rate.currency) for rate in rates_in(zipped(TABLE))] == [
        ("2026-11-20", "USD"), ("2026-11-20", "SEK"), ("2026-11-19", "USD"), ("2026-11-19", "SEK"),
        ("2026-03-01", "USD"), ("2026-03-01", "SEK"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "file: has no header that begins with Date"),
        (b"<html>down for maintenance</html>", "file: holds no exchange rates"),
        (b"<html>", "file: is no file of reference rates"),
        (BOMB, "file: has a document type"),
        (BOMB.decode().encode("utf-16"), "file: is no file of reference rates"),
        (b"PK\x03\x04 and nothing more", "file: cannot be unzipped"),
        (b"Date,USD\n2026-11-20,0\n", "2026-11-20.USD: '0' is no exchange rate"),
        (b"Date,USD\n2026-11-20,NaN\n", "2026-11-20.USD: 'NaN' is no exchange rate"),
        (b"Date,USD\n2026-11-20,one\n", "2026-11-20.USD: 'one' is no number"),
        (b"Date,dollar\n2026-11-20,1\n", "2026-11-20.dollar: 'dollar' is no currency code"),
        (b"Date,USD\nyesterday,1\n", "yesterday.USD: 'yesterday' is no date"),
        (XML.replace(b"time='2026-11-20'", b""), "?.USD: '' is no date"),
    ],
)
def test_anything_else_is_refused_by_place(content: bytes, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        rates_in(content)

    assert str(caught.value).startswith(said)


async def known(**named: Any) -> dict[str, tuple[Decimal, date, bool]]:
    async with transaction() as db:
        found = await known_rates(db, **named)
    return {rate.currency: (rate.per_euro, rate.as_of, rate.old) for rate in found}


async def test_an_installation_begins_with_the_rates_that_came_with_it(database: str) -> None:
    found = await known(old_after_days=100_000)

    assert len(found) == len(PACKAGED) == 29
    assert found["SEK"] == (Decimal("10.978"), AS_OF, False)
    assert (await known(old_after_days=0))["SEK"][2] is (clock.now().date() > AS_OF)


async def test_the_newest_of_each_currency_is_found_and_the_same_file_twice_changes_nothing(database: str) -> None:
    today = clock.now().date()
    newer = [DayRate("SEK", today, Decimal("11.01")), DayRate("SEK", today - timedelta(days=1), Decimal("11.00"))]
    for _ in range(2):
        async with transaction() as db:
            assert await keep_rates(db, newer) == 2

    found = await known()
    assert found["SEK"] == (Decimal("11.01"), today, False)
    assert found["USD"][1] == AS_OF


async def test_of_a_history_the_last_days_are_kept_and_none_of_the_future(database: str) -> None:
    async with transaction() as db:
        assert await keep_rates(db, rates_in(TABLE)) == 4
    with pytest.raises(Invalid, match="is yet to come"):
        async with transaction() as db:
            await keep_rates(db, [DayRate("SEK", clock.now().date() + timedelta(days=2), Decimal(11))])

    async with transaction() as db:
        assert len((await db.scalars(select(ExchangeRate))).all()) == 4


@pytest.fixture
async def bank(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bank]:
    """A web server in the place of the bank's."""
    with serving() as server:
        monkeypatch.setenv("EMSP_EXCHANGE_RATES_URL", f"{server.url}/eurofxref-daily.xml")
        settings.cache_clear()
        yield server
    monkeypatch.undo()
    settings.cache_clear()


async def test_the_job_keeps_what_the_bank_publishes(bank: Bank) -> None:
    bank.body = XML.replace(b"2026-11-20", AS_OF.isoformat().encode())

    await fetch_rates()
    await fetch_rates()

    assert (await known())["USD"][0] == Decimal("1.1204")
    assert bank.asked == ["/eurofxref-daily.xml"] * 2


@pytest.mark.parametrize(
    ("status", "body"), [(404, b"gone"), (302, b""), (200, b"<html>sorry</html>"), (200, b"x" * 2**21)]
)
async def test_a_bank_that_fails_changes_nothing(bank: Bank, status: int, body: bytes) -> None:
    bank.status, bank.body = status, body

    await fetch_rates()

    assert (await known())["SEK"][1] == AS_OF


async def test_without_an_address_nothing_is_fetched(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMSP_EXCHANGE_RATES_URL", "")
    settings.cache_clear()

    await fetch_rates()

    assert bank.asked == []
