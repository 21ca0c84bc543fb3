"""A driver's cards and contracts: what starts a charge at the charge point itself."""

from datetime import datetime
from enum import Enum
from uuid import UUID

import strawberry
from strawberry import field

from emsp.accounts import charge_tokens, tables
from emsp.db.engine import reading
from emsp.errors import NotFound
from emsp.graphql import ids
from emsp.graphql.fields import value
from emsp.graphql.node import Node
from emsp.graphql.viewer import Info


@strawberry.enum(description="What starts a charge at the charge point itself.")
class ChargeTokenKind(Enum):
    RFID = value("RFID", "A card or a fob that is held to the charge point.")
    EMAID = value("EMAID", "A contract in the car, which tells it to the charge point when plugged in (Plug & Charge).")


@strawberry.type(description="A driver's card, or the contract in their car: it starts a charge at the charge point.")
class ChargeToken(Node):
    kind: ChargeTokenKind = field(description="A card, or a contract in the car.")
    name: str | None = field(description="What the driver calls it; null when they gave it no name.")
    visual_number: str | None = field(description="The number printed on it; null when there is none.")
    contract_id: str = field(description="The id of its contract, as charge points and operators know it.")
    blocked_at: datetime | None = field(description="Since when it starts nothing; null while it does.")
    added_at: datetime | None = field(description="When it became theirs.")
    pays_fleet: bool = field(description="Whether a fleet pays for what it starts.")


def token_of(row: tables.ChargeToken) -> ChargeToken:
    """A card or contract as the schema shows it."""
    return ChargeToken(
        id=ids.encode("ChargeToken", row.id),
        kind=ChargeTokenKind(row.kind),
        name=row.name,
        visual_number=row.visual_number,
        contract_id=row.contract_id,
        blocked_at=row.blocked_at,
        added_at=row.added_at,
        pays_fleet=row.fleet_id is not None,
    )


def key_of_token(unchecked_id: str) -> UUID:
    """The key in a token's id. Raises Refused for an id that can be none, as for one that is somebody else's."""
    try:
        return ids.uuid_of(unchecked_id, "ChargeToken")
    except NotFound as error:
        raise charge_tokens.no_such_token() from error


async def own_token(info: Info, token_id: UUID | None) -> ChargeToken | None:
    """The asker's card or contract with this id; None for another driver's as for none."""
    driver = info.context.asker.driver
    if driver is None or token_id is None:
        return None
    row = await info.context.loaders.charge_tokens.load(token_id)
    return token_of(row) if row and row.driver_id == driver.id else None


async def own_tokens(driver_id: UUID) -> list[ChargeToken]:
    """A driver's cards and contracts, in the order in which they were added."""
    async with reading() as db:
        return [token_of(row) for row in await charge_tokens.tokens_of(db, driver_id)]
