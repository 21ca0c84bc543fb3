"""A made-up operator in memory: its stations, its price, its charges and its books, whatever library speaks for it.

Objects are plain dicts that carry the fields of 2.1.1 and of 2.2.1 at once: a library's schema takes those it knows.
Time is simulated: every step of a charge is two minutes long, however soon the next one follows.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

STEP = timedelta(minutes=2)
STEP_KWH = Decimal("0.4")
LAST_STEP = 200
PRICE_KWH, PRICE_HOUR, PRICE_START = Decimal("0.49"), Decimal("0.60"), Decimal("0.35")
VAT = Decimal("0.19")
LONG_AGO = "2026-01-01T00:00:00Z"
Body = dict[str, Any]


class Operator:
    """Its objects by id in lower case, since ids are compared without regard to case."""

    def __init__(self, version: str, country_code: str, party_id: str, *, stations: int) -> None:
        self.version = version
        self.owner = {"country_code": country_code, "party_id": party_id}
        self.locations = {f"l{number}": self._location(number) for number in range(stations)}
        self.tariffs = {"tarif1": self._tariff()}
        self.sessions: dict[str, Body] = {}
        self.cdrs: dict[str, Body] = {}
        self.commands: list[list[Any]] = []
        self.stopped: set[str] = set()

    def books(self) -> Body:
        """What a test looks into."""
        return {"sessions": [*self.sessions.values()], "cdrs": [*self.cdrs.values()], "commands": self.commands}

    def begin(self, order: Body) -> Body:
        """A session as a start command wants it; its charge point is taken from now on."""
        location, evse, connector = self._place(order)
        start = datetime.now(UTC)
        token = order["token"]
        session = self.owner | {
            "id": f"Sess-{secrets.token_hex(4)}",
            "start_date_time": utc_text(start),
            "start_datetime": utc_text(start),
            "kwh": 0.0,
            "cdr_token": {key: token.get(key) for key in ("country_code", "party_id", "uid", "type", "contract_id")},
            "auth_id": token.get("auth_id"),
            "auth_method": "AUTH_REQUEST" if self.version == "2.1.1" else "COMMAND",
            "authorization_reference": order.get("authorization_reference"),
            "location_id": location["id"],
            "location": location | {"evses": [evse]},
            "evse_uid": evse["uid"],
            "connector_id": connector["id"],
            "currency": "EUR",
            "status": "ACTIVE",
            "last_updated": utc_text(start),
        }
        self.sessions[session["id"].lower()] = session
        _set_status(location, evse, "CHARGING")
        return session

    def step(self, session: Body, number: int) -> Body:
        """Two minutes more; what changed."""
        changed = {"kwh": float(STEP_KWH * number), "last_updated": _moment(session, number)}
        session.update(changed)
        return changed

    def end(self, session: Body, number: int) -> Body:
        """The session is over after `number` steps, its charge point free again; what changed."""
        over = _moment(session, number)
        changed = {"status": "COMPLETED", "end_date_time": over, "end_datetime": over, "last_updated": over}
        session.update(changed)
        location, evse, _ = self._place(session)
        _set_status(location, evse, "AVAILABLE")
        return changed | {"kwh": session["kwh"]}

    def bill(self, session: Body, number: int) -> Body:
        """The charge detail record of a session that took `number` steps."""
        location, evse, connector = self._place(session)
        hours = Decimal(int((STEP * number).total_seconds())) / 3600
        energy = {"type": "ENERGY", "volume": session["kwh"]}
        period = {"start_date_time": session["start_date_time"], "tariff_id": "Tarif1"}
        kept = ("start_date_time", "end_date_time", "cdr_token", "auth_id", "auth_method", "authorization_reference")
        cdr = self.owner | {key: session.get(key) for key in (*kept, "currency", "location")}
        cdr |= {
            "id": f"CDR-{session['id']}",
            "session_id": session["id"],
            "cdr_location": _where(location, evse, connector),
            "tariffs": [*self.tariffs.values()],
            "charging_periods": [period | {"dimensions": [energy, {"type": "TIME", "volume": float(hours)}]}],
            "total_cost": self._money(number),
            "total_energy": session["kwh"],
            "total_time": float(hours),
            "last_updated": session["last_updated"],
        }
        self.cdrs[cdr["id"].lower()] = cdr
        return cdr

    def _money(self, number: int) -> Body | float:
        net = net_cost(number)
        if self.version == "2.1.1":
            return float(net)
        return {"excl_vat": float(net), "incl_vat": float(net * (1 + VAT))}

    def _place(self, wish: Body) -> tuple[Body, Body, Body]:
        location = self.locations[wish["location_id"].lower()]
        evse = next(one for one in location["evses"] if one["uid"].lower() == wish["evse_uid"].lower())
        return location, evse, evse["connectors"][0]

    def _location(self, number: int) -> Body:
        return self.owner | {
            "id": f"L{number}",
            "type": "ON_STREET",
            "publish": True,
            "name": f"Ladepark {number}",
            "address": f"Chausseestraße {number}",
            "city": "Berlin",
            "postal_code": "10115",
            "country": "DEU",
            "coordinates": {"latitude": f"{Decimal('52.5') + number * Decimal('0.0001'):.5f}", "longitude": "13.40000"},
            "time_zone": "Europe/Berlin",
            "operator": {"name": "Ladepark GmbH"},
            "opening_times": {"twentyfourseven": True},
            "evses": [self._evse(number)],
            "last_updated": LONG_AGO,
        }

    def _evse(self, number: int) -> Body:
        electricity = {"max_voltage": 230, "max_amperage": 32, "voltage": 230, "amperage": 32}
        price = {"tariff_ids": ["Tarif1"], "tariff_id": "Tarif1"}
        plug = {"id": "C1", "standard": "IEC_62196_T2", "format": "SOCKET", "power_type": "AC_3_PHASE"}
        return {
            "uid": f"L{number}-E1",
            "evse_id": f"{'*'.join(self.owner.values())}*E{number}*1",
            "status": "AVAILABLE",
            "capabilities": ["REMOTE_START_STOP_CAPABLE"],
            "connectors": [plug | electricity | price | {"last_updated": LONG_AGO}],
            "last_updated": LONG_AGO,
        }

    def _tariff(self) -> Body:
        energy, time, start = (
            {"type": kind, "price": float(price), "vat": float(VAT * 100), "step_size": step}
            for kind, price, step in (("ENERGY", PRICE_KWH, 1), ("TIME", PRICE_HOUR, 60), ("FLAT", PRICE_START, 1))
        )
        # Restrictions that restrict nothing: what a schema of optional fields makes of an empty form.
        elements = [{"price_components": [energy, time], "restrictions": {}}, {"price_components": [start]}]
        return self.owner | {
            "id": "Tarif1",
            "currency": "EUR",
            "type": "REGULAR",
            "elements": elements,
            "last_updated": LONG_AGO,
        }


def net_cost(number: int) -> Decimal:
    """Before tax, of a charge of `number` steps."""
    hours = Decimal(int((STEP * number).total_seconds())) / 3600
    return (STEP_KWH * number * PRICE_KWH + hours * PRICE_HOUR + PRICE_START).quantize(Decimal("0.0001"))


def utc_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def now() -> str:
    return utc_text(datetime.now(UTC))


def _moment(session: Body, number: int) -> str:
    return utc_text(datetime.fromisoformat(session["start_date_time"]) + STEP * number)


def _set_status(location: Body, evse: Body, status: str) -> None:
    evse.update(status=status, last_updated=now())
    location["last_updated"] = evse["last_updated"]


def _where(location: Body, evse: Body, connector: Body) -> Body:
    place = {key: location[key] for key in ("id", "name", "address", "city", "postal_code", "country", "coordinates")}
    return place | {
        "evse_id": evse["evse_id"],
        "connector_id": connector["id"],
        "connector_standard": connector["standard"],
        "connector_format": connector["format"],
        "connector_power_type": connector["power_type"],
    }
