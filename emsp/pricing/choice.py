"""Which of the tariffs that a connector names applies to drivers who charge by app, as SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import (
    JSON,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    TableValuedAlias,
    Text,
    Uuid,
    any_,
    case,
    column,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.selectable import LateralFromClause
from sqlmodel import col

from emsp.pricing.tables import TariffRow
from emsp.stations.asking import Outlet

FOR_DRIVERS = "REGULAR"


class Missing(StrEnum):
    """Why a connector has no tariff."""

    NO_TARIFF_PUBLISHED = "NO_TARIFF_PUBLISHED"
    """The connector names none, or none for drivers who charge by app."""
    TARIFF_UNKNOWN = "TARIFF_UNKNOWN"
    """The connector names one that the partner has not published."""
    TARIFF_EXPIRED = "TARIFF_EXPIRED"
    """The tariff is no longer valid."""
    NOT_YET_VALID = "NOT_YET_VALID"
    """The tariff becomes valid later."""


def outlet_rows(outlets: Sequence[Outlet]) -> TableValuedAlias:
    """Outlets as a table, each with its `number`."""
    names = ("partner_id", "country_code", "party_id", "tariff_keys")
    rows = [{"number": number, **{name: getattr(o, name) for name in names}} for number, o in enumerate(outlets)]
    typed = (column("partner_id", Uuid), column("country_code", Text), column("party_id", Text))
    said = func.json_to_recordset(literal(msgspec.json.encode(rows).decode()).cast(JSON))
    table = said.table_valued(column("number", Integer), *typed, column("tariff_keys", ARRAY(Text)), name="outlet")
    return table.render_derived(with_types=True)


def why_missing(outlet: FromClause, best: FromClause) -> ColumnElement[Any]:
    """Why the best tariff is none, as a word of Missing; NULL when it is one."""
    return case(
        (func.cardinality(outlet.c.tariff_keys) == 0, Missing.NO_TARIFF_PUBLISHED),
        (best.c.id.is_(None), Missing.TARIFF_UNKNOWN),
        else_=best.c.missing,
    )


def best_tariff(at: datetime, outlet: FromClause) -> LateralFromClause:
    """The tariff that comes first for each row of `outlet`, which has an Outlet's partner, party and tariff keys.

    Those of its party and those of its partner are looked up apart, each by its own index.
    """
    own = (col(TariffRow.country_code) == outlet.c.country_code) & (col(TariffRow.party_id) == outlet.c.party_id)
    partners = (col(TariffRow.partner_id) == outlet.c.partner_id) & ~own
    found = union_all(_named(outlet, own, 0), _named(outlet, partners, 1)).subquery("found")
    for_drivers = func.coalesce(found.c.document["kind"].astext, FOR_DRIVERS) == FOR_DRIVERS
    upcoming, expired = found.c.valid_from > at, found.c.valid_until <= at
    missing = case(
        (~for_drivers, Missing.NO_TARIFF_PUBLISHED),
        (upcoming, Missing.NOT_YET_VALID),
        (expired, Missing.TARIFF_EXPIRED),
    )
    validity = case((upcoming, 1), (expired, 2), else_=0)
    ranks = (found.c.foreign, ~for_drivers, validity, found.c.valid_from.desc().nulls_last(), found.c.id)
    query = select(found.c.id, found.c.document, missing.label("missing")).order_by(*ranks).limit(1)
    return query.lateral("best")


def _named(outlet: FromClause, whose: ColumnElement[bool], rank: int) -> Select[Any]:
    tariff = TariffRow
    validity = (col(tariff.valid_from), col(tariff.valid_until))
    named = (whose, col(tariff.external_key) == any_(outlet.c.tariff_keys), ~col(tariff.withdrawn))
    columns = (col(tariff.id), col(tariff.document), *validity, literal(rank).label("foreign"))
    return select(*columns).where(*named).correlate(outlet)
