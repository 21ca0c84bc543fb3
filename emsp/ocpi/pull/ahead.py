"""What comes next is made while the last one is worked with: one ahead, never more, so that memory is bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, TypeVar, cast

T = TypeVar("T")
_END: Any = object()


async def ahead(source: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The same things in the same order; an error comes when it is its turn. Closes the source at its end."""

    async def upcoming() -> Any:
        return await anext(source, _END)

    task = asyncio.create_task(upcoming())
    try:
        while (thing := await task) is not _END:
            task = asyncio.create_task(upcoming())
            yield cast("T", thing)
    finally:
        task.cancel()
        await asyncio.wait([task])
        await source.aclose()
