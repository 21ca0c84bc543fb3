"""Which documents watch the map in a way that many watchers can share, told from their text alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    get_operation_ast,
    parse,
    visit,
)

FIELD, ARGUMENT = "stationAvailabilityChanged", "box"
TOKENS_MAX, DOCUMENTS_MAX = 3000, 500

PUBLIC = {
    "StationAvailabilityEvent": {"station", "availability"},
    "Station": {
        "id",
        "name",
        "coordinates",
        "distanceM",
        "address",
        "operator",
        "availability",
        "evses",
        "occupancy",
        "reliability",
        "openingHours",
        "openNow",
        "facilities",
        "timeZone",
        "updatedAt",
    },
    "Evse": {
        "id",
        "evseId",
        "label",
        "status",
        "statusAsOf",
        "doubt",
        "capabilities",
        "connectors",
        "station",
        "accessible",
        "parkingRestrictions",
    },
    "Connector": {"id", "standard", "format", "powerType", "maxPowerKw", "evse", "capabilities"},
    "Node": {"id"},
}
"""Fields that say the same to whoever asks; what is not listed is made for each watcher by itself."""
PUBLIC_TYPES = (
    "Availability",
    "Coordinates",
    "Address",
    "Operator",
    "OpeningHours",
    "RegularHours",
    "ExceptionalPeriod",
    "Occupancy",
    "OccupancyHour",
    "Share",
    "Reliability",
    "Doubt",
)
"""Types all of whose fields do."""


@dataclass(frozen=True)
class Watched:
    """A document that watches the map and nothing else.

    `variables` are those that its answers depend on, the box left out; answers of one that is `public` are the same
    for everybody.
    """

    public: bool
    variables: frozenset[str]


class Documents:
    """Documents that were seen, so that the next watcher's need not be read again."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self.watched = lru_cache(DOCUMENTS_MAX)(self._watched)

    def _watched(self, query: str, operation_name: str | None) -> Watched | None:
        """What a document is like, or None for one that is another kind of operation, or cannot be read."""
        try:
            document = parse(query, max_tokens=TOKENS_MAX)
        except GraphQLError:
            return None
        operation = get_operation_ast(document, operation_name)
        if operation is None or not _watches_the_map(operation):
            return None
        looked = _Look(types := TypeInfo(self._schema))
        fragments = [part for part in document.definitions if isinstance(part, FragmentDefinitionNode)]
        visit(DocumentNode(definitions=(operation, *fragments)), TypeInfoVisitor(types, looked))
        return Watched(looked.public, frozenset(looked.variables))


def _watches_the_map(operation: OperationDefinitionNode) -> bool:
    if operation.operation is not OperationType.SUBSCRIPTION or operation.directives:
        return False
    match operation.selection_set.selections:
        case [FieldNode(name=name, directives=directives)]:
            return name.value == FIELD and not directives
    return False


class _Look(Visitor):
    """Looks at every field and every variable but those of the box."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types, self.public, self.variables = types, True, set[str]()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        parent = self._types.get_parent_type()
        kind = parent.name if parent else ""
        if kind != "Subscription" and kind not in PUBLIC_TYPES and node.name.value != "__typename":
            self.public = self.public and node.name.value in PUBLIC.get(kind, ())

    def enter_argument(self, node: Any, *_: Any) -> Any:
        field, parent = self._types.get_argument(), self._types.get_parent_type()
        of_the_box = field is not None and parent is not None and parent.name == "Subscription"
        return self.SKIP if of_the_box and node.name.value == ARGUMENT else None

    def enter_variable_definition(self, *_: Any) -> Any:
        return self.SKIP

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.variables.add(node.name.value)
