"""What is asked for on objects of one type: their answers, field by field, or as JSON where all of it may be kept."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLObjectType

from emsp.graphql.execution import fields, leaves, sheets
from emsp.graphql.execution.collect import NotCovered
from emsp.graphql.execution.kept import Kept, Rows, as_json
from emsp.graphql.execution.leaves import Column
from emsp.graphql.execution.run import Run
from emsp.graphql.execution.sheets import NotWritten, Sheet, Texts
from emsp.graphql.execution.waiting import results

if TYPE_CHECKING:
    from emsp.graphql.execution.plan import Objects

NUMBERS = count(1)  # of selections: what is kept for one is never taken for another


@dataclass(frozen=True)
class Asked:
    """A field that is asked for: where its values come from, and how they are answered."""

    source: fields.Source
    write: leaves.Writer | None
    objects: Objects | None
    is_kept: bool
    name: str
    """In Python."""

    @property
    def waits(self) -> bool:
        """Whether its answers may have to be waited for."""
        return self.source.waits or self.objects is not None

    def column(self, parents: Column, run: Run) -> Column:
        """The field's answers for all objects of a level, where they need not be waited for."""
        values = self.source.values(parents, run)
        return self.write(values) if self.write else values

    async def awaited(self, parents: Column, run: Run) -> Column:
        """As `column`, for any field."""
        values = await self.source.awaited(parents, run) if self.source.waits else self.source.values(parents, run)
        if self.write:
            return self.write(values)
        return await self.objects.answers(values, run) if self.objects else values

    def written(self, sheet: Sheet) -> Texts:
        """The field's answers for all rows of a sheet. Raises NotWritten."""
        if isinstance(self.source, fields.Constant):
            return [orjson.dumps(self.source.value)] * len(sheet)
        found = sheets.column(sheet, self.name)
        if self.objects:
            return self.objects.written(found)
        assert isinstance(found, list)
        return found


class Selection:
    """What is asked for on objects of one type."""

    def __init__(self, keys: list[str], asked: list[Asked], kind: GraphQLObjectType) -> None:
        self._keys, self._asked, self._kind = keys, asked, kind
        self._json = b"{%b}" % b",".join(b'"%b":%%b' % key.encode() for key in keys)
        self._kept = [one for one in asked if one.is_kept]
        self._live = [one for one in asked if not one.is_kept]
        self._order = [(self._kept + self._live).index(one) for one in asked]
        self._origin = kind.extensions["strawberry-definition"].origin
        self._has_rows = fields.has_rows(kind) and any(one.objects for one in self._kept)
        self.is_kept, self._number = not self._live, next(NUMBERS)
        self._is_written = True

    async def answers(self, objects: Column, run: Run) -> Column:
        """An answer for each object. Raises NotCovered for an object that is of another type."""
        versions = self._versions(objects) if run.kept and objects and self._asked else None
        if run.kept is None or versions is None:
            return await self._answers(objects, run) if objects else []
        self._check(objects)
        rows = Rows([one.row.id for one in objects], versions, lambda places: [objects[place] for place in places])
        if self.is_kept:
            return list(map(orjson.Fragment, await self.texts(rows, run, run.kept)))
        return await self._answers_kept(rows, run, run.kept)

    async def texts(self, rows: Rows[Any], run: Run, kept: Kept) -> list[bytes]:
        """An answer for each row, as JSON; all that is asked for is kept."""
        found: list[Any] = kept.get(self._number, rows.ids, rows.versions)
        missing = [place for place, text in enumerate(found) if text is None]
        if missing:
            self._write(rows, missing, found)
            made = [place for place in missing if found[place] is None]
            for place, answer in zip(made, await self._answers(rows.made(made), run) if made else (), strict=True):
                found[place] = orjson.dumps(answer)
            for place in missing:
                kept.put(self._number, rows.ids[place], rows.versions[place], found[place], len(found[place]))
        return found

    def _write(self, rows: Rows[Any], places: list[int], found: list[Any]) -> None:
        """Write what can be written without making an object."""
        if rows.sheets and self._is_written:
            try:
                for theirs, sheet in rows.sheets(places):
                    for place, text in zip(theirs, self.written(sheet), strict=True):
                        found[place] = text
            except NotWritten:
                self._is_written = False

    def written(self, sheet: Sheet) -> Texts:
        """An answer for each row of a sheet, as JSON. Raises NotWritten."""
        columns = [one.written(sheet) for one in self._asked]
        return list(map(self._json.__mod__, zip(*columns, strict=True))) if columns else [b"{}"] * len(sheet)

    async def _answers(self, objects: Column, run: Run) -> Column:
        self._check(objects)
        if not self._asked:
            return [{} for _ in objects]
        return self._record(*await self._columns(self._asked, objects, run))

    def _record(self, *columns: Column) -> Column:
        """A dict for each row."""
        return [dict(zip(self._keys, values, strict=True)) for values in zip(*columns, strict=True)]

    def _versions(self, objects: Column) -> list[int] | None:
        """The versions of the rows, where all have one."""
        found = [getattr(one.row, "version", None) for one in objects] if self._has_rows else [None]
        versions = [version for version in found if version is not None]
        return versions if len(versions) == len(objects) else None

    async def _answers_kept(self, rows: Rows[Any], run: Run, kept: Kept) -> Column:
        """As `answers`, with what is said of the same version of a row taken from what is kept."""
        objects = list(rows)
        live = run.tasks.start([self._columns(self._live, objects, run)])
        found = kept.get(self._number, rows.ids, rows.versions)
        missing = [place for place, values in enumerate(found) if values is None]
        if missing:
            columns = await self._columns(self._kept, [objects[place] for place in missing], run)
            for place, values in zip(missing, zip(*columns, strict=True), strict=True):
                found[place], size = as_json(values)
                kept.put(self._number, rows.ids[place], rows.versions[place], found[place], size)
        answers: list[Any] = [*zip(*found, strict=True), *(await results(live))[0]]
        return self._record(*(answers[place] for place in self._order))

    async def _columns(self, asked: list[Asked], objects: Column, run: Run) -> list[Column]:
        waiting = [one for one in asked if one.waits]
        if len(waiting) == 1:
            found = [await waiting[0].awaited(objects, run)]
        else:
            found = await results(run.tasks.start(one.awaited(objects, run) for one in waiting)) if waiting else []
        done = iter(found)
        return [next(done) if one.waits else one.column(objects, run) for one in asked]

    def _check(self, objects: Column) -> None:
        is_of = self._kind.is_type_of
        if is_of and not set(map(type, objects)) <= {self._origin}:
            raise NotCovered(f"not a {self._kind}")
