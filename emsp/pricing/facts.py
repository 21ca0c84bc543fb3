"""What a partner says of a tariff, in our words; the edges translate into these, `catalog` writes them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from emsp.pricing.engine.tariff import Tariff


class TariffFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A partner's tariff with its own words about it, by language (ISO 639-1)."""

    country_code: str
    party_id: str
    external_id: str
    tariff: Tariff
    alt_text: dict[str, str] = {}
    updated_at: datetime
