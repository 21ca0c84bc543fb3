"""A card processor by localstripe, somebody else's stand-in for Stripe.

    python localstripe_cards.py PORT

Run with the peers' own environment. It listens on loopback only and keeps what it knows in memory, where localstripe
by itself listens everywhere and keeps a file.
"""

from __future__ import annotations

import sys

from aiohttp import web
from localstripe import server

if __name__ == "__main__":
    server.store.dump_to_disk = lambda: None
    web.run_app(server.app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
