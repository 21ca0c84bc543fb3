"""Standard VAT rates of European countries, by ISO 3166-1 code of two or three letters.

In the European Union charging, with all that helps it, is one supply of electricity (Court of Justice, C-282/22),
and so is what a mobility service provider sells on (C-60/23). In most countries its rate is the standard one. Not in
Ireland, which taxes electricity, and public charging with it, at 9 % until the end of 2030. A brand says so, and any
other rate that it knows better, by `vat_percents` of its price policy.

Looked up on 22 November 2026 in published overviews, those of the 27 member states as of December 2025 and
those of the other countries older: check a country before its first invoice. Reduced rates and regions with
rules of their own (the Canary Islands, Madeira, Büsingen …) are not in here. A country that is not listed has
no known rate.
"""

from __future__ import annotations

import re
from decimal import Decimal

_RATES = """
AD AND 4.5   AL ALB 20    AT AUT 20    BA BIH 17    BE BEL 21    BG BGR 20    BY BLR 20    CH CHE 8.1
CY CYP 19    CZ CZE 21    DE DEU 19    DK DNK 25    EE EST 24    ES ESP 21    FI FIN 25.5  FO FRO 25
FR FRA 20    GB GBR 20    GR GRC 24    HR HRV 25    HU HUN 27    IE IRL 23    IM IMN 20    IS ISL 24
IT ITA 22    LI LIE 8.1   LT LTU 21    LU LUX 17    LV LVA 21    MC MCO 20    MD MDA 20    ME MNE 21
MK MKD 18    MT MLT 18    NL NLD 21    NO NOR 25    PL POL 23    PT PRT 23    RO ROU 21    RS SRB 20
SE SWE 25    SI SVN 22    SK SVK 23    TR TUR 20    UA UKR 20    XK XKX 18
"""

STANDARD_VAT_PERCENT = {
    code: Decimal(percent)
    for alpha_2, alpha_3, percent in re.findall(r"(\w+) (\w+) ([\d.]+)", _RATES)
    for code in (alpha_2, alpha_3)
}


def standard_vat_percent(country: str) -> Decimal | None:
    """The standard rate in percent for an alpha-2 or alpha-3 code in either case, or None when not known."""
    return STANDARD_VAT_PERCENT.get(country.upper())
