"""What can be asked of the stations, and what is answered. Whatever answers, SQL or memory, it speaks these."""

from __future__ import annotations

import math
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, overload
from uuid import UUID

import msgspec

from emsp.errors import Invalid
from emsp.stations.availability import Availability
from emsp.stations.geo import Box, check_degrees
from emsp.stations.tables import Station

if TYPE_CHECKING:
    from emsp.stations.index.records import StationRecord

MAX_FIRST = 100
BY_WORDS = "WORDS"
"""The order of a search by words, in its cursors."""
PATH_MAX, CORRIDOR_MAX_M = 2000, 50_000


class Near(msgspec.Struct, frozen=True):
    """Around a point, at most `radius_m` metres away, or at any distance."""

    longitude: float
    latitude: float
    radius_m: float | None = None

    def __post_init__(self) -> None:
        check_degrees(self.longitude, 180, "near.longitude")
        check_degrees(self.latitude, 90, "near.latitude")
        if self.radius_m is not None and not 0 <= self.radius_m < math.inf:
            raise Invalid("must not be negative", "near.radiusM")


class Along(msgspec.Struct, frozen=True):
    """At most `corridor_m` metres off a path of (longitude, latitude), in the order in which one passes them."""

    path: tuple[tuple[float, float], ...]
    corridor_m: float

    def __post_init__(self) -> None:
        if not 1 <= len(self.path) <= PATH_MAX:
            raise Invalid(f"must have between 1 and {PATH_MAX} points", "along.path")
        if not 0 <= self.corridor_m <= CORRIDOR_MAX_M:
            raise Invalid(f"must be between 0 and {CORRIDOR_MAX_M}", "along.corridorM")
        for longitude, latitude in self.path:
            check_degrees(longitude, 180, "along.path")
            check_degrees(latitude, 90, "along.path")


class Ids(msgspec.Struct, frozen=True):
    """These stations, in this order."""

    ids: tuple[int, ...]


Place = Box | Near | Along | Ids


class Outlet(msgspec.Struct, frozen=True, array_like=True):
    """All that a price depends on at a connector: whose it is, where it stands, what it gives, the tariffs it names.

    Connectors that agree in all of it are one outlet, so that thousands of them need few prices. `ways` are the same
    connector as each partner publishes it over whom a charge may be started there, the pin's own first; empty where
    there is no choice.
    """

    partner_id: UUID
    country_code: str
    party_id: str
    country: str | None
    time_zone: str
    power_type: str
    max_power_w: int | None
    tariff_keys: tuple[str, ...]
    ways: tuple[Outlet, ...] = ()


