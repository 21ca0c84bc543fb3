"""What a person types finds the same stations in an index as in PostgreSQL; and in an index, a slip is forgiven."""

import random
from collections.abc import Sequence

import pytest

from emsp.db.engine import transaction
from emsp.stations import by_sql
from emsp.stations.asking import Network, Page
from emsp.stations.index.kept import StationIndex
from emsp.stations.index.places import search_places
from emsp.stations.tables import Station
from tests.stations.index.segments import index_of_database
from tests.stations.places import evse, ids_of, partner, put, station

NAMES = ("Hauptbahnhof", "Parkhaus Süd", "Café-Straße", "Hotel", "Rathaus Nord", "E12", "Ørsted P+R", "Станция", None)
CITIES = ("Köln", "Kopenhagen", "Amsterdam", "Amstelveen", "Den Haag", "Zürich", "12345", None)
TYPED = (
    *("a", "ams", "amst", "am haag", "den haag", "haag den", "ko", "köl", "koln süd", "hotel k", "strasse", "caf str"),
    *("12345", "1234", "3511c", "3511 CE", "NL*ABC*E1", "nlabce12", "ABC-E12", "e12", "E.1.2", "abce1", "Станц", "nl"),
    *("volt", "fast hotel", "%", "", "hotel amsterdam volt 3511", "bahnhof", "haus", "hof", "damseweg"),
)


@pytest.fixture
async def index(database: str) -> StationIndex:
    dice = random.Random(5)  # seeded: the same world every time
    reports = [
        station(
            f"L{number}",
            *(evse(f"E{dice.randrange(1, 150)}") for _ in range(dice.randrange(3))),
            name=dice.choice(NAMES),
            city=dice.choice(CITIES),
            street=dice.choice(["Café-Straße 5", "Amsterdamseweg 12", None]),
            postal_code=dice.choice(["3511 CE", "50667", None]),
            operator_name=dice.choice(["Volt & Co", "Fast", None]),
            party_id=dice.choice(["ABC", "DEF"]),
            publish=dice.random() < 0.9,
        )
        for number in range(250)
    ]
    await put(await partner(), *reports)
    return await index_of_database(dice)


@pytest.mark.parametrize("text", TYPED)
async def test_that_places_are_the_same(index: StationIndex, text: str) -> None:
    """Page by page, each going on with the other's cursor."""
    for network in (None, Network(blocked_parties=("NL*DEF",))):
        after: str | None = None
        for _ in range(4):
            page = search_places(index, text, 30, after, network=network)
            async with transaction() as db:
                expected = await by_sql.search_places(db, text, 30, after, network=network)
            assert shown(page) == shown(expected)
            if not page.has_next:
                break
            after = page.cursors[-1]


def shown(page: Page) -> tuple[list[int | None], list[str], int, bool]:
    return [row.id for row in page.stations], list(page.cursors), page.total_count, page.has_next


@pytest.fixture
async def places(database: str) -> StationIndex:
    await put(
        await partner(),
        station("plain", name="Parkhaus Süd", street="Café-Straße 5", city="Köln", operator_name="Ørsted"),
        station("central", name="Utrecht Centraal", city="Utrecht", postal_code="3511 CE"),
        station("beside", name="Hotel", street="Utrechtseweg 1", city="Zeist"),
        station("hidden", name="Uetliberg", publish=False),
    )
    return await index_of_database()


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("utrect", ["central", "beside"]),  # a letter is missing
        ("urtecht", ["central", "beside"]),  # two in the wrong order, of a word that is not typed to its end as well
        ("utrecht centrral", ["central"]),
        ("parkhaus sud koeln", ["plain"]),
        ("kueln", []),  # two slips are more than a short word is forgiven
        ("parkkhauss", ["plain"]),
        ("orstedt", ["plain"]),
        ("cafe strase", ["plain"]),
        ("xtrecht", []),  # the first letter must be right
        ("hotle", ["beside"]),
        ("hto", []),  # three letters are too few to guess by
        ("3512", []),  # another number is another place
        ("ueetliberg", []),  # what is not shown is not guessed either
    ],
)
async def test_that_a_slip_is_forgiven(places: StationIndex, typed: str, found: Sequence[str]) -> None:
    names = {number: name for name, number in (await ids_of(Station)).items()}
    assert [names[row.id or 0] for row in search_places(places, typed).stations] == list(found)


async def test_that_nothing_is_guessed_where_the_words_are_known(places: StationIndex) -> None:
    """There is a Zeist and a Hotel, and no Utrecht at the Zeist: no other word is taken for either."""
    assert search_places(places, "centraal zeist").total_count == 0
