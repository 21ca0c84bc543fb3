"""A record of a charge, checked before anybody is billed by it, and what follows by the agreement with its partner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import replace
from sqlmodel import col, select

from emsp.charging.lifecycle import State
from emsp.charging.records.readings import readings
from emsp.charging.records.record import Cost, Record
from emsp.charging.records.suspicion import LOOKED_AT, Odd, Seen, Suspicion, suspicions
from emsp.charging.tables import ChargeRecord, ChargingSession
from emsp.db.engine import Db
from emsp.money import round_money
from emsp.partners.agreements import Agreement, agreement_of
from emsp.partners.agreements import OnDifference as Decision
from emsp.pricing.check.verify import Amount, Ask, Check, Reason, Tolerance, Verdict, Verification, What, verify
from emsp.pricing.engine.policies import Policies
from emsp.pricing.engine.tariff import Tariff
from emsp.pricing.tables import Quote
from emsp.stations.tables import Station

__all__ = ["Checked", "Decision", "check_record", "seen"]

CHARGED = (State.ENDED, State.SETTLED, State.PAYMENT_DUE, State.IN_REVIEW)
SAME = timedelta(minutes=1)


@dataclass(frozen=True)
class Checked:
    """What came of it: `facts` go into the receipt, `reason` is a sentence for people ("" when nothing is to say)."""

    verification: Verification
    decision: Decision
    reason: str
    facts: dict[str, Any]


def seen(session: ChargingSession) -> dict[str, Any]:
    """What the session reported itself, to be kept with a record that is about to take its place."""
    told = Seen(session.energy_wh, session.started_at, session.ended_at, session.stop_requested_at)
    return {"seen": msgspec.to_builtins(told)}


async def check_record(
    db: Db, session: ChargingSession, row: ChargeRecord, quote: Quote, station: Station, *, duplicate: bool = False
) -> Checked:
    """Check a record against the tariff of its session, and keep the report of our side with it.

    `duplicate` says that another record of this charge stands: then nothing of this one is owed.
    """
    record, agreement = msgspec.convert(row.document, Record), await agreement_of(db, session.partner_id)
    before = msgspec.convert((row.verification or {}).get("seen"), Seen | None)
    found = [*suspicions(record, before), *await _elsewhere(db, session, record)]
    verification = _verified(record, quote, agreement, station.time_zone)
    if duplicate or any(one.code is Odd.DUPLICATE for one in found):
        verification = as_duplicate(verification, record)
    decision = _decision(verification, found, agreement)
    facts = _facts(verification, found, decision)
    kept = {"seen": msgspec.to_builtins(before)} if before else {}
    row.verification = kept | msgspec.to_builtins(verification) | {"suspicions": facts["suspicions"]}
    return Checked(verification, decision, _sentence(verification, found, decision), facts)


def _verified(record: Record, quote: Quote, agreement: Agreement, time_zone: str) -> Verification:
    return verify(
        ask_of(record),
        readings(record),
        snapshot=msgspec.convert(quote.wholesale, Tariff) if quote.wholesale else None,
        embedded=record.tariffs,
        time_zone=time_zone,
        policies=msgspec.convert(agreement.pricing, Policies),
        tolerance=Tolerance(agreement.tolerance_minor, agreement.tolerance_percent),
    )


def ask_of(record: Record) -> Ask:
    """What a record asks for, as it is compared."""
    asked = record.asked
    costs: dict[What, Cost | None] = {
        What.ENERGY: asked.energy,
        What.TIME: asked.time,
        What.PARKING_TIME: asked.parking,
        What.FIXED: asked.fixed,
        What.RESERVATION: asked.reservation,
    }
    charging_s = None if record.total_time_s is None else record.total_time_s - (record.total_parking_s or 0)
    volumes = {What.ENERGY: record.energy_wh, What.TIME: charging_s, What.PARKING_TIME: record.total_parking_s}
    return Ask(
        currency=record.currency,
        total=Amount(record.net_cost, record.gross_cost),
        parts={what: Amount(cost.net, cost.gross) for what, cost in costs.items() if cost is not None},
        volumes={what: volume for what, volume in volumes.items() if volume is not None},
    )


def as_duplicate(verification: Verification, record: Record) -> Verification:
    """The same, as what it is for a charge that another record is of: nothing is owed."""
    zero = Amount(Decimal(0), Decimal(0))
    asked = Amount(record.net_cost, record.gross_cost)
    total = Check(
        what=What.TOTAL,
        verdict=Verdict.DIFFERS,
        reason=Reason.DUPLICATE,
        asked=asked,
        computed=zero,
        difference=record.net_cost,
    )
    return replace(
        verification,
        verdict=Verdict.DIFFERS,
        reason=Reason.DUPLICATE,
        checks=(*verification.checks[:-1], total),
        undisputed_net=round_money(Decimal(0), record.currency).amount,
    )


async def _elsewhere(db: Db, session: ChargingSession, record: Record) -> list[Suspicion]:
    """Charges of the same driver at the same time; the same one again, when it is the same charge point throughout."""
    others = select(ChargingSession).where(
        ChargingSession.driver_id == session.driver_id,
        ChargingSession.id != session.id,
        col(ChargingSession.state).in_(CHARGED),
        col(ChargingSession.started_at) < record.ended_at,
        col(ChargingSession.ended_at) > record.started_at,
    )
    overlapping: Sequence[ChargingSession] = (await db.execute(others)).scalars().all()
    if any(is_same_charge(other, session, record) for other in overlapping):
        return [Suspicion(Odd.DUPLICATE, "The same charge was billed before.")]
    text = "Another charge of the same driver ran at the same time."
    return [Suspicion(Odd.OVERLAPPING, text)] if overlapping else []


def is_same_charge(other: ChargingSession, session: ChargingSession, record: Record) -> bool:
    """Whether another charge is this one: one plug cannot give the same energy twice in the same minutes."""
    assert other.started_at is not None
    assert other.ended_at is not None
    return (
        other.evse_id == session.evse_id
        and other.energy_wh == session.energy_wh
        and other.created_at < session.created_at
        and abs(other.started_at - record.started_at) <= SAME
        and abs(other.ended_at - record.ended_at) <= SAME
    )


def _decision(verification: Verification, found: Sequence[Suspicion], agreement: Agreement) -> Decision:
    """Less than is due is taken as it is; more, by the agreement."""
    if any(one.code in LOOKED_AT for one in found):
        return Decision.REVIEW
    return agreement.on_difference if verification.asks_more else Decision.ACCEPT


def _sentence(verification: Verification, found: Sequence[Suspicion], decision: Decision) -> str:
    told = [one.text for one in found if decision is not Decision.REVIEW or one.code in LOOKED_AT]
    if verification.asks_more and verification.total is not None:
        asked, computed = verification.total.asked, verification.total.computed
        side = "gross" if verification.reason is Reason.ANOTHER_TAX or computed.net is None else "net"
        theirs, ours = (round_money(getattr(one, side), verification.currency) for one in (asked, computed))
        told = [f"It asks for {theirs}, and its tariff gives {ours}.", *told]
    return " ".join(told)


def _facts(verification: Verification, found: Sequence[Suspicion], decision: Decision) -> dict[str, Any]:
    """What the receipt keeps: the total in whole minor units, each check in full."""
    total, currency = verification.total, verification.currency
    asked = round_money(total.asked.net, currency) if total and total.asked.net is not None else None
    computed = round_money(total.computed.net, currency) if total and total.computed.net is not None else None
    return {
        "result": verification.verdict,
        "reason": verification.reason,
        "currency": currency,
        "asked": asked and str(asked.amount),
        "computed": computed and str(computed.amount),
        "against": verification.against,
        "checks": msgspec.to_builtins(verification.checks),
        "suspicions": msgspec.to_builtins(found),
        "claimed": decision is Decision.CLAIM,
    }