Prices = Callable[[Collection[Outlet]], Awaitable[Mapping[Outlet, Decimal]]]
"""What a kilowatt-hour costs at outlets, all in one currency, to four decimals; outlets whose price is not known,
or not known in this currency, are left out. Whoever asks brings it, since prices depend on who that is."""


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """Where whoever asks may charge at all. Nothing allowed by name: everything is that is not blocked by name.

    Parties are NL*ABC. Countries are as stations have them: three letters, or the party's two where none is stated.
    """

    allowed_parties: tuple[str, ...] = ()
    blocked_parties: tuple[str, ...] = ()
    allowed_countries: tuple[str, ...] = ()
    blocked_countries: tuple[str, ...] = ()
    max_power_w: int | None = None
    """Connectors with more are none for whoever asks; one whose power is not known is."""


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What a station must have; unset, false and empty ask for nothing.

    What is asked of charge points (free now, startable, reservable, the standard, the power and the price of a
    connector) must be true of one charge point and one connector of it, not of several together.
    """

    available_now: bool = False
    standards: tuple[str, ...] = ()
    """Any of these connector standards."""
    min_power_w: int | None = None
    """A connector whose power is not known does not have it."""
    operator_ids: tuple[int, ...] = ()
    """Any of these operators."""
    open_now: bool = False
    """Stations whose opening hours are not known are left out."""
    open_24h: bool = False
    facilities: tuple[str, ...] = ()
    """All of these."""
    remote_start: bool = False
    """A charge point that states no capabilities at all passes: not known is not "no"."""
    reservable: bool = False
    """Only where it is stated."""
    accessible: bool = False
    """Usable by somebody with a disability; only where it is stated."""
    plug_and_charge: bool = False
    """A connector at which the vehicle says who pays; only where it is stated."""
    ad_hoc_payment: bool = False
    """A charge point that takes payment cards; only where it is stated."""
    network: Network | None = None
    """Stations at which whoever asks may not charge are left out."""
    max_price_per_kwh: Decimal | None = None
    """In the currency of the `Prices` that come with the filter; a price that is not known is never low enough."""


class Order(StrEnum):
    """What comes first. Stations that are equal in everything come in the order of their ids."""

    DISTANCE = "DISTANCE"
    """Nearest first: to the point that was asked for, or to the middle of the box; along a path, what one passes
    first; for ids, their order. All orders count these metres as nearness."""
    POWER = "POWER"
    """The strongest connector that fits the filter first, then the nearest."""
    BEST_MATCH = "BEST_MATCH"
    """Where a fitting charge point is free, then where that is not known, then the others; each nearest first."""
    PRICE = "PRICE"
    """The cheapest connector that fits the filter first, by the `Prices` that come with the question, then the
    nearest (for ids: their order); where no price is known comes last, never as free."""


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """Stations that stand close together at a zoom. `station_id` is set when there is only one."""

    latitude: float
    longitude: float
    station_count: int
    availability: Availability
    max_power_w: int | None = None
    station_id: int | None = None


class OnRoute(msgspec.Struct, frozen=True):
    """Where a route passes a station, in metres from its beginning, and the way there and back, as the crow flies."""

    along_m: int
    detour_m: int


def on_route(along_m: float, off_m: float | None) -> OnRoute | None:
    """So far along, and so far off: there and back again. None without a path."""
    return None if off_m is None else OnRoute(round(along_m), round(2 * off_m))


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of stations with a cursor for each, the whole number of hits, and whether more follow.

    Distances are in metres from the point or the middle of the box that was asked for; None where there is none.
    """

    stations: Sequence[Station | StationRecord]
    distances_m: Sequence[int | None]
    on_route: Sequence[OnRoute | None]
    """None unless a path was asked for."""
    cursors: Sequence[str]
    total_count: int
    has_next: bool


class Cursors(Sequence[str]):
    """The cursors of a page, each written when it is looked at: most pages need only the last one."""

    def __init__(self, order: str, values: Sequence[int | float], near: Sequence[float], ids: Sequence[int]) -> None:
        """`values` and `near` are what the stations are sorted by."""
        self.order, self._columns = order, (values, near, ids)

    def __len__(self) -> int:
        return len(self._columns[0])

    @overload
    def __getitem__(self, number: int) -> str: ...
    @overload
    def __getitem__(self, number: slice) -> Cursors: ...
    def __getitem__(self, number: int | slice) -> str | Cursors:
        values, near, ids = self._columns
        if isinstance(number, slice):
            return Cursors(self.order, values[number], near[number], ids[number])
        return Cursor(self.order, values[number], near[number], ids[number]).text()


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended: the order it was in, and the sort values of its last station.

    The values are those of the moment of the page: a station whose price, power or freedom has changed since may
    come twice or not at all, and no page is broken by it.
    """

    order: str
    first: int | float
    second: float
    id: int

    def text(self) -> str:
        """As handed out."""
        return urlsafe_b64encode(msgspec.msgpack.encode(self)).decode().rstrip("=")

    @staticmethod
    def read(text: str | None, order: str) -> Cursor | None:
        """As handed in; raises Invalid for one that was not handed out, or for another order."""
        if text is None:
            return None
        try:
            cursor = msgspec.msgpack.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Cursor)
        except (ValueError, msgspec.MsgspecError) as error:
            raise Invalid("is not a cursor of this list", "after") from error
        if cursor.order != order or not all(abs(value) < 2**63 for value in (cursor.first, cursor.second, cursor.id)):
            raise Invalid("is not a cursor of this list in this order", "after")
        return cursor


def checked_first(first: int) -> int:
    """Raises Invalid unless a page of `first` may be asked for."""
    if not 0 <= first <= MAX_FIRST:
        raise Invalid(f"must be between 0 and {MAX_FIRST}", "first")
    return first
