"""Pages of lists that can grow: Relay connections with `nodes` beside `edges`, and keyset cursors."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry
from strawberry import field

from emsp.db.pages import Key, Page
from emsp.errors import Invalid
from emsp.graphql.fields import resolver

T = TypeVar("T")
FIRST, FIRST_MAX = 20, 100


@strawberry.type(description="Where a page of a list begins and ends.")
class PageInfo:
    has_next_page: bool = field(description="Whether there is more after this page.")
    has_previous_page: bool = field(description="Whether there was something before this page.")
    start_cursor: str | None = field(description="The cursor of the first item; null when the page is empty.")
    end_cursor: str | None = field(description="The cursor of the last item, for `after`; null when the page is empty.")


@strawberry.type(description="An item of a list with its place in it.")
class Edge(Generic[T]):
    node: T = field(description="The item.")
    cursor: str = field(description="The place of the item, for `after`.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[T]):
    cursors: strawberry.Private[Sequence[str]]
    has_next: strawberry.Private[bool]
    after: strawberry.Private[str | None]
    total: strawberry.Private[int]
    nodes: list[T] = field(description="The items of this page.")

    @resolver("The items of this page, each with its cursor.")
    def edges(self) -> list[Edge[T]]:
        return [Edge(node=node, cursor=cursor) for node, cursor in zip(self.nodes, self.cursors, strict=True)]

    @resolver("Whether and where the list goes on.")
    def page_info(self) -> PageInfo:
        return PageInfo(
            has_next_page=self.has_next,
            has_previous_page=bool(self.after),
            start_cursor=self.cursors[0] if self.cursors else None,
            end_cursor=self.cursors[-1] if self.cursors else None,
        )

    @resolver("How many items the whole list has.")
    def total_count(self) -> int:
        return self.total


def connection(nodes: Any, cursors: Sequence[str], *, has_next: bool, total: int, after: str | None) -> Connection[T]:
    """The page that holds `nodes`, a list or `Rows` of them."""
    return Connection(cursors=cursors, has_next=has_next, after=after, total=total, nodes=nodes)


def page_of(page: Page, shown: Callable[[Any], T], after: str | None) -> Connection[T]:
    """A page of rows, newest first, each as it is `shown`."""
    cursors = [cursor_of(row.created_at, row.id) for row in page.rows]
    return connection([shown(row) for row in page.rows], cursors, has_next=page.has_more, total=page.total, after=after)


def slice_of(nodes: Sequence[T], first: int, after: str | None) -> Connection[T]:
    """A page of a list that is at hand as a whole; cursors are places in it."""
    start = _number(after) if after else 0
    page = nodes[start : start + first]
    cursors = [_cursor(str(start + index + 1)) for index in range(len(page))]
    return connection(page, cursors, has_next=start + first < len(nodes), total=len(nodes), after=after)


def cursor_of(created_at: datetime, key: UUID) -> str:
    """The place of a row in a list ordered by when its rows were made."""
    return _cursor(f"{created_at.isoformat()} {key}")


def key_of_cursor(after: str | None) -> Key | None:
    """What `cursor_of` was given. Raises Invalid for anything else."""
    if not after:
        return None
    moment, _, key = _text(after).partition(" ")
    try:
        return datetime.fromisoformat(moment), UUID(key)
    except ValueError as error:
        raise _no_cursor() from error


def checked_first(first: int | None, *, default: int = FIRST) -> int:
    """How many items are wanted. Raises Invalid outside of 1 to 100."""
    wanted = default if first is None else first
    if not 1 <= wanted <= FIRST_MAX:
        raise Invalid(f"must be between 1 and {FIRST_MAX}", "first")
    return wanted


def _cursor(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _text(cursor: str) -> str:
    try:
        return urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except ValueError as error:
        raise _no_cursor() from error


def _number(after: str) -> int:
    text = _text(after)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _no_cursor()
    return int(text)


def _no_cursor() -> Invalid:
    return Invalid("is not a cursor of this list", "after")
