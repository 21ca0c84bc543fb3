"""What reading a page costs: each item alone, so that a bad one costs no other, by msgspec or by pydantic."""

from __future__ import annotations

from time import perf_counter

import orjson
from _report import Report
from rivals import pydantic_decode

PAGE = 500
OURS, RIVAL, BARE = "emsp", "pydantic", "msgspec alone"


def measure(name: str, documents: list[bytes], report: Report, rounds: int) -> None:
    """Items a second, in turns; first, both have to say the same of each that both accept."""
    import msgspec

    from emsp.errors import Invalid
    from emsp.ocpi.words.messages import Location
    from emsp.ocpi.words.reading import read

    for document in documents[:PAGE]:
        if (theirs := pydantic_decode.decode(document)) and _plain(theirs) != _plain(
            msgspec.structs.asdict(read(document, Location))
        ):
            raise SystemExit(f"msgspec and pydantic read this differently: {document[:300]!r}")
    pages = [b"[" + b",".join(documents[at : at + PAGE]) + b"]" for at in range(0, len(documents), PAGE)]
    items, bare = msgspec.json.Decoder(list[msgspec.Raw]), msgspec.json.Decoder(Location, strict=False)

    def ours(bodies: list[bytes]) -> int:
        good = 0
        for body in bodies:
            try:
                read(body, Location)
                good += 1
            except Invalid:
                continue
        return good

    def alone(bodies: list[bytes]) -> int:
        for body in bodies:
            bare.decode(body)
        return len(bodies)

    for _ in range(rounds):
        for side, way in ((OURS, ours), (BARE, alone), (RIVAL, pydantic_decode.validate)):
            started, good = perf_counter(), 0
            for page in pages:
                good += way([bytes(item) for item in items.decode(page)])
            report.add(f"{name}, decoding", side, len(documents) / (perf_counter() - started), "1/s")
            if good < len(documents):
                report.remark(f"{name}: {side} refuses {len(documents) - good:,} of {len(documents):,} items")


def _plain(said: object) -> object:
    import msgspec

    return orjson.loads(orjson.dumps(msgspec.to_builtins(said)))
