"""What we do not owe an operator of what its record asks for: opened once per record, and closed by an agreement.

A claim is over the amount before tax, which is what the books hold. One for the tax alone (`ANOTHER_TAX`) is over
amounts with tax, and moves nothing in the books.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock
from emsp.charging.records.checking import Checked, Decision
from emsp.charging.records.plausible import is_amount
from emsp.charging.records.record import Record
from emsp.charging.session import note
from emsp.charging.tables import ChargeRecord, ChargingSession, Claim
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound, Refused
from emsp.money import Money, round_money
from emsp.partners.tables import Partner
from emsp.payments import ledger
from emsp.pricing.check.verify import Reason, Verification
from emsp.stations.tables import Station

UNEXPLAINED = "UNEXPLAINED"
"""The reason of a claim where no known mistake leads to what is asked."""


class ClaimState(StrEnum):
    """Where a claim stands. An open one can be settled or withdrawn; one in any state is over with its record."""

    OPEN = "OPEN"
    CREDITED = "CREDITED"
    """The operator took the record back."""
    SETTLED = "SETTLED"
    """Agreed on an amount."""
    WITHDRAWN = "WITHDRAWN"
    """We pay after all."""


@dataclass(frozen=True)
class ClaimFile:
    """A claim with all that proves it."""

    claim: Claim
    partner: str
    record: Record
    verification: Verification

    @property
    def asked(self) -> Money:
        """What the record asks for."""
        return Money(self.claim.asked_minor, self.claim.currency)

    @property
    def undisputed(self) -> Money:
        """What is owed of it in any case."""
        return Money(self.claim.undisputed_minor, self.claim.currency)

    @property
    def disputed(self) -> Money:
        """What is claimed."""
        return disputed(self.claim)

    @property
    def given_up(self) -> Money:
        """What is paid of that after all."""
        return Money(self.claim.given_up_minor, self.claim.currency)


async def open_claim(db: Db, session: ChargingSession, row: ChargeRecord, checked: Checked) -> Claim | None:
    """Claim the disputed part of a record that was booked, once; None when there is nothing to claim."""
    amounts = _amounts(checked.verification) if checked.decision is Decision.CLAIM else None
    if amounts is None:
        return None
    asked, undisputed = amounts
    wanted = Claim(
        partner_id=row.partner_id,
        record_id=row.id,
        session_id=session.id,
        reason=checked.verification.reason or UNEXPLAINED,
        currency=asked.currency,
        asked_minor=asked.amount_minor,
        undisputed_minor=undisputed.amount_minor,
    )
    statement = insert(Claim).values(**wanted.model_dump()).on_conflict_do_nothing()
    claim_id = (await db.execute(statement.returning(col(Claim.id)))).scalar_one_or_none()
    if claim_id is None:
        return await _of_record(db, row.id)
    claim = await db.get_one(Claim, claim_id)
    if _is_booked(claim):
        seller = await _seller(db, session.id)
        await ledger.claim_opened(db, reference=str(claim.id), seller=seller, disputed=disputed(claim))
    await note(db, session, f"The operator asks for {disputed(claim)} too much: you do not pay it, we claim it back.")
    return claim


async def credited(db: Db, record_id: UUID, text: str) -> None:
    """The record stands no longer, so nothing of it is disputed: what its claim still holds in the books is undone."""
    claim = await _of_record(db, record_id)
    if claim and claim.state != ClaimState.CREDITED:
        held = disputed(claim) - Money(claim.given_up_minor, claim.currency)
        await _close(db, claim, ClaimState.CREDITED, undone=held, text=text)


async def settle_claim(db: Db, claim_id: UUID, paid: Decimal, text: str) -> Claim:
    """Agree to pay `paid` of the disputed amount, in major units. Raises NotFound, Invalid, and Refused: NOT_OPEN."""
    claim = await _open(db, claim_id)
    amount = round_money(paid, claim.currency) if is_amount(paid) else None
    if amount is None or amount.amount != paid or amount.amount_minor > disputed(claim).amount_minor:
        raise Invalid(f"must be an amount between 0 and {disputed(claim)}", "amount")
    claim.given_up_minor = amount.amount_minor
    return await _close(db, claim, ClaimState.SETTLED, undone=amount, text=text)


async def withdraw_claim(db: Db, claim_id: UUID, text: str) -> Claim:
    """Pay what was asked after all. Raises NotFound, and Refused: NOT_OPEN."""
    claim = await _open(db, claim_id)
    claim.given_up_minor = disputed(claim).amount_minor
    return await _close(db, claim, ClaimState.WITHDRAWN, undone=disputed(claim), text=text)


async def claims(db: Db, *, partner_id: UUID | None = None, only_open: bool = False) -> Sequence[ClaimFile]:
    """The claims, newest first: of one partner, or of all."""
    query = _files().order_by(col(Claim.opened_at).desc())
    query = query.where(Claim.partner_id == partner_id) if partner_id else query
    query = query.where(Claim.state == ClaimState.OPEN) if only_open else query
    return [_file(*found) for found in await db.execute(query)]


async def claim_file(db: Db, claim_id: UUID) -> ClaimFile:
    """One claim with all that proves it. Raises NotFound."""
    found = (await db.execute(_files().where(Claim.id == claim_id))).first()
    if found is None:
        raise NotFound(f"claim {claim_id}")
    return _file(*found)


def disputed(claim: Claim) -> Money:
    """What is claimed: asked, less what is not disputed."""
    return Money(claim.asked_minor - claim.undisputed_minor, claim.currency)


def _amounts(verification: Verification) -> tuple[Money, Money] | None:
    """What is asked and what of it is undisputed: before tax, or with tax where only that differs."""
    total, currency = verification.total, verification.currency
    if total is None or not verification.asks_more or total.asked.net is None or verification.undisputed_net is None:
        return None
    asked, undisputed = total.asked.net, verification.undisputed_net
    if verification.reason is Reason.ANOTHER_TAX and total.asked.gross is not None and total.computed.gross is not None:
        asked, undisputed = total.asked.gross, total.computed.gross
    amounts = round_money(asked, currency), round_money(undisputed, currency)
    return amounts if amounts[0].amount_minor > amounts[1].amount_minor else None


async def _close(db: Db, claim: Claim, state: ClaimState, *, undone: Money, text: str) -> Claim:
    claim.state, claim.note, claim.closed_at = state, text, clock.now()
    await db.flush()
    if _is_booked(claim):
        seller = await _seller(db, claim.session_id)
        await ledger.claim_closed(db, reference=f"{claim.id}:{state}", seller=seller, given_up=undone)
    return claim


def _is_booked(claim: Claim) -> bool:
    """Whether the claim is over the amount before tax."""
    return claim.reason != Reason.ANOTHER_TAX


async def _seller(db: Db, session_id: UUID) -> str:
    session = await db.get_one(ChargingSession, session_id)
    station = await db.get_one(Station, session.station_id)
    return f"cpo:{station.country_code}-{station.party_id}"


async def _of_record(db: Db, record_id: UUID) -> Claim | None:
    query = select(Claim).where(Claim.record_id == record_id).with_for_update()
    return (await db.execute(query, execution_options={"populate_existing": True})).scalar_one_or_none()


async def _open(db: Db, claim_id: UUID) -> Claim:
    query = select(Claim).where(Claim.id == claim_id).with_for_update()
    claim = (await db.execute(query, execution_options={"populate_existing": True})).scalar_one_or_none()
    if claim is None:
        raise NotFound(f"claim {claim_id}")
    if claim.state != ClaimState.OPEN:
        raise Refused("NOT_OPEN", f"The claim is not open but {claim.state}.", "claim")
    return claim


def _files() -> Any:
    return (
        select(Claim, Partner.name, ChargeRecord)
        .join(Partner, col(Partner.id) == col(Claim.partner_id))
        .join(ChargeRecord, col(ChargeRecord.id) == col(Claim.record_id))
    )


def _file(claim: Claim, partner: str, row: ChargeRecord) -> ClaimFile:
    record = msgspec.convert(row.document, Record)
    return ClaimFile(claim, partner, record, msgspec.convert(row.verification, Verification))
