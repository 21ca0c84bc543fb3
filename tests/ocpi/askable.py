"""A partner that keeps what it is asked and gives the answers that a test sets, and a driver who asks."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from emsp.accounts.tables import Driver
from emsp.brands.tables import Brand
from emsp.db.engine import Db, transaction
from emsp.ocpi.tables import Connection
from tests.graphql import rows
from tests.ocpi.people import Cpo, registered
from tests.ocpi.servers import envelope, scripted

TAKES = (
    ("commands", "RECEIVER"),
    ("tokens", "RECEIVER"),
    ("sessions", "SENDER"),
    ("chargingprofiles", "RECEIVER"),
    ("bookings", "SENDER"),
)


class Asked:
    """One request as it came."""

    def __init__(self, request: Request) -> None:
        self.method, self.path, self.query = request.method, request.url.path, dict(request.query_params)
        self.raw_query, self.headers = request.url.query, dict(request.headers)
        self.body: Any = msgspec.json.decode(request._body) if request._body else None


class Partner:
    """Keeps requests; `answer` is what it says, or makes of a request."""

    def __init__(self) -> None:
        self.answer: Response | Callable[[Asked], Response] = envelope({"result": "ACCEPTED", "timeout": 30})
        self.received: list[Asked] = []
        self.connection: Connection

    @property
    def partner_id(self) -> UUID:
        return self.connection.partner_id

    @property
    def only(self) -> Asked:
        [asked] = self.received
        return asked

    def __call__(self, request: Request) -> Response:
        asked = Asked(request)
        self.received.append(asked)
        return self.answer if isinstance(self.answer, Response) else self.answer(asked)


@asynccontextmanager
async def askable(
    *, name: str = "ABC", version: str = "2.2.1", takes: Sequence[tuple[str, str]] = TAKES, **members: Any
) -> AsyncIterator[Partner]:
    """A registered partner NL ABC (or whatever its name is) whose token to us is `<name>-token`."""
    partner = Partner()
    async with scripted(partner) as url:
        endpoints = [
            {"identifier": module, "url": f"{url}/ocpi/{module}/"} | ({} if version == "2.1.1" else {"role": role})
            for module, role in takes
        ]
        async with transaction() as db:
            found = await registered(db, name, f"{name.lower()}-token", party_id=name, endpoints=endpoints)
            found.version = version
            for member, value in members.items():
                setattr(found, member, value)
            partner.connection = found
        yield partner


async def driver_of(db: Db, slug: str = "volt", name: str = "ada", **brand: Any) -> Driver:
    """A driver of a new brand."""
    home = await rows.added(db, Brand(slug=slug, name=slug.capitalize(), languages=["en"], **brand))
    return await rows.driver(db, home.id, name)


async def a_driver(slug: str = "volt", name: str = "ada", **brand: Any) -> UUID:
    """The id of a driver of a new brand."""
    async with transaction() as db:
        return (await driver_of(db, slug, name, **brand)).id


async def running_session(partner_id: UUID, capabilities: Sequence[str] = (), **facts: Any) -> UUID:
    """A charge of ada's that the partner knows as `S1`, at a charge point with these capabilities."""
    async with transaction() as db:
        ada = await driver_of(db)
        station = await rows.station(db, partner_id, 1)
        evse = await rows.evse(db, station, 1)
        evse.capabilities = list(capabilities)
        socket = await rows.connector(db, evse)
        quote = await rows.quote(db, ada, socket)
        known = {"external_id": "S1", "external_key": "s1"}
        return (await rows.session(db, ada, quote, socket, **{**known, **facts})).id


@asynccontextmanager
async def asking_at(cpo: Cpo, **members: Any) -> AsyncIterator[Partner]:
    """The side of a registered CPO that takes what we ask."""
    partner = Partner()
    async with scripted(partner) as url:
        endpoints = [{"identifier": name, "role": role, "url": f"{url}/{name}"} for name, role in TAKES]
        async with transaction() as db:
            partner.connection = await db.get_one(Connection, cpo.connection.id)
            partner.connection.endpoints = endpoints
            for member, value in members.items():
                setattr(partner.connection, member, value)
        yield partner
