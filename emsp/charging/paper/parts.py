"""The parts of a receipt below its lines: the charge, the payment, what was quoted, what came of checking it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from emsp.charging.paper.facts import Facts, OnCard
from emsp.charging.paper.words import phrase
from emsp.money import Money
from emsp.papers import said
from emsp.papers.paper import Fact, Section
from emsp.payments.tables import PaymentMethod
from emsp.pricing.check.verdicts import Reason, Verdict
from emsp.pricing.words.verdict_words import verdict_text

CONNECTORS = {
    "CHADEMO": "CHAdeMO",
    "DOMESTIC_F": "Schuko",
    "IEC_62196_T1": "Type 1",
    "IEC_62196_T1_COMBO": "CCS 1",
    "IEC_62196_T2": "Type 2",
    "IEC_62196_T2_COMBO": "CCS 2",
}


def sections(facts: Facts, form: str) -> Iterator[Section]:
    """The charge, the payment, what was quoted, and the check of the operator's record."""
    language = facts.driver.language
    yield Section(phrase("charge", language), tuple(_charge(facts)))
    heading = "repayment" if form == "CREDIT_NOTE" else "payment"
    yield Section(phrase(heading, language), tuple(_paid(facts, form)))
    if not facts.first:
        yield _quoted(facts)
    if "result" in facts.receipt.verification and not facts.receipt.reason:
        yield Section(phrase("checked", language), (), _verdict(facts))


def _charge(facts: Facts) -> Iterator[Fact]:
    language, place, delivered = facts.driver.language, facts.place, facts.delivered
    station, zone = place.station, place.station.time_zone
    town = " ".join(part for part in (station.postal_code, station.city) if part)
    address = ", ".join(part for part in (station.street, town) if part)
    connector = CONNECTORS.get(place.connector.standard, place.connector.standard.replace("_", " "))
    if power_w := place.connector.max_power_w:
        connector += f", {said.number(Decimal(power_w) / 1000, language, decimals=1)} kW"
    known = {
        "station": station.name or station.street or station.external_id,
        "address": address,
        "operator": place.operator.name if place.operator else None,
        "evse": place.evse.evse_id or place.evse.uid,
        "connector": connector,
        "began": said.moment(delivered.started_at, zone, language) if delivered.started_at else None,
        "ended": said.moment(delivered.ended_at, zone, language) if delivered.ended_at else None,
        "energy": said.energy(delivered.energy_wh, language),
    }
    for key, value in known.items():
        if value:
            yield Fact(phrase(key, language), value)
    if delivered.started_at and delivered.ended_at:
        lasted = delivered.ended_at - delivered.started_at
        yield Fact(phrase("duration", language), said.duration(lasted.days * 86_400 + lasted.seconds))


def _paid(facts: Facts, form: str) -> Iterator[Fact]:
    """What was held, taken and given back, and what it comes to."""
    language, payment = facts.driver.language, facts.payment
    if facts.fleet:
        yield Fact(phrase("paid", language), phrase("fleet", language, fleet=facts.fleet.name))
        return
    if payment.held:
        yield from _on_card("held", payment.held, facts)
    if payment.balance.amount_minor:
        label = "balance" if payment.balance.amount_minor > 0 else "balance_back"
        yield Fact(phrase(label, language), shown(facts, abs(payment.balance.amount_minor)))
    for taken in (*([payment.captured] if payment.captured else []), *payment.charged):
        yield from _on_card("captured", taken, facts)
    if payment.released.amount_minor:
        yield Fact(phrase("released", language), said.amount(payment.released, language))
    for back in payment.back:
        yield from _on_card("given_back", back, facts)
    yield from _outcome(facts, form)


def _outcome(facts: Facts, form: str) -> Iterator[Fact]:
    language, payment = facts.driver.language, facts.payment
    if form == "CREDIT_NOTE":
        back_minor = sum(one.amount.amount_minor for one in payment.back) - min(0, payment.balance.amount_minor)
        rest_minor = -facts.receipt.total_minor - back_minor
        if rest_minor > 0:
            label = "less_due" if payment.paid_in_all.amount_minor <= payment.owed_in_all.amount_minor else "under_way"
            yield Fact(phrase(label, language), shown(facts, rest_minor), strong=True)
        return
    yield Fact(phrase("paid", language), said.amount(payment.paid, language), strong=True)
    if payment.due.amount_minor:
        yield Fact(phrase("due", language), said.amount(payment.due, language), strong=True)


def _on_card(key: str, moved: OnCard, facts: Facts) -> Iterator[Fact]:
    """How much on which card, and when; what is held has its time in what is taken of it."""
    language = facts.driver.language
    amount = said.amount(moved.amount, language)
    yield Fact(
        phrase(key, language), phrase(f"{key}_value", language, amount=amount, card=card_name(moved.card, language))
    )
    if moved.at is None:
        yield Fact(phrase(f"{key}_on", language), phrase("under_way", language))
    elif key != "held":
        at = said.moment(moved.at, facts.place.station.time_zone, language)
        yield Fact(phrase(f"{key}_on", language), at)


def card_name(card: PaymentMethod | None, language: str) -> str:
    """A card as its owner knows it, such as Visa •••• 4242."""
    if card is None or not card.last4:
        return phrase("card", language)
    name = (card.brand_name or phrase("card", language)).replace("_", " ")
    return f"{name[:1].upper()}{name[1:]} •••• {card.last4}"


def _quoted(facts: Facts) -> Section:
    language, quote = facts.driver.language, facts.quote
    heading = phrase("quoted", language)
    billed = phrase(
        "billed_value",
        language,
        amount=shown(facts, facts.receipt.total_minor),
        energy=said.energy(facts.delivered.energy_wh, language),
    )
    said_of_bill = Fact(phrase("billed_label", language), billed)
    if quote.total_minor is None or quote.currency is None:
        return Section(heading, (said_of_bill,), phrase("no_quote", language))
    amount = said.amount(Money(quote.total_minor, quote.currency), language)
    planned = quote.plan.get("energy_wh")
    told = (
        phrase("quoted_value", language, amount=amount, energy=said.energy(int(Decimal(planned)), language, at_least=0))
        if planned
        else amount
    )
    return Section(heading, (Fact(phrase("quoted_label", language), told), said_of_bill), _rule(facts))


def _rule(facts: Facts) -> str | None:
    """Whether the bill keeps to the prices that were shown; nothing is said where the brand bills otherwise."""
    keeps = facts.quote.tariff is not None and facts.quote.tariff.get("guarantee", "QUOTED_RULE") == "QUOTED_RULE"
    return phrase("same_rule", facts.driver.language) if keeps else None


def _verdict(facts: Facts) -> str:
    checked = facts.receipt.verification
    reason = Reason(checked["reason"]) if checked.get("reason") else None
    claimed = bool(checked.get("claimed"))
    return verdict_text(Verdict(checked["result"]), reason, facts.driver.language, claimed=claimed)


def shown(facts: Facts, amount_minor: int) -> str:
    """Minor units of the receipt's currency, in the driver's language."""
    return said.amount(Money(amount_minor, facts.receipt.currency), facts.driver.language)
