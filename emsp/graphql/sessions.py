"""A charge from its start to its receipt, as its driver follows it."""

from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import strawberry
from strawberry import field

from emsp.charging import tables
from emsp.charging.lifecycle import MEANING, State, after
from emsp.errors import NotFound
from emsp.graphql import ids
from emsp.graphql.fields import Id, resolver, value
from emsp.graphql.loaders import the
from emsp.graphql.money import Money, of_minor, shown
from emsp.graphql.node import Node
from emsp.graphql.payments import Hold
from emsp.graphql.preferences import ChargingPreferences, preferences_of
from emsp.graphql.quotes import PriceQuote, quote_of
from emsp.graphql.receipts import Receipt, receipt_of
from emsp.graphql.stations import Connector, Station, connector_of, station_of
from emsp.graphql.tokens import ChargeToken, own_token
from emsp.graphql.viewer import Info, sees


def _state(state: State) -> Any:
    following = ", ".join(after(state))
    return value(state.value, f"{MEANING[state]} {f'Next: {following}.' if following else 'It is final.'}")


@strawberry.enum(description="Where a charging session stands; each state says which may follow.")
class ChargingSessionState(Enum):
    REQUESTED = _state(State.REQUESTED)
    COMMAND_SENT = _state(State.COMMAND_SENT)
    AWAITING_PLUG = _state(State.AWAITING_PLUG)
    START_UNCONFIRMED = _state(State.START_UNCONFIRMED)
    CHARGING = _state(State.CHARGING)
    STOPPING = _state(State.STOPPING)
    ENDED = _state(State.ENDED)
    SETTLED = _state(State.SETTLED)
    PAYMENT_DUE = _state(State.PAYMENT_DUE)
    IN_REVIEW = _state(State.IN_REVIEW)
    FAILED = _state(State.FAILED)


@strawberry.enum(description="How a charge was started.")
class ChargingSessionOrigin(Enum):
    APP = value("APP", "By app.")
    CARD = value("CARD", "By a card that was held to the charge point.")
    CAR = value("CAR", "By the car itself, which told its contract when it was plugged in.")


@strawberry.enum(description="Who said or did it.")
class SessionEventSource(Enum):
    DRIVER = value("DRIVER", "The driver.")
    OPERATOR = value("OPERATOR", "The operator or the charge point.")
    PAYMENT = value("PAYMENT", "The payment.")
    SYSTEM = value("SYSTEM", "We ourselves.")


@strawberry.type(description="One line of a session's timeline.")
class SessionEvent:
    at: datetime = field(description="When it happened.")
    source: SessionEventSource = field(description="Who said or did it.")
    state: ChargingSessionState | None = field(description="The state that it led to; null when it led to none.")
    text: str = field(description="What happened, in a sentence.")


@strawberry.type(description="One plug-in of a driver, from the request to the paid receipt.")
class ChargingSession(Node):
    row: strawberry.Private[tables.ChargingSession]

    @resolver("Where it stands.")
    def state(self) -> ChargingSessionState:
        return ChargingSessionState(self.row.state)

    @resolver("Why it stands there, in a sentence.")
    def state_reason(self) -> str | None:
        return self.row.state_reason

    @resolver("Where the car charges.")
    async def connector(self, info: Info) -> Connector | None:
        return connector_of(await the(info.context.loaders.connectors, self.row.connector_id))

    @resolver("The station where the car charges.")
    async def station(self, info: Info) -> Station | None:
        row = await the(info.context.loaders.stations, self.row.station_id)
        return station_of(row)

    @resolver("How it was started.")
    def origin(self) -> ChargingSessionOrigin:
        return ChargingSessionOrigin(self.row.origin)

    @resolver("The card or contract that started it; null for a start by app, and for a card that is theirs no more.")
    async def charge_token(self, info: Info) -> ChargeToken | None:
        return await own_token(info, self.row.charge_token_id)

    @resolver("What the driver wishes of it, as the operator took it over; null when nothing was.")
    async def preferences(self, info: Info) -> ChargingPreferences | None:
        return await preferences_of(info, self.row.id)

    @resolver("The price that was shown before the start; for a card or a car, the one that applied when it started.")
    async def quote(self, info: Info) -> PriceQuote | None:
        return quote_of(await the(info.context.loaders.quotes, self.row.quote_id))

    @resolver("When the driver asked for it.")
    def requested_at(self) -> datetime:
        return self.row.created_at

    @resolver("When the charge began; null until it does.")
    def started_at(self) -> datetime | None:
        return self.row.started_at

    @resolver("When the charge ended; null until it does.")
    def ended_at(self) -> datetime | None:
        return self.row.ended_at

    @resolver("The energy delivered so far, in watt-hours.")
    def energy_wh(self) -> int:
        return self.row.energy_wh

    @resolver("The power at the last report, in watts; null when the operator does not tell.")
    def power_w(self) -> int | None:
        return self.row.power_w

    @resolver("How full the battery was at the last report; null when the operator does not tell.")
    def state_of_charge_percent(self) -> float | None:
        percent = self.row.state_of_charge_percent
        return None if percent is None else float(percent)

    @resolver(
        "What it comes to so far by the prices shown, in the end with all corrections; null while it is not known."
    )
    async def cost_so_far(self, info: Info) -> Money | None:
        receipt = await info.context.loaders.receipts_of_sessions.load(self.row.id)
        currency = receipt.currency if receipt else (await the(info.context.loaders.quotes, self.row.quote_id)).currency
        return of_minor(self.row.cost_so_far_minor, currency)

    @resolver("The money reserved for it on a card; null when none is, or none was asked for yet.")
    async def hold(self, info: Info) -> Hold | None:
        row = await info.context.loaders.holds.load(self.row.hold_id) if self.row.hold_id else None
        return Hold(row=row) if row else None

    @resolver("What is to be paid for it because it could not be taken, which `payDue` does; null when nothing is.")
    async def amount_due(self, info: Info) -> Money | None:
        row = await info.context.loaders.dues_of_sessions.load(self.row.id)
        return shown(row.amount) if row else None

    @resolver("What was billed first, with its corrections; null until it is.")
    async def receipt(self, info: Info) -> Receipt | None:
        row = await info.context.loaders.receipts_of_sessions.load(self.row.id)
        return receipt_of(row) if row else None

    @resolver("Everything that happened, in order.")
    async def timeline(self, info: Info) -> list[SessionEvent]:
        rows = await info.context.loaders.events_of_sessions.load(self.row.id)
        return [_event(row) for row in rows or []]


def session_of(row: tables.ChargingSession) -> ChargingSession:
    """A session as the schema shows it."""
    return ChargingSession(id=ids.encode("ChargingSession", row.id), row=row)


async def own_session(info: Info, key: UUID) -> ChargingSession | None:
    """The asker's own session, or None."""
    row = await info.context.loaders.sessions.load(key)
    return session_of(row) if row and sees(info.context.asker, row) else None


def _event(row: tables.SessionEvent) -> SessionEvent:
    return SessionEvent(
        at=row.at,
        source=SessionEventSource(row.source),
        state=ChargingSessionState(row.state) if row.state else None,
        text=row.text,
    )


@strawberry.type
class SessionQuery:
    @resolver("A charge of the asker's by its id; null when they have none with it.")
    async def charging_session(self, info: Info, id: Id) -> ChargingSession | None:
        try:
            return await own_session(info, ids.uuid_of(id, "ChargingSession"))
        except NotFound:
            return None
