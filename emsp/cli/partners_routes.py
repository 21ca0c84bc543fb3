"""`emsp partners routes`, `prefer`, `allow`, `forbid`: which parties are reached over which connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from uuid import UUID

from sqlalchemy import select

from emsp.cli.partners_options import NameArgument, PartyArgument
from emsp.cli.running import JsonOption, console, run, show
from emsp.db.engine import Db, transaction
from emsp.ocpi import connections, routing
from emsp.ocpi.connections import PartyId
from emsp.partners.tables import Partner

Change = Callable[[Db, UUID, PartyId], Awaitable[None]]


def routes(as_json: JsonOption = False) -> None:
    """List the parties that are reached, over which partner's connection, and which of several is used."""

    async def story() -> list[dict[str, object]]:
        async with transaction() as db:
            names = {partner.id: partner.name for partner in (await db.execute(select(Partner))).scalars()}
            return [
                {
                    "party": f"{route.country_code}/{route.party_id}",
                    "name": route.name,
                    "role": route.role,
                    "over": names[connection.partner_id],
                    "status": route.status,
                    "source": route.source,
                    "allowed": route.allowed,
                    "preferred": route.preferred,
                }
                for route, connection in await routing.routes(db)
            ]

    show(run(story()), as_json=as_json, empty="no party is reached yet: emsp partners connect URL TOKEN")


def prefer(party: PartyArgument, name: NameArgument) -> None:
    """Call a party over this partner's connection, where there are several to it."""
    run(_changed(party, name, routing.prefer))
    console.print(f"{party} is called over {name}.", highlight=False)


def allow(party: PartyArgument, name: NameArgument) -> None:
    """Accept a party's stations, sessions and CDRs over this partner's connection."""
    run(_changed(party, name, routing.allow))
    console.print(f"{party} is accepted over {name}.", highlight=False)


def forbid(party: PartyArgument, name: NameArgument) -> None:
    """Neither accept what a party sends over this partner's connection nor call it there."""
    run(_changed(party, name, routing.forbid))
    console.print(f"{party} is neither accepted nor called over {name}.", highlight=False)


async def _changed(party: str, name: str, change: Change) -> None:
    async with transaction() as db:
        connection = await connections.named(db, name)
        await change(db, connection.id, PartyId.parse(party))
