"""The CPO's platform: what every part of the sandbox holds on to."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import httpx

from .charging import Car, Meter
from .feed import Party, Shelf, shelf_from, shelf_of
from .made_up import StreetPlan
from .options import CpoOptions
from .pricing import Tariff
from .state import Books, Session, Store
from .wire import now, parse_timestamp

HUB: Party = ("NL", "HUB")
HOME: Party = ("NL", "SBX")
REQUESTS_KEPT = 200


@dataclass
class Platform:
    """Options, books, published objects, and what runs in the background."""

    options: CpoOptions
    store: Store
    locations: Shelf
    tariffs: Shelf
    http: httpx.AsyncClient
    meters: dict[str, Meter] = field(default_factory=dict)
    wakes: dict[str, asyncio.Event] = field(default_factory=dict)
    running: set[asyncio.Task[None]] = field(default_factory=set)
    requests: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=REQUESTS_KEPT))
    """The last requests received, as tests want to look at them."""

    @property
    def books(self) -> Books:
        """The books as they stand."""
        return self.store.books

    @property
    def url(self) -> str:
        """Where partners reach this platform, without a trailing slash."""
        options = self.options
        return (options.public_url or f"http://{options.host}:{options.port}").rstrip("/")

    @property
    def parties(self) -> dict[Party, str]:
        """Every party that publishes something here, with a name."""
        return {**self.tariffs.parties, **self.locations.parties}

    @property
    def version(self) -> str:
        """The OCPI version of the connection."""
        return self.books.connection.version if self.books.connection else "2.2.1"

    @property
    def is_hub(self) -> bool:
        """Whether the platform stands between its parties and the eMSP."""
        return self.options.role == "hub"

    @property
    def home(self) -> Party:
        """The one party that this platform is in OCPI 2.1.1, where a connection has no more."""
        return HOME if HOME in self.parties else min(self.parties, default=HOME)

    @property
    def emsp_party(self) -> Party:
        """The first eMSP party of the connection."""
        roles = self.books.connection.roles if self.books.connection else []
        chosen = next((role for role in roles if role.get("role") == "EMSP"), roles[0] if roles else {})
        return (str(chosen.get("country_code")), str(chosen.get("party_id")))

    def shows(self, party: Party) -> bool:
        """Whether a party's objects are for this connection: in 2.1.1, without owners, ids of countries may clash."""
        return self.version != "2.1.1" or party[0] == self.home[0]

    def owner(self, party: Party) -> Party:
        """As whose the objects of a party are shown."""
        return self.home if self.version == "2.1.1" else party

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something in the background until it is done or the platform stops."""
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def stop(self) -> None:
        """Ends everything in the background and closes the connections to partners."""
        for task in list(self.running):
            task.cancel()
        await asyncio.gather(*list(self.running), return_exceptions=True)
        await self.http.aclose()

    def wake(self, session: Session) -> None:
        """Makes a session look up before its next update is due."""
        if event := self.wakes.get(session.id):
            event.set()

    def elapsed_s(self, session: Session) -> int:
        """Simulated seconds since charging began, frozen at its end."""
        if session.ended_after_s is not None or session.charging_since is None:
            return session.ended_after_s or 0
        return int((now() - session.charging_since).total_seconds() * session.speed)

    def meter(self, session: Session) -> Meter | None:
        """The session's meter, advanced to this moment; None before charging begins and after all is written."""
        if session.charging_since is None or session.final is not None:
            return None
        if session.id not in self.meters:
            self.meters[session.id] = self._new_meter(session)
        meter = self.meters[session.id]
        meter.advance(self.elapsed_s(session))
        return meter

    def replayed_meter(self, session: Session) -> Meter:
        """The meter of a session that is over, as it stood at its end."""
        meter = self._new_meter(session)
        meter.advance(session.ended_after_s or 0)
        return meter

    def _new_meter(self, session: Session) -> Meter:
        options = self.options
        car = Car(session.power_w, options.battery_wh, options.battery_start_percent, options.max_energy_wh)
        assert session.charging_since is not None
        tariff = Tariff(session.tariff, session.time_zone)
        return Meter(car, tariff, session.charging_since, options.overstay_s)


def open_platform(options: CpoOptions, http: httpx.AsyncClient | None = None) -> Platform:
    """Reads or makes up what is published, opens the books and lays kept changes over the publication."""
    store = Store(options.state, options.token)
    if options.locations or options.tariffs:
        locations, tariffs = shelf_from(options.locations), shelf_from(options.tariffs)
    else:
        plan = StreetPlan(options.seed, store.books.born)
        locations, tariffs = shelf_of(plan.locations(options.stations)), shelf_of(plan.tariffs())
    store.save()
    client = http or httpx.AsyncClient(timeout=options.request_timeout_s, trust_env=False)
    platform = Platform(options, store, locations, tariffs, client)
    for key, change in store.books.changes.items():
        _lay_over(locations, key, change)
    return platform


def _lay_over(locations: Shelf, key: str, change: dict[str, Any]) -> None:
    country_code, party_id, location_id, *evse_uid = key.split("\t")
    position = locations.owned(location_id, (country_code, party_id))
    if position is not None:
        changed = with_change(locations.read(position), evse_uid[0] if evse_uid else None, change)
        locations.replace(position, changed)


def with_change(location: dict[str, Any], evse_uid: str | None, change: dict[str, Any]) -> dict[str, Any]:
    """The location with fields of itself or of one EVSE changed; `last_updated` moves up to the location."""
    if evse_uid is None:
        return {**location, **change}
    for evse in location.get("evses") or []:
        if evse["uid"].lower() == evse_uid.lower():
            evse.update(change)
    both = (location["last_updated"], change["last_updated"])
    return {**location, "last_updated": max(both, key=lambda text: parse_timestamp(text, "last_updated"))}
