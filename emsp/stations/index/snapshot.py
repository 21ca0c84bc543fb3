"""An index as one file, which every process of a machine maps: its memory is shared until a process changes it.

The file is replaced as a whole, never changed. It is true for one database at one position of its change log.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from fasteners import InterProcessLock

from emsp import logs
from emsp.settings import settings
from emsp.stations.index import codes, load, records
from emsp.stations.index.books import Books, Contents, Outlets
from emsp.stations.index.columns import DTYPES, Array, Arrays, Segment
from emsp.stations.log import KEPT

log = logs.log(__name__)
MAGIC = b"emsp stations 1\n"
ALIGNED_BYTES = 64
TEXT, OUTLETS = "text ", "outlets"
BOOKS = {name: value for name, value in vars(codes).items() if name.isupper()}
TEXTS = (records.STATION_TEXTS, records.EVSE_TEXTS)
FORMAT = blake2b(repr((DTYPES, BOOKS, TEXTS, Outlets.COLUMNS)).encode(), digest_size=8).hexdigest()
"""A file that was written by other columns, codes or texts than these is not read."""
IDENTITY = """
    SELECT (SELECT system_identifier FROM pg_control_system())
        || '/' || (SELECT timeline_id FROM pg_control_checkpoint())
        || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
        || '/' || (SELECT version_num FROM alembic_version), extract(epoch FROM now())::float8
"""


class Standing(NamedTuple):
    """An index that was true once: at `position` of the change log of `database`, at `taken_at` by its clock."""

    segment: Segment
    database: str
    position: str
    taken_at: float


class _Placed(msgspec.Struct, array_like=True):
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


class _Head(msgspec.Struct):
    format: str
    database: str
    position: str
    taken_at: float
    books: Contents
    arrays: list[_Placed]


def path() -> Path:
    """Where the file of this installation lies."""
    return settings().data_dir.resolve() / "stations.index"


def identity(connection: load.Connection) -> tuple[str, float]:
    """Which database this is, at which revision, and its clock in seconds since 1970."""
    row = connection.execute(IDENTITY).fetchone()
    assert row is not None
    return row[0], row[1]


def from_database(progress: load.Progress | None = None) -> Standing:
    """All that is shown, read from PostgreSQL."""
    with load.connect() as connection:
        database, taken_at = identity(connection)
        connection.commit()
        found = load.read(connection, Books(), progress=progress)
    return Standing(found.segment, database, found.position, taken_at)


def make(newer_than: float | None, progress: load.Progress | None = None) -> None:
    """Write the file from PostgreSQL, unless one is there already that is newer than a time. One process at a time."""
    path().parent.mkdir(parents=True, exist_ok=True)
    with InterProcessLock(path().with_suffix(".lock")):
        if newer_than is None or usable(newer_than) is None:
            write(path(), from_database(progress))


def usable(newer_than: float = 0) -> Standing | None:
    """The file's, where it is of this database, and not older than the log reaches back."""
    standing = read(path())
    if standing is None:
        return None
    with load.connect() as connection:
        database, now = identity(connection)
    reaches = now - KEPT.total_seconds() * 0.9
    return standing if standing.database == database and standing.taken_at > max(reaches, newer_than) else None


def write(file: Path, standing: Standing) -> None:
    """Replace the file, at once for those who look."""
    arrays = _arrays(standing.segment)
    placed, offset = [], 0
    for name, array in arrays.items():
        placed.append(_Placed(name, array.dtype.str, array.shape, offset))
        offset += -(-array.nbytes // ALIGNED_BYTES) * ALIGNED_BYTES
    head = _Head(
        FORMAT, standing.database, standing.position, standing.taken_at, standing.segment.books.contents(), placed
    )
    coming = file.with_suffix(f".{os.getpid()}")
    with coming.open("wb") as out:
        for part in _parts(msgspec.msgpack.encode(head), arrays):
            out.write(part)
    coming.replace(file)


def _arrays(segment: Segment) -> Arrays:
    columns = {name: getattr(segment, name) for name in DTYPES}
    texts = {TEXT + name: array for name, array in segment.text.items()}
    return {**columns, **texts, OUTLETS: segment.outlets.rows()}


def _parts(head: bytes, arrays: Arrays) -> Iterator[Any]:
    start = MAGIC + len(head).to_bytes(8, "little") + head
    yield start + bytes(-len(start) % ALIGNED_BYTES)
    for array in arrays.values():
        yield np.ascontiguousarray(array).data.cast("B") if array.nbytes else b""
        yield bytes(-array.nbytes % ALIGNED_BYTES)


def read(file: Path) -> Standing | None:
    """What the file holds, mapped: writing into its arrays changes them for this process only. None if it cannot be."""
    try:
        data = np.memmap(file, dtype=np.uint8, mode="c").view(np.ndarray)
        return _read(data)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, msgspec.MsgspecError) as error:
        log.warning("the kept index cannot be read", error=str(error))
        return None


def _read(data: Array) -> Standing | None:
    if data[: len(MAGIC)].tobytes() != MAGIC:
        raise ValueError("it is of another kind")
    size = len(MAGIC) + 8
    end = size + int.from_bytes(data[len(MAGIC) : size].tobytes(), "little")
    head = msgspec.msgpack.decode(data[size:end].data, type=_Head)
    if head.format != FORMAT:
        return None
    body = data[-(-end // ALIGNED_BYTES) * ALIGNED_BYTES :]
    arrays = {placed.name: _array(body, placed) for placed in head.arrays}
    text = {name.removeprefix(TEXT): array for name, array in arrays.items() if name.startswith(TEXT)}
    segment = Segment(arrays, Books(head.books, arrays[OUTLETS]), text)
    return Standing(segment, head.database, head.position, head.taken_at)


def _array(body: Array, placed: _Placed) -> Array:
    kind = np.dtype(placed.dtype)
    count = int(np.prod(placed.shape, dtype=np.int64))
    return body[placed.offset : placed.offset + count * kind.itemsize].view(kind).reshape(placed.shape)
