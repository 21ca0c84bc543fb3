"""`emsp tokens`: RFID cards and Plug & Charge contracts, and whose they are."""

from __future__ import annotations

import csv
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlmodel import col, select

from emsp.accounts import charge_tokens
from emsp.accounts.charge_tokens import NewToken
from emsp.accounts.contracts import new_contract_id
from emsp.accounts.drivers import ensure_driver
from emsp.accounts.tables import ChargeToken, Driver
from emsp.brands.choose import brand_for
from emsp.brands.tables import Brand
from emsp.cli.running import JsonOption, run, show
from emsp.db.engine import Db, transaction
from emsp.errors import Invalid, NotFound
from emsp.fleets.members import fleets_of
from emsp.ocpi import ours

COLUMNS = ("uid", "contract_id", "visual_number", "kind", "whitelist", "driver", "fleet")
cli = typer.Typer(no_args_is_help=True, help="RFID cards and Plug & Charge contracts, and whose they are.")
BrandOption = Annotated[str | None, typer.Option(help="Slug of the brand; the default one if unset.")]
TokenArgument = Annotated[str, typer.Argument(help="Id of the card's chip, contract id, or our own id of it.")]
DriverOption = Annotated[str | None, typer.Option(help="E-mail address of the driver whose it is to be.")]
FleetOption = Annotated[UUID | None, typer.Option(help="Id of the fleet that pays for what it starts.")]


@cli.command()
def add(
    uid: Annotated[str, typer.Argument(help="Id of the card's chip; leave it out for a contract in a car.")] = "",
    kind: Annotated[str, typer.Option(help="RFID, or EMAID for a contract in a car.")] = "RFID",
    contract: Annotated[str | None, typer.Option(help="Contract id; made, with its check digit, if unset.")] = None,
    visual_number: Annotated[str | None, typer.Option(help="What is printed on the card.")] = None,
    whitelist: Annotated[
        str, typer.Option(help="NEVER (ask us each time), ALLOWED, ALLOWED_OFFLINE, ALWAYS.")
    ] = "NEVER",
    driver: DriverOption = None,
    fleet: FleetOption = None,
    brand: BrandOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring in a card or contract."""
    row = {
        "uid": uid,
        "kind": kind,
        "contract_id": contract or "",
        "visual_number": visual_number or "",
        "whitelist": whitelist,
        "driver": driver or "",
        "fleet": str(fleet or ""),
    }

    async def story() -> ChargeToken:
        async with transaction() as db:
            return await _added(db, await brand_for(db, host=None, header=brand), row)

    show([_shown(run(story()))], as_json=as_json)


@cli.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(help=f"CSV with a header: {', '.join(COLUMNS)}; only uid is required.")],
    brand: BrandOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring in cards and contracts from a CSV file: all of them, or none when a line is wrong."""
    rows = _read(file)

    async def story() -> None:
        async with transaction() as db:
            home = await brand_for(db, host=None, header=brand)
            faults = [f"line {line}: {fault}" for line, row in rows if (fault := await _fault(db, home, row))]
            if faults:
                raise Invalid("\n".join(["nothing was brought in", *faults]))

    run(story())
    show([{"imported": len(rows)}], as_json=as_json)


def _read(file: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            unknown = [name for name in reader.fieldnames or [] if name not in COLUMNS]
            if unknown or "uid" not in (reader.fieldnames or []):
                raise typer.BadParameter(f"the header must be of {', '.join(COLUMNS)}", param_hint="FILE")
            return [(reader.line_num, {name: (row.get(name) or "").strip() for name in COLUMNS}) for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"cannot be read: {error}", param_hint="FILE") from error


async def _fault(db: Db, home: Brand, row: dict[str, str]) -> str | None:
    """Bring in one line; what is wrong with it, if anything is."""
    try:
        async with db.begin_nested():
            await _added(db, home, row)
    except (Invalid, NotFound) as error:
        return str(error)
    return None


async def _added(db: Db, home: Brand, row: dict[str, str]) -> ChargeToken:
    """Raises Invalid naming the column."""
    driver = await ensure_driver(db, home.id, row["driver"]) if row["driver"] else None
    return await charge_tokens.add_token(
        db,
        home.id,
        NewToken(
            kind=row["kind"] or charge_tokens.RFID,
            uid=row["uid"],
            contract_id=row["contract_id"] or new_contract_id("".join(ours.party_of_brand(home))),
            visual_number=row["visual_number"] or None,
            whitelist=row["whitelist"] or "NEVER",
            driver_id=driver.id if driver else None,
            fleet_id=await _fleet(db, driver, row["fleet"]),
        ),
    )


async def _fleet(db: Db, driver: Driver | None, text: str) -> UUID | None:
    """Raises Invalid naming `fleet` for what is none, or none of the driver's."""
    if not text:
        return None
    fleets = {str(fleet.id): fleet.id for fleet in await fleets_of(db, driver.id)} if driver else {}
    if text not in fleets:
        raise Invalid("must be a fleet that the driver is in", "fleet")
    return fleets[text]


@cli.command("list")
def list_all(
    driver: Annotated[str | None, typer.Option(help="Of this driver only, by e-mail address.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List cards and contracts, the newest first."""

    async def story() -> list[dict[str, Any]]:
        query = select(ChargeToken, Driver).outerjoin(Driver, col(Driver.id) == col(ChargeToken.driver_id))
        if driver:
            query = query.where(Driver.email == driver.strip().lower())
        async with transaction() as db:
            found = await db.execute(query.order_by(col(ChargeToken.created_at).desc()).limit(1000))
            return [{**_shown(token), "driver": owner.email if owner else None} for token, owner in found]

    show(run(story()), as_json=as_json)


@cli.command()
def block(
    token: TokenArgument,
    for_good: Annotated[
        bool, typer.Option("--for-good", help="Take it from its driver too, who could unblock it otherwise.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Let a card or contract start nothing more; operators are told at once."""

    async def blocked(db: Db, found: ChargeToken) -> ChargeToken:
        await charge_tokens.block_token(db, found)
        return await charge_tokens.assign(db, found, None) if for_good else found

    show([_shown(run(_each(token, blocked)))], as_json=as_json)


@cli.command()
def unblock(token: TokenArgument, as_json: JsonOption = False) -> None:
    """Let a card or contract start charges again."""
    show([_shown(run(_each(token, charge_tokens.unblock_token)))], as_json=as_json)


@cli.command()
def assign(
    token: TokenArgument,
    driver: DriverOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a card or contract a driver's, and a fleet's to pay; without a driver it is nobody's."""

    async def to_driver(db: Db, found: ChargeToken) -> ChargeToken:
        owner = await ensure_driver(db, found.brand_id, driver) if driver else None
        found.fleet_id = await _fleet(db, owner, str(fleet or ""))
        return await charge_tokens.assign(db, found, owner.id if owner else None)

    show([_shown(run(_each(token, to_driver)))], as_json=as_json)


async def _each(named: str, act: Callable[[Db, ChargeToken], Awaitable[ChargeToken]]) -> ChargeToken:
    async with transaction() as db:
        return await act(db, await charge_tokens.token_named(db, named))


def _shown(token: ChargeToken) -> dict[str, Any]:
    names = ("id", "kind", "uid", "contract_id", "visual_number", "whitelist", "driver_id", "fleet_id", "blocked_at")
    return {name: getattr(token, name) for name in names}
