"""Partners as the tests play them."""

import base64
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
from sqlalchemy import select, text

from emsp import vault
from emsp.db.engine import Db, transaction
from emsp.ocpi.routing import RouteFacts, take_roles
from emsp.ocpi.tables import Connection, InboxDocument
from emsp.partners.parties import ensure_partner

BASE = "/ocpi/2.2.1"


async def registered(db: Db, name: str, token: str, *, party_id: str, endpoints: Any = ()) -> Connection:
    """A connection of a partner with one party, NL `party_id`, whose token to us is `token`."""
    partner = await ensure_partner(db, name)
    role = {"role": "CPO", "country_code": "NL", "party_id": party_id, "name": name}
    connection = Connection(
        partner_id=partner.id,
        state="REGISTERED",
        versions_url="http://127.0.0.1:9/ocpi/versions",
        token_in_digests=[vault.digest(token)],
        token_out_sealed=vault.seal("a token of theirs"),
        endpoints=list(endpoints),
        roles=[role],
    )
    db.add(connection)
    await db.flush()
    await take_roles(db, connection, [RouteFacts(**role)])
    return connection


def authorization(token: str) -> dict[str, str]:
    """The header as OCPI 2.2 asks for it."""
    return {"Authorization": "Token " + base64.b64encode(token.encode()).decode()}


@dataclass
class Cpo:
    """A CPO that pushes to us."""

    http: httpx.AsyncClient
    token: str
    connection: Connection
    version: str = "2.2.1"

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """A request under /ocpi/{version} with its token; `body` is JSON, or bytes as they are."""
        content = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        sent = {**authorization(self.token), "Content-Type": "application/json", **headers}
        return await self.http.request(method, f"/ocpi/{self.version}{path}", content=content, headers=sent)

    async def says(self, method: str, path: str, body: Any = None) -> tuple[int, int]:
        """What it is answered: the HTTP status and the OCPI status code."""
        answer = await self.send(method, path, body)
        return answer.status_code, answer.json()["status_code"]

    async def gets(self, path: str) -> Any:
        """The data of a successful GET."""
        answer = await self.send("GET", path)
        assert answer.json()["status_code"] == 1000, answer.text
        return answer.json()["data"]


async def documents() -> dict[str, tuple[str, str | None]]:
    """State and reason of every document in the inbox, by `module key`."""
    async with transaction() as db:
        rows = (await db.execute(select(InboxDocument))).scalars().all()
    return {f"{row.module} {row.object_key}": (row.state, row.reason) for row in rows}


async def value(query: str, **parameters: Any) -> Any:
    """The only value of a query."""
    async with transaction() as db:
        return (await db.execute(text(query), parameters)).scalar_one_or_none()


async def values(query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a query."""
    async with transaction() as db:
        return [tuple(row) for row in await db.execute(text(query), parameters)]


def location(**members: Any) -> dict[str, Any]:
    """A Location of NL ABC with one EVSE with one connector."""
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "LOC1",
        "publish": True,
        "name": "Market Square",
        "address": "Marktplein 1",
        "city": "Utrecht",
        "country": "NLD",
        "coordinates": {"latitude": "52.090000", "longitude": "5.120000"},
        "evses": [evse("3256")],
        "time_zone": "Europe/Amsterdam",
        "last_updated": "2026-06-01T10:00:00Z",
        **members,
    }


def evse(uid: str, **members: Any) -> dict[str, Any]:
    """An available EVSE with one connector."""
    return {
        "uid": uid,
        "evse_id": f"NL*ABC*E{uid}",
        "status": "AVAILABLE",
        "capabilities": ["REMOTE_START_STOP_CAPABLE"],
        "connectors": [
            {
                "id": "1",
                "standard": "IEC_62196_T2",
                "format": "SOCKET",
                "power_type": "AC_3_PHASE",
                "max_voltage": 230,
                "max_amperage": 16,
                "tariff_ids": ["T1"],
                "last_updated": "2026-06-01T10:00:00Z",
            }
        ],
        "last_updated": "2026-06-01T10:00:00Z",
        **members,
    }


def tariff(**members: Any) -> dict[str, Any]:
    """A Tariff of NL ABC: 0.25 € per kWh and 21 % VAT on top."""
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "T1",
        "currency": "EUR",
        "elements": [{"price_components": [{"type": "ENERGY", "price": 0.25, "vat": 21, "step_size": 1}]}],
        "last_updated": "2026-06-01T10:00:00Z",
        **members,
    }


def session(**members: Any) -> dict[str, Any]:
    """A running Session of NL ABC that nobody here began."""
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "S1",
        "start_date_time": "2026-06-01T10:00:00Z",
        "kwh": 1.5,
        "cdr_token": {
            "country_code": "NL",
            "party_id": "EMP",
            "uid": "APP1",
            "type": "APP_USER",
            "contract_id": "NLEMPC1",
        },
        "auth_method": "COMMAND",
        "location_id": "LOC1",
        "evse_uid": "3256",
        "connector_id": "1",
        "currency": "EUR",
        "charging_periods": [
            {"start_date_time": "2026-06-01T10:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 1.5}]}
        ],
        "status": "ACTIVE",
        "last_updated": "2026-06-01T10:05:00Z",
        **members,
    }


def cdr(**members: Any) -> dict[str, Any]:
    """A CDR of NL ABC over 12 kWh."""
    return {
        "country_code": "NL",
        "party_id": "ABC",
        "id": "C1",
        "start_date_time": "2026-06-01T10:00:00Z",
        "end_date_time": "2026-06-01T11:00:00Z",
        "session_id": "S1",
        "cdr_token": {
            "country_code": "NL",
            "party_id": "EMP",
            "uid": "APP1",
            "type": "APP_USER",
            "contract_id": "NLEMPC1",
        },
        "auth_method": "COMMAND",
        "cdr_location": {"id": "LOC1", "country": "NLD", "evse_uid": "3256", "connector_id": "1"},
        "currency": "EUR",
        "charging_periods": [
            {"start_date_time": "2026-06-01T10:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 12}]}
        ],
        "total_cost": {"excl_vat": 3.00, "incl_vat": 3.63},
        "total_energy": 12,
        "total_time": 1,
        "last_updated": "2026-06-01T11:01:00Z",
        **members,
    }
