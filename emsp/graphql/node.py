"""Anything that has an id."""

import strawberry
from strawberry import field


@strawberry.interface(description="Anything that has an id by which it can be asked for again.")
class Node:
    id: strawberry.ID = field(description="An opaque id that never changes.")
