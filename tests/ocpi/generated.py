"""Any object that the field tables allow, made by hypothesis: of every class, in every version.

Optional fields are all there, all absent, or drawn one by one; enums take every value and one that no table has;
texts are short, odd, or as long as they may be; lists are empty, of one, or of two.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from emsp.ocpi.conformance import tables
from emsp.ocpi.conformance.tables import Field

Json = dict[str, Any]
NEW_WORD = "SOMETHING_NEW"
ODD_TEXTS = ("A", "#NA", 'O\'Brien "Jr" \\ 100%', "<b>&amp;", "-1", "null", "Strasse 5/II", "a  b")
ODD_WORDS = ("Straße", "日本橋", "🚗⚡", "Zürich–Örlikon", "Ünïcödé")
ODD_IDS = ("1", "A::B", "a*b", "x/y", "a b", "100%", "é", "+1", "..", "%2F")
MOMENTS = st.datetimes(datetime(2011, 1, 1), datetime(2099, 12, 31))  # noqa: DTZ001 - made UTC below
AMOUNTS = st.integers(0, 10**9).map(lambda scaled: Decimal(scaled) / 10_000) | st.sampled_from([Decimal(0), Decimal(1)])


def objects(version: str, name: str, **fixed: Any) -> SearchStrategy[Json]:
    """Objects of a class as its table allows them, with some fields `fixed`."""
    return _objects(version, name, fixed)


@st.composite
def _objects(draw: DrawFn, version: str, name: str, fixed: Json) -> Json:
    optional = draw(st.sampled_from(["all", "none", "some"]))
    made: Json = {}
    for field, spec in tables.fields(version, name).items():
        if field in fixed:
            made[field] = fixed[field]
        elif spec.required or optional == "all" or (optional == "some" and draw(st.booleans())):
            made[field] = draw(_values(version, name, field, spec))
    return FITTED.get(name, _as_it_is)(made)


def _values(version: str, name: str, field: str, spec: Field) -> SearchStrategy[Any]:
    one = _one(version, name, field, spec)
    return st.lists(one, min_size=1 if spec.required else 0, max_size=2) if spec.many else one


def _one(version: str, name: str, field: str, spec: Field) -> SearchStrategy[Any]:
    if spec.type in tables.classes(version):
        return objects(version, spec.type)
    if spec.type in tables.enums(version):
        return st.sampled_from([*tables.enum(version, spec.type).values, NEW_WORD])
    by_name = BY_NAME.get(f"{name}.{field}", BY_NAME.get(field))
    return by_name if by_name is not None else SIMPLE[spec.type](version, spec.length)


def _texts(version: str, length: int | None) -> SearchStrategy[str]:
    words = ODD_TEXTS if version == "2.1.1" else (*ODD_TEXTS, *ODD_WORDS)
    return _within(words, length or 255)


def _ids(version: str, length: int | None) -> SearchStrategy[str]:
    return _within([text for text in ODD_IDS if text.isascii()], length or 36)


def _within(words: Any, length: int) -> SearchStrategy[str]:
    short = [word[:length].strip() for word in words]
    return st.sampled_from([*filter(None, short), "X" * length])


def _moments(version: str, length: int | None) -> SearchStrategy[str]:
    forms = ["seconds"] if version == "2.1.1" else ["seconds", "milliseconds"]
    return st.builds(_moment, MOMENTS, st.sampled_from(forms), st.sampled_from(["Z", ""]))


def _moment(value: datetime, timespec: str, zone: str) -> str:
    return value.replace(tzinfo=UTC).isoformat(timespec=timespec).removesuffix("+00:00") + zone


def _urls(version: str, length: int | None) -> SearchStrategy[str]:
    start = "https://cpo.example/"
    return st.sampled_from([start, f"{start}a?b=c#d", start.ljust(255, "x")])


def _whole(version: str, length: int | None) -> SearchStrategy[int]:
    return st.integers(0, 10 ** (length or 5) - 1)


def _degrees(most: int) -> SearchStrategy[str]:
    """Six decimals, which every version allows; never 0, where unknown places are."""
    return st.tuples(st.sampled_from(["", "-"]), st.integers(1, most * 10**6 - 1)).map(
        lambda drawn: f"{drawn[0]}{drawn[1] // 10**6}.{drawn[1] % 10**6:06}"
    )


SIMPLE: dict[str, Callable[[str, int | None], SearchStrategy[Any]]] = {
    "string": _texts,
    "CiString": _ids,
    "DateTime": _moments,
    "URL": _urls,
    "number": lambda version, length: AMOUNTS,
    "int": _whole,
    "boolean": lambda version, length: st.booleans(),
}
CLOCKS = st.tuples(st.integers(0, 23), st.integers(0, 59)).map(lambda at: f"{at[0]:02}:{at[1]:02}")
BY_NAME: dict[str, SearchStrategy[Any]] = {
    "latitude": _degrees(90),
    "longitude": _degrees(180),
    "country_code": st.just("NL"),
    "party_id": st.just("ABC"),
    "country": st.sampled_from(["NLD", "DEU", "USA"]),
    "currency": st.sampled_from(["EUR", "USD", "JPY", "BHD"]),
    "language": st.sampled_from(["en", "nl", "xx"]),
    "time_zone": st.sampled_from(["Europe/Amsterdam", "UTC", "America/St_Johns"]),
    "weekday": st.integers(1, 7),
    "start_time": CLOCKS,
    "end_time": CLOCKS,
    "start_date": st.dates(datetime(2011, 1, 1).date(), datetime(2099, 12, 31).date()).map(str),  # noqa: DTZ001
    "end_date": st.dates(datetime(2011, 1, 1).date(), datetime(2099, 12, 31).date()).map(str),  # noqa: DTZ001
    "RegularHours.period_begin": CLOCKS,
    "RegularHours.period_end": CLOCKS,
}


def distinct(items: list[Json], key: str) -> list[Json]:
    """The same objects with ids that differ from each other, of the same length if they are long."""
    return [{**item, key: f"{item[key][:35]}{position}"} for position, item in enumerate(items)]


def _as_it_is(made: Json) -> Json:
    return made


def _location(made: Json) -> Json:
    return {**made, "evses": distinct(made["evses"], "uid")} if "evses" in made else made


def _evse(made: Json) -> Json:
    return {**made, "connectors": distinct(made["connectors"], "id")}


FITTED: dict[str, Callable[[Json], Json]] = {"Location": _location, "EVSE": _evse}
