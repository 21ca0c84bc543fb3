"""The schema of the public API, put together of the features' parts."""

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import (
    DisableIntrospection,
    MaxAliasesLimiter,
    MaxTokensLimiter,
    QueryDepthLimiter,
)
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionResult
from strawberry.types.execution import ExecutionContext
from strawberry.types.graphql import OperationType

from emsp import logs
from emsp.graphql.account import ViewerQuery
from emsp.graphql.balance_changes import BalanceMutation
from emsp.graphql.billing import BillingMutation
from emsp.graphql.brand import BrandQuery
from emsp.graphql.charge_permission import ChargePermissionQuery
from emsp.graphql.charging import ChargingMutation
from emsp.graphql.dues import DueMutation
from emsp.graphql.errors import INTERNAL, PublicErrors, code_of
from emsp.graphql.execution.engine import PlannedSchema
from emsp.graphql.execution.persisted import Persisted
from emsp.graphql.fleet_changes import FleetMutation
from emsp.graphql.live import LiveSubscription
from emsp.graphql.mandates import MandateMutation
from emsp.graphql.nodes import NodeQuery
from emsp.graphql.payments import PaymentMutation
from emsp.graphql.preference_changes import PreferenceMutation
from emsp.graphql.quotes import QuoteMutation
from emsp.graphql.reservation_changes import ReservationMutation
from emsp.graphql.scalars import SCALARS
from emsp.graphql.search import SearchQuery
from emsp.graphql.sessions import SessionQuery
from emsp.graphql.sign_in import SignInMutation
from emsp.graphql.token_changes import ChargeTokenMutation
from emsp.graphql.vehicle_changes import VehicleMutation
from emsp.graphql.vouchers import VoucherMutation

DEPTH_MAX, ALIASES_MAX, TOKENS_MAX = 15, 50, 3000
log = logs.log(__name__)


@strawberry.type(description="What can be asked.")
class Query(BrandQuery, ViewerQuery, NodeQuery, SearchQuery, SessionQuery, ChargePermissionQuery):
    pass


@strawberry.type(description="What a person can do; each mutation is one such thing.")
class Mutation(
    SignInMutation,
    PaymentMutation,
    BillingMutation,
    VehicleMutation,
    QuoteMutation,
    ChargingMutation,
    DueMutation,
    FleetMutation,
    MandateMutation,
    BalanceMutation,
    VoucherMutation,
    ChargeTokenMutation,
    ReservationMutation,
    PreferenceMutation,
):
    pass


@strawberry.type(description="What can be watched: each sends the current state first, then every change.")
class Subscription(LiveSubscription):
    pass


class Schema(PlannedSchema):
    """Logs faults of ours, and nothing that an app got wrong; what is watched is streamed and never executed."""

    async def execute(self, *arguments: Any, **named: Any) -> ExecutionResult:
        """Run a query or a mutation. Raises InvalidOperationTypeError for a subscription, which needs a WebSocket."""
        allowed = named.get("allowed_operation_types") or set(OperationType)
        named["allowed_operation_types"] = set(allowed) - {OperationType.SUBSCRIPTION}
        return await super().execute(*arguments, **named)

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Called with the errors as they were raised."""
        for error in errors:
            if code_of(error.original_error) == INTERNAL:
                path = ".".join(map(str, error.path or []))
                log.error("a resolver failed", path=path, exc_info=error.original_error)


def make_schema(*, introspection: bool, as_json: bool = False, persisted: Persisted | None = None) -> Schema:
    """The schema; without `introspection` it does not tell about itself. See `PlannedSchema` for the rest."""
    limits: list[Any] = [
        lambda: MaxTokensLimiter(TOKENS_MAX),
        lambda: QueryDepthLimiter(DEPTH_MAX),
        lambda: MaxAliasesLimiter(ALIASES_MAX),
        PublicErrors,
    ]
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        extensions=[*limits, *([] if introspection else [DisableIntrospection])],
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=not introspection),
        as_json=as_json,
        persisted=persisted,
    )


def schema_text() -> str:
    """The schema in GraphQL's own language, as it is kept in schema.graphql."""
    return make_schema(introspection=True).as_str().rstrip() + "\n"
