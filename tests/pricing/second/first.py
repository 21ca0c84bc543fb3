"""The first pricer, asked in the same way as the second: raw OCPI in."""

from __future__ import annotations

from emsp.ocpi.words import bridge, messages
from emsp.ocpi.words.reading import convert
from emsp.ocpi.words.translate_charge import periods_of
from emsp.ocpi.words.translate_tariff import tariff_of
from emsp.pricing.engine import price as engine
from emsp.pricing.engine.report import Report
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.engine.trace import Period
from tests.pricing.second.walk import Document, moment


def price(tariff: Document, cdr: Document, time_zone: str, version: str = "2.2.1") -> Report:
    """What the product says that the CDR costs by the tariff. Raises NotComputable or Invalid."""
    return engine.price(read_tariff(tariff, version), read_periods(cdr), time_zone=time_zone)


def read_tariff(tariff: Document, version: str = "2.2.1") -> Tariff:
    """The tariff as the product keeps it. Raises Invalid."""
    named = {"id": "T", "currency": "EUR", **tariff}
    return tariff_of(convert(bridge.lift("tariffs", version, named), messages.Tariff))


def read_periods(cdr: Document) -> list[Period]:
    """The charging periods as the product keeps them. Raises Invalid."""
    periods = convert(cdr["charging_periods"], list[messages.ChargingPeriod])
    return list(periods_of(periods, moment(cdr["end_date_time"])))
