"""The only place where parts are joined: brings in every table, plugs the ports, mounts the edges."""

from __future__ import annotations

import emsp.accounts.tables
import emsp.brands.tables
import emsp.charging.tables
import emsp.fleets.tables
import emsp.loyalty.tables
import emsp.ocpi.tables
import emsp.partners.tables
import emsp.payments.tables
import emsp.pricing.tables
import emsp.stations.tables  # noqa: F401
