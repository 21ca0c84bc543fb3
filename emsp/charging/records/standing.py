"""Which of an operator's records of one charge stands: what is credited is taken back, what comes again replaces.

The protocol lets a record be credited, and then sent anew under another id; a record itself never changes. Operators
do more than that: they send the same id with another content, a second record without a credit, a credit that names
nothing. What stands does not depend on the order in which credits and what they take back arrive.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from emsp.charging.records.record import Record

SAME_TIME = timedelta(minutes=1)
Key = tuple[str, str, str]


class Kept(NamedTuple):
    """A record as it was kept; `revision` counts the contents that came under its id."""

    id: UUID
    record: Record
    revision: int = 1


class Standing(NamedTuple):
    """What stands of a charge: one record or none. `second` are those beside it for another time, billed by none."""

    stands: Kept | None
    second: tuple[Kept, ...]


def standing(kept: Sequence[Kept]) -> Standing:
    """What stands of the records of one charge, given in the order in which they arrived."""
    stands: Kept | None = None
    beside: list[Kept] = []
    for charge in _not_credited(kept):
        if stands is None or covers_the_same_time(charge.record, stands.record):
            stands = charge if stands is None or charge.record.updated_at >= stands.record.updated_at else stands
        else:
            beside.append(charge)
    return Standing(stands, tuple(beside))


def covers_the_same_time(one: Record, other: Record) -> bool:
    """Whether two records are of the same time, to the minute."""
    apart = abs(one.started_at - other.started_at), abs(one.ended_at - other.ended_at)
    return max(apart) <= SAME_TIME


def takes_back(credit: Record, charge: Record) -> bool:
    """Whether a credit that names nothing is of this record: the same amount the other way round."""
    same_money = credit.currency == charge.currency and abs(credit.net_cost) == charge.net_cost
    return same_money and (credit.credit or covers_the_same_time(credit, charge))


def _not_credited(kept: Sequence[Kept]) -> list[Kept]:
    """The newest content of each record that nothing takes back, in the order in which the records came first."""
    newest = _newest(kept)
    credits = [one for one in newest if one.record.credit]
    charges = [one for one in newest if not one.record.credit and not _is_taken_back(one, credits)]
    return _without_matches(charges, credits, kept)


def _newest(kept: Iterable[Kept]) -> list[Kept]:
    by_key: dict[Key, Kept] = {}
    for one in kept:
        known = by_key.get(_key(one.record))
        newer = known is None or (one.record.updated_at, one.revision) > (known.record.updated_at, known.revision)
        by_key[_key(one.record)] = one if known is None or newer else known
    return list(by_key.values())


def _is_taken_back(charge: Kept, credits: Iterable[Kept]) -> bool:
    return any(_names(credit.record, charge) for credit in credits)


def _names(credit: Record, charge: Kept) -> bool:
    """A credit is of all that came under an id before it, and not of what came under the id afterwards."""
    named = (credit.credits_external_id or "").casefold()
    sent_anew = charge.revision > 1 and charge.record.updated_at > credit.updated_at
    return named == charge.record.external_id.casefold() and _party(credit) == _party(charge.record) and not sent_anew


def _without_matches(charges: list[Kept], credits: Iterable[Kept], kept: Sequence[Kept]) -> list[Kept]:
    """The records that are left when each credit that names nothing has taken back the one that it matches."""
    arrived = {one.id: number for number, one in enumerate(kept)}
    replacing = {_key(one.record) for one in kept if not one.record.credit}
    nameless = [one for one in credits if not one.record.credits_external_id and _key(one.record) not in replacing]
    left = list(charges)
    for credit in [*nameless, *(one for one in charges if one.record.net_cost < 0)]:
        matching = [one for one in left if one.id != credit.id and takes_back(credit.record, one.record)]
        before = [one for one in matching if arrived[one.id] < arrived[credit.id]]
        if matching:
            taken = (before or matching[:1])[-1]
            left = [one for one in left if one.id not in (taken.id, credit.id)]
    return left


def _key(record: Record) -> Key:
    return *_party(record), record.external_id.casefold()


def _party(record: Record) -> tuple[str, str]:
    return record.country_code, record.party_id
