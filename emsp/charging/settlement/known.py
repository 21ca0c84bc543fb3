"""Our records of an operator's charges, as its invoices are held against them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, and_, cast
from sqlalchemy.types import DateTime
from sqlmodel import col, select

from emsp.charging.lifecycle import State
from emsp.charging.records.claims import ClaimState, disputed
from emsp.charging.records.judge import kept_in, record_in
from emsp.charging.records.record import Record
from emsp.charging.records.standing import standing
from emsp.charging.settlement.matching import OurRecord, Standing
from emsp.charging.settlement.months import Month
from emsp.charging.settlement.movements import movements
from emsp.charging.settlement.statement import KINDS
from emsp.charging.tables import ChargeRecord, ChargingSession, Claim
from emsp.db.engine import Db
from emsp.money import is_known_currency, round_money
from emsp.partners.parties import PartyCode
from emsp.pricing.check.verify import Reason
from emsp.stations.tables import Station

Item = TypeVar("Item")
PORTION = 5000
WAITS = "This record was not accepted: the charge is looked at."
FAILED = "Nothing is owed: the driver was told that the charge had failed."
BESIDE = "Nothing is owed: another record of the charge stands."


async def our_records(db: Db, party: PartyCode, keys: Collection[str]) -> dict[str, OurRecord]:
    """Our records with these keys, and all that belong to the same charges or ended in the same months."""
    named = [row for some in _portions(sorted(keys)) for row in await _rows(db, party, _named(some))]
    months = {_month(record_in(row)) for row in named}
    around = [row for month in sorted(months) for row in await _rows(db, party, _ended_in(month))]
    sessions = {row.session_id for row in (*named, *around) if row.session_id}
    beside = [row for some in _portions(sorted(sessions)) for row in await _rows(db, party, _of_sessions(some))]
    return await _described(db, party, list({row.id: row for row in (*named, *around, *beside)}.values()))


async def _described(db: Db, party: PartyCode, rows: Sequence[ChargeRecord]) -> dict[str, OurRecord]:
    by_session: dict[UUID | None, list[ChargeRecord]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.created_at, row.revision)):
        by_session[row.session_id].append(row)
    ids = [session_id for session_id in by_session if session_id]
    asked, zones, states, claims = await _booked(db, party, ids), {}, {}, await _claims(db, ids)
    for some in _portions(ids):
        query = select(ChargingSession.id, ChargingSession.state, Station.time_zone).join(
            Station, col(Station.id) == col(ChargingSession.station_id)
        )
        for known_id, state, zone in await db.execute(query.where(col(ChargingSession.id).in_(some))):
            states[known_id], zones[known_id] = state, zone
    found: dict[str, OurRecord] = {}
    for session_id, of_charge in by_session.items():
        if session_id is None:
            found |= {row.external_key: _foreign(row) for row in of_charge}
            continue
        one = _Charge(of_charge, asked.get(session_id, {}), states[session_id], zones[session_id], claims)
        found |= one.records()
    return found


class _Charge:
    """The records of one charge, beside what was booked of it."""

    def __init__(
        self,
        rows: Sequence[ChargeRecord],
        asked: Mapping[str, int],
        state: str,
        zone: str,
        claims: Mapping[UUID, Claim],
    ) -> None:
        self.rows, self.asked, self.state, self.zone, self.claims = rows, asked, state, zone, claims
        kept = standing(kept_in(rows))
        self.stands = kept.stands.id if kept.stands else None
        self.beside = {one.id for one in kept.second}
        self.has_credit = any(record_in(row).credit for row in rows)

    def records(self) -> dict[str, OurRecord]:
        """By key; of what came several times under one id the last one counts."""
        return {row.external_key: self._record(row) for row in self.rows}

    def _record(self, row: ChargeRecord) -> OurRecord:
        record = record_in(row)
        net_minor, tax_minor = _amounts(record)
        where, note = self._standing(row, record)
        owed_minor, claim = net_minor, self.claims.get(row.id)
        if where is Standing.OWED:
            net_minor = owed_minor = self.asked.get(record.currency, 0)
            if claim and claim.state != ClaimState.CREDITED and claim.currency == record.currency:
                owed_minor = net_minor - disputed(claim).amount_minor + claim.given_up_minor
        elif where is Standing.NOT_OWED:
            owed_minor = 0
        return OurRecord(
            record=row.external_id,
            charge=str(row.session_id),
            month=str(_month(record, self.zone)),
            standing=where,
            currency=record.currency,
            net_minor=net_minor,
            owed_minor=owed_minor,
            tax_minor=tax_minor,
            in_dispute=bool(claim and claim.state == ClaimState.OPEN and where is Standing.OWED),
            note=note,
        )

    def _standing(self, row: ChargeRecord, record: Record) -> tuple[Standing, str]:
        if record.credit:
            return Standing.CREDIT, ""
        if row.id == self.stands:
            if self.asked:
                return Standing.OWED, ""
            return Standing.NOT_OWED, FAILED if self.state == State.FAILED else WAITS
        if row.id not in self.beside and self.has_credit:
            return Standing.CREDITED, ""
        return Standing.NOT_OWED, BESIDE


def _foreign(row: ChargeRecord) -> OurRecord:
    record = record_in(row)
    net_minor, tax_minor = _amounts(record)
    return OurRecord(
        record=row.external_id,
        charge=str(row.id),
        month=str(_month(record)),
        standing=Standing.NOT_OURS,
        currency=record.currency,
        net_minor=net_minor,
        owed_minor=0,
        tax_minor=tax_minor,
    )


def _amounts(record: Record) -> tuple[int, int | None]:
    """Net and tax in minor units; a credit is less than nothing, however it is written."""
    if not is_known_currency(record.currency):
        return 0, None
    net = round_money(record.net_cost, record.currency).amount_minor
    gross = None if record.gross_cost is None else round_money(record.gross_cost, record.currency).amount_minor
    tax = None if gross is None else gross - net
    return (-abs(net), tax and -abs(tax)) if record.credit else (net, tax)


async def _booked(db: Db, party: PartyCode, session_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """What was booked as asked for each charge, by currency; claims left aside."""
    booked: dict[UUID, dict[str, int]] = {}
    for some in _portions(session_ids):
        for one in await movements(db, party, session_ids=list(some)):
            if one.session_id and KINDS.get(one.event) in ("RECORD", "CORRECTION"):
                of_charge = booked.setdefault(one.session_id, {})
                of_charge[one.currency] = of_charge.get(one.currency, 0) + one.owed_minor
    return booked


async def _claims(db: Db, session_ids: Sequence[UUID]) -> dict[UUID, Claim]:
    found: dict[UUID, Claim] = {}
    for some in _portions(session_ids):
        query = select(Claim).where(col(Claim.session_id).in_(some), Claim.reason != Reason.ANOTHER_TAX)
        found |= {claim.record_id: claim for claim in (await db.execute(query)).scalars()}
    return found


async def _rows(db: Db, party: PartyCode, condition: ColumnElement[bool]) -> Sequence[ChargeRecord]:
    query = select(ChargeRecord).where(
        ChargeRecord.country_code == party.country_code, ChargeRecord.party_id == party.party_id
    )
    return (await db.execute(query.where(condition))).scalars().all()


def _named(keys: Iterable[str]) -> ColumnElement[bool]:
    return col(ChargeRecord.external_key).in_(list(keys))


def _of_sessions(ids: Iterable[UUID]) -> ColumnElement[bool]:
    return col(ChargeRecord.session_id).in_(list(ids))


def _ended_in(month: Month) -> ColumnElement[bool]:
    """With a day to spare on both sides, as months begin at another moment in each time zone."""
    begins, ends = month.bounds("UTC")
    ended_at = cast(col(ChargeRecord.document)["ended_at"].as_string(), DateTime(timezone=True))
    return and_(ended_at >= begins - timedelta(days=1), ended_at < ends + timedelta(days=1))


def _month(record: Record, zone: str = "UTC") -> Month:
    return Month.of(record.ended_at.astimezone(ZoneInfo(zone)))


def _portions(items: Sequence[Item]) -> Iterable[Sequence[Item]]:
    return (items[start : start + PORTION] for start in range(0, len(items), PORTION))
