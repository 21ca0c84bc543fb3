"""Who is asking, and all that is theirs."""

import strawberry

from emsp.accounts import tables
from emsp.charging import read
from emsp.db.engine import reading
from emsp.fleets.members import fleets_of
from emsp.graphql.balance import AutoTopUp, Balance, BalanceEntry, balance_of, entries_page
from emsp.graphql.billing import BillingDetails, billing_details_of
from emsp.graphql.connection import Connection, checked_first, key_of_cursor, page_of
from emsp.graphql.dues import PaymentDue, own_dues
from emsp.graphql.fields import After, First, resolver
from emsp.graphql.fleets import Fleet, fleet_of
from emsp.graphql.loyalty import LoyaltyAccount
from emsp.graphql.payments import PaymentMethod, payment_method_of
from emsp.graphql.people import Driver, driver_of
from emsp.graphql.plans import DriverPlan, plan_of
from emsp.graphql.reservations import Reservation, own_reservations
from emsp.graphql.sessions import ChargingSession, session_of
from emsp.graphql.tokens import ChargeToken, own_tokens
from emsp.graphql.vehicles import Vehicle, own_vehicles
from emsp.graphql.viewer import Info
from emsp.payments import auto_top_up, balance
from emsp.payments.cards import methods_of


@strawberry.type(description="The signed-in driver, and all that is theirs.")
class Viewer:
    row: strawberry.Private[tables.Driver]

    @resolver("Who is signed in.")
    def driver(self) -> Driver:
        return driver_of(self.row)

    @resolver("Their charges, the newest first.")
    async def sessions(self, first: First = 20, after: After = strawberry.UNSET) -> Connection[ChargingSession]:
        wanted, key = checked_first(first), key_of_cursor(after or None)
        async with reading() as db:
            page = await read.sessions_of(db, self.row.id, first=wanted, after=key)
        return page_of(page, session_of, after or None)

    @resolver("What they are to pay because it could not be taken, the oldest first.")
    async def dues(self, info: Info) -> list[PaymentDue]:
        return await own_dues(info)

    @resolver("Their saved cards, the default one first.")
    async def payment_methods(self) -> list[PaymentMethod]:
        async with reading() as db:
            return [payment_method_of(row) for row in await methods_of(db, self.row.id)]

    @resolver("What is on their balance, one a currency; it pays for charges before any card.")
    async def balances(self) -> list[Balance]:
        async with reading() as db:
            return [balance_of(row) for row in await balance.standing(db, self.row.id)]

    @resolver("What came onto their balance and went off it, the newest first.")
    async def balance_entries(
        self, info: Info, first: First = 20, after: After = strawberry.UNSET
    ) -> Connection[BalanceEntry]:
        return await entries_page(info, first, after or None)

    @resolver("When and how their balance is topped up by itself; null when it is not.")
    async def auto_top_up(self) -> AutoTopUp | None:
        async with reading() as db:
            wish = await auto_top_up.auto_top_up_of(db, self.row.id)
        return AutoTopUp(row=wish) if wish else None

    @resolver("The buyer on their receipts; null when they have not said who that is.")
    def billing_details(self) -> BillingDetails | None:
        return billing_details_of(self.row)

    @resolver("Their cars, in the order in which they were added.")
    async def vehicles(self) -> list[Vehicle]:
        return await own_vehicles(self.row.id)

    @resolver("Their cards and contracts, which start charges at the charge point, in the order of adding.")
    async def tokens(self) -> list[ChargeToken]:
        return await own_tokens(self.row.id)

    @resolver("Their reservations that are open, and those of the last day, the newest first.")
    async def reservations(self) -> list[Reservation]:
        return await own_reservations(self.row.id)

    @resolver("The plan that they are on; null when they are on none.")
    async def plan(self, info: Info) -> DriverPlan | None:
        return await plan_of(info)

    @resolver("Their points.")
    def loyalty(self) -> LoyaltyAccount:
        return LoyaltyAccount(driver_id=self.row.id)

    @resolver("The fleets that they are in, by name.")
    async def fleets(self) -> list[Fleet]:
        async with reading() as db:
            return [fleet_of(row) for row in await fleets_of(db, self.row.id)]


@strawberry.type
class ViewerQuery:
    @resolver("Who is asking; null when not signed in.")
    def viewer(self, info: Info) -> Viewer | None:
        driver = info.context.asker.driver
        return Viewer(row=driver) if driver else None
