"""Columns that mean the same everywhere."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Identity
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Text
from sqlmodel import Field


def now() -> datetime:
    return datetime.now(UTC)


def uuid_key() -> Any:
    """A primary key that tells nothing."""
    return Field(default_factory=uuid4, primary_key=True)


def big_key() -> Any:
    """A dense primary key for what there are very many of."""
    return Field(default=None, sa_column=Column(BigInteger, Identity(), primary_key=True))


def moment(*, index: bool = False) -> Any:
    """A time with its zone; null means not known or not yet."""
    return Field(default=None, sa_type=DateTime(timezone=True), nullable=True, index=index)


def when(*, index: bool = False) -> Any:
    """A time with its zone that is always known."""
    return Field(sa_type=DateTime(timezone=True), nullable=False, index=index)


def stamp() -> Any:
    """When the row was made."""
    return Field(default_factory=now, sa_type=DateTime(timezone=True), nullable=False)


def big_ref(
    target: str, *, nullable: bool = False, index: bool = False, cascade: bool = False, primary: bool = False
) -> Any:
    """A reference to a `big_key`; with `cascade` the row goes when its owner goes, as does one that is `primary`."""
    column = Column(
        BigInteger,
        ForeignKey(target, ondelete="CASCADE" if cascade or primary else None),
        nullable=nullable,
        index=index,
        primary_key=primary,
    )
    return Field(default=None, sa_column=column) if nullable else Field(sa_column=column)


def texts() -> Any:
    """A list of texts; never null."""
    return Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)


def jsonb(*, nullable: bool = False) -> Any:
    """A JSON document."""
    return Field(default=None if nullable else {}, sa_type=JSONB, nullable=nullable)


def big(*, default: int | None = 0, nullable: bool = False) -> Any:
    """A 64-bit whole number: minor units, Wh."""
    return Field(default=default, sa_type=BigInteger, nullable=nullable)


__all__ = [
    "UUID",
    "big",
    "big_key",
    "big_ref",
    "datetime",
    "jsonb",
    "moment",
    "now",
    "stamp",
    "texts",
    "uuid_key",
    "when",
]
