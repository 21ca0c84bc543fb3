"""Exchange rates: fetched on working days, kept by day, and the newest known of each currency."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock, http, logs
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, PartnerFailed
from emsp.pricing.retail.conversion import ExchangeRate
from emsp.pricing.retail.packaged_rates import PACKAGED, SOURCE
from emsp.pricing.retail.rate_files import DayRate, rates_in
from emsp.pricing.tables import ExchangeRate as Row
from emsp.settings import settings

MAX_BYTES = 1024 * 1024
TIMEOUT_S = 20
KEPT_DAYS = 90
OLD_DAYS = 10

log = logs.log(__name__)


async def fetch_rates() -> None:
    """Job: get the newest rates. Where that fails, those that are known stay; an assumption says how old they are."""
    if not settings().exchange_rates_url:
        return
    try:
        found = await fetched()
        async with transaction() as db:
            await keep_rates(db, found)
    except (PartnerFailed, Invalid) as error:
        log.warning("exchange rates could not be fetched", reason=str(error))


async def fetched() -> list[DayRate]:
    """The rates at EMSP_EXCHANGE_RATES_URL. Raises PartnerFailed where it does not answer, Invalid for other things."""
    url = settings().exchange_rates_url or ""
    reply = await http.request("GET", url, timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES)
    if not reply.ok:
        raise PartnerFailed(f"{url} answered HTTP {reply.status}")
    return rates_in(reply.body)


async def keep_rates(db: Db, rates: Sequence[DayRate]) -> int:
    """Keep the rates of the last days in a file; how many are kept. Raises Invalid for a day that is yet to come."""
    newest = max(rate.as_of for rate in rates)
    if newest > clock.now().date() + timedelta(days=1):
        raise Invalid(f"{newest} is yet to come", "date")
    kept = {(rate.currency, rate.as_of): rate for rate in rates if rate.as_of > newest - timedelta(days=KEPT_DAYS)}
    rows = [{**rate._asdict(), "source": SOURCE, "created_at": clock.now()} for rate in kept.values()]
    statement = insert(Row)
    await db.execute(
        statement.on_conflict_do_update(
            index_elements=["currency", "as_of"], set_={"per_euro": statement.excluded.per_euro}
        ),
        rows,
    )
    return len(rows)


async def known_rates(db: Db, *, old_after_days: int = OLD_DAYS) -> tuple[ExchangeRate, ...]:
    """The newest rate of every currency, by its code: of those that were kept and those that came with the product.

    One older than `old_after_days` says that it is `old`.
    """
    query = select(Row).distinct(col(Row.currency)).order_by(col(Row.currency), col(Row.as_of).desc())
    kept = [ExchangeRate(row.currency, _plain(row.per_euro), row.as_of, row.source) for row in await db.scalars(query)]
    newest = dict[str, ExchangeRate]()
    for rate in sorted([*PACKAGED, *kept], key=lambda rate: rate.as_of):
        newest[rate.currency] = rate
    today = clock.now().date()
    return tuple(_aged(rate, today, old_after_days) for _, rate in sorted(newest.items()))


def _aged(rate: ExchangeRate, today: date, old_after_days: int) -> ExchangeRate:
    old = (today - rate.as_of).days > old_after_days
    return ExchangeRate(rate.currency, rate.per_euro, rate.as_of, rate.source, old)


def _plain(value: Decimal) -> Decimal:
    return value.normalize() + 0
