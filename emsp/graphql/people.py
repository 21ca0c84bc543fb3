"""Drivers."""

from datetime import datetime

import strawberry
from strawberry import field

from emsp.accounts import tables
from emsp.graphql import ids
from emsp.graphql.node import Node


@strawberry.type(description="A person who charges, at one brand.")
class Driver(Node):
    email: str = field(description="The address with which they sign in.")
    name: str | None = field(description="Their name; null when they have not told it.")
    language: str = field(description="The language that they read (ISO 639-1).")
    created_at: datetime = field(description="When they first signed in.")


def driver_of(row: tables.Driver) -> Driver:
    """A driver as the schema shows them."""
    return Driver(
        id=ids.encode("Driver", row.id),
        email=row.email,
        name=row.name,
        language=row.language,
        created_at=row.created_at,
    )
