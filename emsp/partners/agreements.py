"""What was agreed with a partner: how its records are checked, what follows from a difference, how it is preferred."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import msgspec
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, select

from emsp import clock
from emsp.db.engine import Db
from emsp.errors import Invalid, NotFound
from emsp.partners.tables import Partner, PartnerAgreement

MAX_PREFERENCE = 100


class OnDifference(StrEnum):
    """What follows when a record asks for more than the tariff gives, beyond the tolerance."""

    ACCEPT = "ACCEPT"
    """It is owed as asked."""
    CLAIM = "CLAIM"
    """The undisputed part is owed; the rest is claimed from the operator."""
    REVIEW = "REVIEW"
    """Nothing is billed until somebody has looked at it."""


class Agreement(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The terms with one partner; the defaults hold where nothing was agreed.

    A difference is tolerated up to the larger of `tolerance_minor` (minor units of the record's currency) and
    `tolerance_percent` of what the tariff gives. `pricing` names the policies where the protocol leaves a choice,
    by the names of `pricing.policies.Policies`. Where a charge point can be started over several partners, one with
    the highest `preference` is taken.
    """

    on_difference: OnDifference = OnDifference.CLAIM
    tolerance_minor: int = 1
    tolerance_percent: Decimal = Decimal(0)
    pricing: dict[str, str] = {}
    preference: int = 0


async def partner_named(db: Db, name: str) -> Partner:
    """The partner of that name. Raises NotFound."""
    found = (await db.execute(select(Partner).where(col(Partner.name) == name))).scalar_one_or_none()
    if found is None:
        raise NotFound(f"there is no partner named {name!r}")
    return found


async def agreement_of(db: Db, partner_id: UUID) -> Agreement:
    """What holds with the partner now."""
    row = await db.get(PartnerAgreement, partner_id)
    return msgspec.convert(row.terms, Agreement) if row else Agreement()


async def preferences(db: Db, partner_ids: Collection[UUID]) -> dict[UUID, int]:
    """How much each of these partners is preferred for starting a charge."""
    query = select(PartnerAgreement).where(col(PartnerAgreement.partner_id).in_(partner_ids))
    agreed = {row.partner_id: msgspec.convert(row.terms, Agreement) for row in (await db.execute(query)).scalars()}
    return {id_: agreed.get(id_, Agreement()).preference for id_ in partner_ids}


async def set_agreement(db: Db, partner_id: UUID, agreement: Agreement) -> None:
    """Agree on new terms; they hold for records that are settled from now on. Raises Invalid."""
    _refuse_nonsense(agreement)
    values = {"terms": msgspec.to_builtins(agreement), "updated_at": clock.now()}
    statement = insert(PartnerAgreement).values(partner_id=partner_id, **values)
    await db.execute(statement.on_conflict_do_update(index_elements=["partner_id"], set_=values))


def _refuse_nonsense(agreement: Agreement) -> None:
    if agreement.tolerance_minor < 0:
        raise Invalid("must not be negative", "tolerance_minor")
    if not agreement.tolerance_percent.is_finite() or not 0 <= agreement.tolerance_percent <= 100:
        raise Invalid("must be between 0 and 100", "tolerance_percent")
    if abs(agreement.preference) > MAX_PREFERENCE:
        raise Invalid(f"must be between -{MAX_PREFERENCE} and {MAX_PREFERENCE}", "preference")
