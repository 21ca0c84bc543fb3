"""A record against a tariff: the verdict on each figure, which tariff decides, and what a difference comes from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from emsp.pricing.check.verify import (
    Against,
    Amount,
    Ask,
    Check,
    Reason,
    Tolerance,
    Verdict,
    Verification,
    What,
    verify,
)
from emsp.pricing.engine.policies import Policies, StepSizes
from emsp.pricing.engine.tariff import Component, Dimension, Element, PriceLimit, Restrictions, Tariff, TaxIncluded
from emsp.pricing.engine.trace import Period
from emsp.pricing.words.verdict_words import WORDS, check_text, verdict_text

START = datetime(2026, 6, 2, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
AGREES, TOLERATED, DIFFERS = Verdict.AGREES, Verdict.WITHIN_TOLERANCE, Verdict.DIFFERS
UNCHECKED = Verdict.NOT_CHECKABLE
ONE_HOUR = (Period(START, START + HOUR, Decimal(10_000), Decimal(3600)),)


def part(dimension: Dimension, price: str, vat: str | None = "21", step: int = 1) -> Component:
    return Component(dimension, Decimal(price), None if vat is None else Decimal(vat), step)


def tariff(*parts: Component, **facts: Any) -> Tariff:
    return Tariff("EUR", (Element(parts),), **facts)


KWH = tariff(part(Dimension.ENERGY, "0.45"))
"""Ten kilowatt-hours cost 4.50 EUR, with tax 5.445."""


def ask(net: str, gross: str | None = None, currency: str = "EUR", **parts: str) -> Ask:
    told = {What[name.upper()]: Amount(Decimal(amount)) for name, amount in parts.items()}
    return Ask(currency=currency, total=Amount(Decimal(net), None if gross is None else Decimal(gross)), parts=told)


def verified(
    said: Ask, snapshot: Tariff | None = KWH, periods: Sequence[Period] = ONE_HOUR, **more: Any
) -> Verification:
    return verify(said, [periods], snapshot=snapshot, **({"time_zone": "Europe/Amsterdam"} | more))


def total_of(verification: Verification) -> Check:
    assert verification.total is not None
    return verification.total


@pytest.mark.parametrize(
    ("said", "verdict", "reason", "undisputed"),
    [
        (ask("4.50"), AGREES, None, "4.50"),
        (ask("4.50", "5.45"), AGREES, None, "4.50"),
        (ask("4.4999"), AGREES, None, "4.50"),
        (ask("4.51"), TOLERATED, None, "4.51"),
        (ask("4.49", "5.43"), TOLERATED, None, "4.49"),  # two cents with tax, for a net that is off by one
        (ask("4.52"), DIFFERS, None, "4.50"),
        (ask("4.30"), DIFFERS, None, "4.30"),
        (ask("0"), DIFFERS, None, "0.00"),
        (ask("4.50", "6.00"), DIFFERS, Reason.ANOTHER_TAX, "4.50"),
        (ask("4.50", "4.50"), DIFFERS, Reason.ANOTHER_TAX, "4.50"),
        (ask("5.45", "6.59"), DIFFERS, Reason.TAX_IN_NET, "4.50"),
        (ask("4500"), DIFFERS, Reason.UNITS, "4.50"),
        (ask("4.50", currency="SEK"), UNCHECKED, Reason.ANOTHER_CURRENCY, None),
        (ask("NaN"), UNCHECKED, Reason.NOT_STATED, None),
        (ask("1E+30"), UNCHECKED, Reason.NOT_STATED, None),
    ],
)
def test_the_verdict_on_a_total(said: Ask, verdict: Verdict, reason: Reason | None, undisputed: str | None) -> None:
    found = verified(said)
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.undisputed_net == (None if undisputed is None else Decimal(undisputed))


@pytest.mark.parametrize(
    ("said", "more"),
    [
        (ask("4.52"), True),
        (ask("4.51"), False),
        (ask("4.30"), False),
        (ask("4.50", "6.00"), True),
        (ask("4.50", "4.50"), False),
        (ask("4.30", "6.00"), True),  # less before tax, and more with it
        (ask("4.50", currency="SEK"), False),
    ],
)
def test_that_only_what_asks_for_too_much_is_to_our_disadvantage(said: Ask, more: bool) -> None:
    assert verified(said).asks_more == more


def test_that_each_dimension_is_compared() -> None:
    both = tariff(part(Dimension.ENERGY, "0.45"), part(Dimension.TIME, "2.00"), part(Dimension.FLAT, "0.50"))
    volumes = {What.ENERGY: Decimal(10_000), What.TIME: Decimal(3600)}
    found = verified(replace(ask("7.60", energy="4.50", time="2.60"), volumes=volumes), both)
    assert [(check.what, check.verdict, check.reason) for check in found.checks] == [
        (What.ENERGY, AGREES, None),
        (What.TIME, DIFFERS, None),
        (What.FIXED, UNCHECKED, Reason.NOT_STATED),
        (What.TOTAL, DIFFERS, None),
    ]
    assert [(check.told_volume, check.billed_volume) for check in found.checks] == [
        (10_000, 10_000),
        (3600, 3600),
        (None, None),
        (None, None),
    ]
    assert total_of(found).difference == Decimal("0.60")


def test_that_another_split_of_the_same_total_is_no_difference() -> None:
    both = tariff(part(Dimension.ENERGY, "0.45"), part(Dimension.FLAT, "0.50"))
    found = verified(ask("5.00", energy="5.00", fixed="0"), both)
    assert (found.verdict, [check.reason for check in found.checks]) == (
        AGREES,
        [Reason.ANOTHER_SPLIT, Reason.ANOTHER_SPLIT, None],
    )


def test_that_the_snapshot_decides_and_the_records_own_tariff_explains() -> None:
    dearer = tariff(part(Dimension.ENERGY, "0.60"))
    changed = verified(ask("6.00"), embedded=[dearer])
    assert (changed.verdict, changed.reason, changed.against) == (DIFFERS, Reason.TARIFF_CHANGED, Against.SNAPSHOT)
    assert (changed.own_tariffs, changed.undisputed_net) == (AGREES, Decimal("4.50"))
    wrong = verified(ask("9.99"), embedded=[dearer])
    assert (wrong.reason, wrong.own_tariffs) == (None, DIFFERS)
    right = verified(ask("4.50"), embedded=[dearer])
    assert (right.verdict, right.own_tariffs) == (AGREES, DIFFERS)


@pytest.mark.parametrize("snapshot", [None, replace(KWH, not_computable="a restriction that nobody knows")])
def test_that_the_records_own_tariff_decides_where_there_is_no_other(snapshot: Tariff | None) -> None:
    found = verified(ask("5.00"), snapshot, embedded=[KWH])
    assert (found.verdict, found.against, found.undisputed_net) == (DIFFERS, Against.EMBEDDED, Decimal("4.50"))


def test_that_what_cannot_be_computed_says_why() -> None:
    assert verified(ask("4.50"), None).reason is Reason.NO_TARIFF_PUBLISHED
    assert verified(ask("4.50"), replace(KWH, not_computable="?")).reason is Reason.NOT_COMPUTABLE
    assert verified(ask("4.50"), time_zone="Mars/Olympus").reason is Reason.NOT_COMPUTABLE
    backwards = (Period(START + HOUR, START, Decimal(10_000)),)
    assert verified(ask("4.50"), periods=backwards).reason is Reason.NOT_COMPUTABLE
    included = replace(tariff(part(Dimension.ENERGY, "0.45", None)), tax_included=TaxIncluded.YES)
    assert verified(ask("4.50"), included).reason is Reason.TAX_UNKNOWN
    assert verified(ask("3.72", "4.50"), included).verdict is AGREES
    more = verified(ask("4.00", "5.00"), included)
    assert (more.verdict, more.undisputed_net) == (DIFFERS, Decimal("3.60"))


NIGHT = Restrictions(start_time=time(20), end_time=time(7))
BY_NIGHT = Tariff(
    "EUR", (Element((part(Dimension.ENERGY, "0.30"),), NIGHT), Element((part(Dimension.ENERGY, "0.50"),)))
)
IN_STEPS = tariff(part(Dimension.TIME, "6.00", step=900))
TWO_FLATS = Tariff(
    "EUR",
    (
        Element((part(Dimension.FLAT, "1.00"),), Restrictions(max_duration_s=1800)),
        Element((part(Dimension.FLAT, "2.00"), part(Dimension.ENERGY, "0.45"))),
    ),
)


@pytest.mark.parametrize(
    ("snapshot", "minutes", "net", "reason"),
    [
        (BY_NIGHT, 60, "5.00", Reason.TIME_ZONE),  # from 20:00 on the clock in Amsterdam, which is 18:00 UTC
        (IN_STEPS, 61, "6.10", Reason.STEP_SIZES),
        (TWO_FLATS, 60, "7.50", Reason.EVERY_FLAT),
        (tariff(part(Dimension.TIME, "6.00")), 60, "360.00", Reason.UNITS),
    ],
)
def test_what_a_difference_comes_from(snapshot: Tariff, minutes: int, net: str, reason: Reason) -> None:
    length = timedelta(minutes=minutes)
    periods = (Period(START, START + length, Decimal(10_000), Decimal(minutes * 60)),)
    assert verified(ask(net), snapshot, periods).reason is reason


def test_that_policies_of_an_agreement_are_no_difference() -> None:
    periods = (Period(START, START + timedelta(minutes=61), Decimal(10_000), Decimal(3660)),)
    agreed = Policies(step_sizes=StepSizes.IGNORED)
    assert verified(ask("6.10"), IN_STEPS, periods, policies=agreed).verdict is AGREES


def test_that_a_second_reading_of_the_measurement_may_explain_it() -> None:
    hours_of_two_digits = (Period(START, START + HOUR + timedelta(seconds=1), Decimal(0), Decimal(3600)),)
    by_clock = (replace(hours_of_two_digits[0], charging_s=Decimal(3601)),)
    found = verify(ask("7.50"), [hours_of_two_digits, by_clock], snapshot=IN_STEPS, time_zone="UTC")
    assert (found.verdict, found.reason) == (TOLERATED, Reason.ROUNDED_VOLUMES)
    assert found.ours is not None
    assert found.ours.net == Decimal("7.5")


QUARTERS = tuple(
    Period(START + HOUR * n / 4, START + HOUR * (n + 1) / 4, Decimal(2_750), Decimal(900)) for n in range(8)
)
THIRDS = tariff(part(Dimension.ENERGY, "0.313"), part(Dimension.TIME, "0.33"))
"""A quarter of an hour costs 0.86075 and 0.0825 EUR; two hours 7.546."""


@pytest.mark.parametrize(
    ("net", "habit"),
    [
        ("7.55", "once"),
        ("7.52", "each period"),  # 0.94 eight times
        ("7.51", "down"),
        ("7.53", "each line of each period, 0.86 and 0.08, and one slip"),
    ],
)
def test_that_rounded_parts_raise_no_alarm(net: str, habit: str) -> None:
    assert verified(ask(net), THIRDS, QUARTERS).verdict in (AGREES, TOLERATED), habit


def test_that_a_ceiling_is_a_ceiling_however_parts_are_rounded() -> None:
    limited = replace(THIRDS, max_price=PriceLimit(net=Decimal("7.00")))
    assert verified(ask("7.00"), limited, QUARTERS).verdict is AGREES
    assert verified(ask("7.02"), limited, QUARTERS).verdict is DIFFERS


def test_that_it_can_be_kept_and_read_again() -> None:
    found = verified(ask("6.00", "7.26", energy="6.00"), embedded=[KWH])
    assert msgspec.convert(msgspec.to_builtins(found), Verification) == found


@settings(max_examples=60, deadline=None)
@given(
    price=st.decimals("0.01", "2", places=4),
    energy_wh=st.integers(100, 90_000),
    vat=st.sampled_from(["0", "9", "21", "25.5"]),
    tolerance=st.integers(0, 20),
    extra=st.integers(0, 1000),
)
def test_that_a_single_line_is_found_wrong_exactly_above_the_tolerance(
    price: Decimal, energy_wh: int, vat: str, tolerance: int, extra: int
) -> None:
    snapshot = tariff(part(Dimension.ENERGY, str(price), vat))
    periods = (replace(ONE_HOUR[0], energy_wh=Decimal(energy_wh)),)
    ours = verified(ask("0"), snapshot, periods).ours
    assert ours is not None
    assert ours.net is not None
    cents = ours.net.quantize(Decimal("0.01"), "ROUND_HALF_UP")
    found = verified(ask(str(cents + Decimal(extra) / 100)), snapshot, periods, tolerance=Tolerance(tolerance))
    assert found.asks_more == (found.verdict is DIFFERS)
    if extra <= tolerance:
        assert found.verdict is not DIFFERS
    elif extra > 1:  # one cent more is what a net comes to that was taken from a rounded gross
        assert found.verdict is DIFFERS


@pytest.mark.parametrize("language", WORDS)
def test_that_every_language_says_all_of_it(language: str) -> None:
    assert WORDS[language].keys() == WORDS["en"].keys() >= {*Verdict, *What, *(set(Reason) - {Reason.NOT_STATED})}
    for found in (verified(ask("4.50")), verified(ask("4.50", "6.00")), verified(ask("4.50"), None)):
        assert verdict_text(found.verdict, found.reason, language, claimed=found.asks_more)
        assert all(check_text(check, language, "EUR") for check in found.checks)


def test_what_is_said() -> None:
    right, tax, unknown = (
        verified(ask("4.50", energy="4.50")),
        verified(ask("4.50", "6.00")),
        verified(ask("4.50"), None),
    )
    assert [check_text(check, "en", "EUR") for check in right.checks] == [
        "Energy: €4.50, as computed.",
        "Total before tax: €4.50, as computed.",
    ]
    assert check_text(tax.checks[-1], "de-AT", "EUR").startswith("Summe mit Steuern: Der Betreiber verlangt 6,00")
    assert check_text(unknown.checks[-1], "en", "EUR") == (
        "Total before tax: the operator asks for €4.50, which could not be computed again. "
        "The operator publishes no prices for this place."
    )
    assert verdict_text(DIFFERS, Reason.TARIFF_CHANGED, "xx", claimed=True) == (
        "The operator asks for more than its prices come to. You do not pay the difference: we claim it from the "
        "operator. It follows other prices than those published when the charge began."
    )
