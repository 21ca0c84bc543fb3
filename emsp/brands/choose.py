"""Which brand a request came in for."""

from __future__ import annotations

from time import monotonic

from sqlalchemy import ColumnElement
from sqlmodel import col, select

from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.errors import NotFound

KNOWN_MAX = 200


class Memory:
    """Brands by what requests say of them, known for a moment, so that not every request asks again.

    It is empty until `seconds` is set, which a server does: what is changed of a brand is seen that much later.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._known: dict[tuple[str | None, str | None], tuple[float, Brand]] = {}

    def known(self, *, host: str | None = None, header: str | None = None) -> Brand | None:
        """The brand, where it is known now without asking."""
        until, brand = self._known.get((host, header), (0.0, None))
        return brand if monotonic() < until else None

    async def brand_for(self, db: Db, *, host: str | None = None, header: str | None = None) -> Brand:
        """As `brand_for`. Where what is known is too old, one asks again, and all others go on with it meanwhile."""
        if known := self.known(host=host, header=header):
            return known
        _, before = self._known.pop((host, header), (0.0, None))
        if before:
            self._keep((host, header), before)
        try:
            found = await brand_for(db, host=host, header=header)
        except BaseException:
            self._known.pop((host, header), None)
            raise
        if self.seconds:
            self._keep((host, header), found)
        return found

    def forget(self) -> None:
        """Know nothing, and remember nothing from here on."""
        self.seconds = 0.0
        self._known.clear()

    def _keep(self, said: tuple[str | None, str | None], brand: Brand) -> None:
        if len(self._known) >= KNOWN_MAX:
            self._known.clear()
        self._known[said] = monotonic() + self.seconds, brand


async def brand_for(db: Db, *, host: str | None = None, header: str | None = None) -> Brand:
    """The brand named by the `X-Brand` header (its slug), else the one that answers at `host`, else the default one.

    `host` is the `Host` header as it came, with or without a port. Raises NotFound for a slug that no brand has,
    and when there is no default brand.
    """
    if header:
        return await _the_brand(db, col(Brand.slug) == header.strip().lower(), f"there is no brand {header!r}")
    if host and (here := await _find(db, col(Brand.hosts).contains([without_port(host)]))):
        return here
    return await _the_brand(db, col(Brand.is_default).is_(True), "there is no default brand: add one")


def without_port(host: str) -> str:
    """`Shop.example:8000` is `shop.example`; an IPv6 address loses its brackets."""
    name = host.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


async def _the_brand(db: Db, condition: ColumnElement[bool], otherwise: str) -> Brand:
    brand = await _find(db, condition)
    if brand is None:
        raise NotFound(otherwise)
    return brand


async def _find(db: Db, condition: ColumnElement[bool]) -> Brand | None:
    found: Brand | None = await db.scalar(select(Brand).where(condition).order_by(col(Brand.created_at)).limit(1))
    return found


memory = Memory()
