"""Countries are written with two letters or with three (ISO 3166-1); here both are one."""

from __future__ import annotations

from functools import cache

from babel.core import get_global

NOT_IN_CLDR = {"XKX": "XK"}


@cache
def alpha_2(code: str) -> str:
    """The two letters of a country given with two or three, in either case; what is no country stays as it is."""
    code = code.strip().upper()
    if len(code) != 3:
        return code
    return NOT_IN_CLDR.get(code) or next(iter(get_global("territory_aliases").get(code, [code])))


@cache
def written(country: str) -> tuple[str, ...]:
    """All ways in which a country of two letters is written: with two letters, and with three."""
    aliases = (code for code, countries in get_global("territory_aliases").items() if countries == [country])
    return country, *(
        code for code in (*aliases, *NOT_IN_CLDR) if len(code) == 3 and code.isalpha() and alpha_2(code) == country
    )
