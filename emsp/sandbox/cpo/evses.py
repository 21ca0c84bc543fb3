"""The state of EVSEs: changed on the shelf, kept in the books, told to the eMSP."""

import asyncio
import logging
import random
from typing import Any, NamedTuple

from .feed import Party
from .platform import Platform, with_change
from .pushes import push_place
from .wire import now, timestamp

log = logging.getLogger(__name__)
STATUSES = (
    "AVAILABLE",
    "BLOCKED",
    "CHARGING",
    "INOPERATIVE",
    "OUTOFORDER",
    "PLANNED",
    "REMOVED",
    "RESERVED",
    "UNKNOWN",
)


class Place(NamedTuple):
    """A location, or one EVSE of it."""

    party: Party
    location_id: str
    evse_uid: str | None

    @property
    def path(self) -> list[str]:
        """Its path at a receiver of Locations."""
        return [*self.party, self.location_id, *([self.evse_uid] if self.evse_uid else [])]


def change(platform: Platform, place: Place, fields: dict[str, Any], push: bool = True) -> bool:
    """Changes fields of a location or an EVSE and pushes them by PATCH; False when there is no such place."""
    position = platform.locations.owned(place.location_id, place.party)
    if position is None or not _has(published := platform.locations.read(position), place.evse_uid):
        return False
    patch = {**fields, "last_updated": timestamp(now())}
    place = place._replace(location_id=published["id"])
    platform.locations.replace(position, with_change(published, place.evse_uid, patch))
    platform.books.changes.setdefault("\t".join(place.path), {}).update(patch)
    platform.store.save()
    if push:
        platform.start(_push(platform, place, list(patch)))
    return True


def _has(location: dict[str, Any], evse_uid: str | None) -> bool:
    uids = {evse["uid"].lower() for evse in location.get("evses") or []}
    return evse_uid is None or evse_uid.lower() in uids


async def _push(platform: Platform, place: Place, names: list[str]) -> None:
    """Tells the eMSP the present values of fields, which may be newer than the change that caused the push."""
    kept = platform.books.changes["\t".join(place.path)]
    await push_place(platform, place.path, {name: kept[name] for name in names})


async def churn(platform: Platform) -> None:
    """Lets strangers come and go: now and then a free EVSE is taken or a taken one is left."""
    dice = random.Random(platform.options.seed)
    while True:
        await asyncio.sleep(60 / platform.options.status_churn)
        location = platform.locations.read(dice.randrange(len(platform.locations.bodies)))
        party = (location["country_code"].upper(), location["party_id"].upper())
        ours = {(s.location_id, s.evse_uid) for s in platform.books.sessions.values() if s.occupies}
        flips = {"AVAILABLE": "CHARGING", "CHARGING": "AVAILABLE"}
        strangers = [e for e in location.get("evses") or [] if (location["id"], e["uid"]) not in ours]
        if candidates := [evse for evse in strangers if evse["status"] in flips]:
            evse = dice.choice(candidates)
            change(platform, Place(party, location["id"], evse["uid"]), {"status": flips[evse["status"]]})
