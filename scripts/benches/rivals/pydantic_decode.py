"""Locations by pydantic: models with the very fields of our messages, and nothing else."""

from __future__ import annotations

from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from pydantic import BaseModel, create_model

from emsp.ocpi.words.messages import Location


@cache
def model_of(message: type[msgspec.Struct]) -> type[BaseModel]:
    """The model for one of our messages."""
    hints = get_type_hints(message)
    fields: dict[str, Any] = {
        field.name: (_kind(hints[field.name]), ... if field.required else field.default)
        for field in msgspec.structs.fields(message)
    }
    made: type[BaseModel] = create_model(message.__name__, **fields)
    return made


def _kind(kind: Any) -> Any:
    if get_origin(kind) in (Union, UnionType):
        return Union[tuple(map(_kind, get_args(kind)))]  # noqa: UP007 - made while running
    if get_origin(kind) is list:
        return list[_kind(get_args(kind)[0])]  # type: ignore[misc]
    return model_of(kind) if isinstance(kind, type) and issubclass(kind, msgspec.Struct) else kind


def decode(body: bytes) -> dict[str, Any] | None:
    """What a location says by pydantic; None where it refuses."""
    try:
        return model_of(Location).model_validate_json(body).model_dump()
    except ValueError:
        return None


def validate(bodies: list[bytes]) -> int:
    """How many of the items are locations, each read alone."""
    read, good = model_of(Location).model_validate_json, 0
    for body in bodies:
        try:
            read(body)
            good += 1
        except ValueError:
            continue
    return good
