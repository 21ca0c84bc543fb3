"""The exchange rates that an installation begins with: euro reference rates of one day, until newer ones are fetched.

Figures of the European Central Bank (euro foreign exchange reference rates of 30 October 2026), taken over from its
historical file on 22 November 2026: units of the currency that one euro bought.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

from emsp.pricing.retail.conversion import ExchangeRate

AS_OF = date(2026, 10, 30)
SOURCE = "European Central Bank"
_RATES = """
AUD 1.5904   BRL 6.0692   CAD 1.5606   CHF 0.9194   CNY 7.4326   CZK 24.353   DKK 7.4735   GBP 0.8338
HKD 8.7652   HUF 366.33   IDR 20275.17   ILS 3.495   INR 106.084   ISK 136   JPY 175.68   KRW 1491.76
MXN 21.1237   MYR 4.5325   NOK 10.312   NZD 1.9823   PHP 71.143   PLN 4.4038   RON 5.3447   SEK 10.978
SGD 1.4282   THB 37.683   TRY 55.8015   USD 1.1172   ZAR 18.6455
"""

PACKAGED = tuple(
    ExchangeRate(currency, Decimal(per_euro), AS_OF, SOURCE)
    for currency, per_euro in re.findall(r"([A-Z]{3}) ([\d.]+)", _RATES)
)
