"""Partners that report, correct, patch and withdraw at random."""

from collections.abc import Sequence
from random import Random
from uuid import UUID

from emsp.db.engine import transaction
from emsp.errors import NotFound
from emsp.stations.changes import put_stations, set_evse_status
from emsp.stations.facts import EvseFacts, StationFacts
from emsp.stations.withdraw import withdraw_stations
from tests.stations.places import at, connector, evse, station

STATUSES = ("AVAILABLE", "CHARGING", "UNKNOWN", "OUTOFORDER", "REMOVED", "RESERVED")
STANDARDS = ("IEC_62196_T2", "IEC_62196_T2_COMBO", "CHADEMO")
CAPABILITIES: Sequence[list[str]] = (
    [],
    ["RFID_READER"],
    ["RESERVABLE", "REMOTE_START_STOP_CAPABLE"],
    ["SOMETHING_NEW"],
)
HOURS = (
    None,
    {"twentyfourseven": True},
    {"regular_hours": [{"weekday": 1, "period_begin": "07:00", "period_end": "22:00"}]},
)
NAMES = (None, "Café Zürich", 'Say "hello"', "back\\slash", "tab\there", "two\nlines", "日本 😀")


class Partner:
    """A partner with a handful of stations, that does whatever its dice say. Its clock goes on by a minute a step."""

    def __init__(self, partner_id: UUID, seed: int) -> None:
        self.id, self.dice, self.minutes = partner_id, Random(seed), 0

    async def act(self) -> None:
        """One step, committed."""
        self.minutes += 1
        step = self.dice.choice((self._put, self._put, self._patch, self._patch, self._patch, self._withdraw))
        await step()

    async def _put(self) -> None:
        reports = [self._station(str(number)) for number in self.dice.sample(range(12), self.dice.randint(1, 4))]
        async with transaction() as db:
            await put_stations(db, self.id, reports)

    async def _patch(self) -> None:
        async with transaction() as db:
            try:
                late = self.dice.choice((0, 0, -5))
                key = ("NL", "ABC", str(self.dice.randrange(12)), f"E{self.dice.randint(1, 3)}")
                await set_evse_status(db, *key, self.dice.choice(STATUSES), at(self.minutes + late))
            except NotFound:
                pass

    async def _withdraw(self) -> None:
        async with transaction() as db:
            await withdraw_stations(db, [("NL", "ABC", str(self.dice.randrange(12)))])

    def _station(self, external_id: str) -> StationFacts:
        dice = self.dice
        evses = [self._evse(f"E{number}") for number in range(1, dice.randint(2, 4))]
        return station(
            external_id,
            *evses,
            minutes=self.minutes,
            name=dice.choice(NAMES),
            longitude=dice.choice((4.9, -180.0, 180.0, 13.4 + dice.random())),
            latitude=dice.choice((52.37, -90.0, 90.0, 47 + dice.random())),
            operator_name=dice.choice((None, "Volt & Co", "Stroom")),
            operator_website=dice.choice((None, f"https://example.com/{self.minutes}")),
            country=dice.choice((None, "NLD", "DEU")),
            opening_hours=dice.choice(HOURS),
            facilities=dice.choice(([], ["WIFI", "HOTEL"], ["SAUNA"])),
            publish=dice.random() < 0.9,
        )

    def _evse(self, uid: str) -> EvseFacts:
        dice = self.dice
        plugs = [
            connector(
                str(number),
                self.minutes,
                standard=dice.choice(STANDARDS),
                max_power_w=dice.choice((None, 11_000, 150_000)),
                tariff_ids=dice.choice(([], ["t1"], ["t1", "t2"])),
                capabilities=dice.choice(([], ["ISO_15118_2_PLUG_AND_CHARGE"])),
            )
            for number in range(dice.randint(0, 2))
        ]
        return evse(
            uid,
            dice.choice(STATUSES),
            self.minutes,
            connectors=plugs,
            capabilities=dice.choice(CAPABILITIES),
            label=dice.choice((None, "1", "left")),
            accessible=dice.choice((None, True, False)),
        )
