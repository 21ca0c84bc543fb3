"""The cities where made-up stations stand, and the made-up operators."""

from dataclasses import dataclass
from decimal import Decimal

from .price_lists import Money


@dataclass(frozen=True, slots=True)
class City:
    """A city centre with what a station's address needs."""

    name: str
    latitude: Decimal
    longitude: Decimal
    country_code: str
    country: str
    time_zone: str
    postal_code: str
    streets: tuple[str, ...]
    money: Money


def _money(currency: str, rate: str, vat: str) -> Money:
    return Money(currency, Decimal(rate), Decimal(vat))


def _city(name: str, at: str, country: str, zone: str, postal_code: str, streets: str, money: Money) -> City:
    latitude, longitude = at.split()
    country_code, alpha3 = country.split()
    return City(
        name,
        Decimal(latitude),
        Decimal(longitude),
        country_code,
        alpha3,
        f"Europe/{zone}",
        postal_code,
        tuple(streets.split(", ")),
        money,
    )


CITIES = (
    _city(
        "Amsterdam", "52.3700 4.8950", "NL NLD", "Amsterdam", "1012 AB",
        "Prinsengracht, Overtoom, Ceintuurbaan, Wibautstraat, Sarphatistraat", _money("EUR", "1.00", "21"),
    ),
    _city(
        "Utrecht", "52.0910 5.1220", "NL NLD", "Amsterdam", "3511 LX",
        "Oudegracht, Biltstraat, Maliebaan, Croeselaan, Amsterdamsestraatweg", _money("EUR", "0.96", "21"),
    ),
    _city(
        "Berlin", "52.5200 13.4050", "DE DEU", "Berlin", "10117",
        "Torstraße, Kantstraße, Karl-Marx-Allee, Schönhauser Allee, Bergmannstraße", _money("EUR", "1.15", "19"),
    ),
    _city(
        "Paris", "48.8570 2.3520", "FR FRA", "Paris", "75004",
        "Rue de Rivoli, Boulevard Voltaire, Avenue d'Italie, Rue Lecourbe, Quai de Valmy", _money("EUR", "1.05", "20"),
    ),
    _city(
        "Bruxelles", "50.8470 4.3530", "BE BEL", "Brussels", "1000",
        "Rue de la Loi, Chaussée d'Ixelles, Avenue Louise, Boulevard Anspach", _money("EUR", "1.10", "21"),
    ),
    _city(
        "Wien", "48.2080 16.3720", "AT AUT", "Vienna", "1010",
        "Mariahilfer Straße, Praterstraße, Landstraßer Hauptstraße, Währinger Straße", _money("EUR", "1.08", "20"),
    ),
    _city(
        "Madrid", "40.4170 -3.7040", "ES ESP", "Madrid", "28013",
        "Calle de Alcalá, Paseo del Prado, Calle de Serrano, Calle de Atocha", _money("EUR", "0.90", "21"),
    ),
    _city(
        "Milano", "45.4640 9.1900", "IT ITA", "Rome", "20121",
        "Corso Buenos Aires, Via Torino, Viale Monza, Corso Sempione", _money("EUR", "1.20", "22"),
    ),
    _city(
        "Zürich", "47.3720 8.5420", "CH CHE", "Zurich", "8001",
        "Bahnhofstrasse, Langstrasse, Badenerstrasse, Seefeldstrasse", _money("CHF", "1.05", "8.1"),
    ),
    _city(
        "London", "51.5070 -0.1280", "GB GBR", "London", "WC2N 5DU",
        "Euston Road, Old Street, Fulham Road, Brixton Road, Commercial Street", _money("GBP", "1.10", "20"),
    ),
    _city(
        "Stockholm", "59.3290 18.0690", "SE SWE", "Stockholm", "111 20",
        "Sveavägen, Hornsgatan, Odengatan, Götgatan, Valhallavägen", _money("SEK", "11.20", "25"),
    ),
    _city(
        "København", "55.6760 12.5680", "DK DNK", "Copenhagen", "1550",
        "Vesterbrogade, Nørrebrogade, Amagerbrogade, Østerbrogade", _money("DKK", "7.50", "25"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operator:
    """A made-up operator: its party id, its name, and whether it builds fast chargers."""

    party_id: str
    name: str
    fast: bool


OPERATORS = (
    Operator("SBX", "Sandbox Mobility", False),
    Operator("KRB", "Kerbside Power", False),
    Operator("LNT", "Lantern Charging", False),
    Operator("HWY", "Highway Volt", True),
)
