"""What people write at the command line as JSON, or as @file with JSON in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import typer

from emsp.errors import Invalid

T = TypeVar("T")


def from_json(text: str, read: Callable[[object], T], *, option: str) -> T:
    """`text`, or the file that it names with @, as JSON understood by `read`; what is wrong is told by `option`."""
    try:
        return read(json.loads(_content(text), parse_float=Decimal))
    except OSError as error:
        raise typer.BadParameter(f"cannot be read: {error}", param_hint=option) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"is not JSON: {error}", param_hint=option) from error
    except Invalid as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def _content(text: str) -> str:
    return Path(text[1:]).read_text() if text.startswith("@") else text
