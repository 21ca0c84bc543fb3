"""One run of a compiled selection: what it is given, and what it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from emsp.graphql.execution.kept import Kept
from emsp.graphql.execution.waiting import Tasks


@dataclass(frozen=True)
class Here:
    """What resolvers know of where they run: who asks, and what is loaded for them.

    Of `strawberry.Info` this is all that our resolvers use; one that asks for more is run by graphql-core.
    """

    context: Any


@dataclass
class Run:
    """One run of a plan."""

    context: Any
    variables: Any
    kept: Kept | None = None  # given where the answer is to be JSON
    info: Here = field(init=False)
    tasks: Tasks = field(default_factory=Tasks)

    def __post_init__(self) -> None:
        self.info = Here(self.context)
